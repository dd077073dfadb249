"""The operator's commands: `afterword …`."""
