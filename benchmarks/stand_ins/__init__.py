"""Stands in for AWS and for providers where cost is measured, or where a million events go through."""
