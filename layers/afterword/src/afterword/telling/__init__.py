"""Telling: metrics and logs. Ids and counts only, never a person."""
