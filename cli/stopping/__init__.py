"""What a person ends: an order's invitations, or all of a customer who does not want to be asked or known."""
