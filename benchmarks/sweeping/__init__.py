"""`make bench-sweep`: what a sweep reads and needs, whether a thousand invitations wait or a million."""
