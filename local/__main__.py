"""`python -m local run|up|down|send|drill`."""

from local.cli import app

# The drill's processes import this, too.
if __name__ == "__main__":
    app()
