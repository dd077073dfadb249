"""Invitations that wait for their time."""
