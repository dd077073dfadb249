"""Held invitations: what waits for a person, and what the person says."""
