"""Shop events, sent by hand."""
