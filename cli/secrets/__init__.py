"""Secrets: put and rotated, never shown."""
