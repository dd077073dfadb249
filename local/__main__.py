"""`python -m local run|up|down|send`."""

from local.cli import app

app()
