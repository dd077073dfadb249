"""Sending: one path from due invitations to a provider, for the queue's function and the schedule's alike."""
