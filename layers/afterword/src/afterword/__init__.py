"""Turns shop events into survey invitations."""
