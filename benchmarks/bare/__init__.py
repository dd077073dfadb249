"""The least there is."""
