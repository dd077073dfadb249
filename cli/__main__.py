"""`python -m cli`: the same as `afterword`."""

from cli.app import app

app(prog_name="afterword")
