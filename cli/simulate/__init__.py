"""What would become of events."""
