"""Campaigns: looked at, checked, compared and put."""
