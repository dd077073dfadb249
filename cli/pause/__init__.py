"""Pauses: nothing goes out for now."""
