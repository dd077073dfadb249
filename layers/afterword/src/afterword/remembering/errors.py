"""What goes wrong in remembering, apart from what remembers: to catch it must not cost an import of boto3."""

from __future__ import annotations


class ParametersError(Exception):
    """SSM did not answer, or lacks what nothing can be done without. Names the parameter, never its value."""
