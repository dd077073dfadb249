"""How things stand, on one screen."""
