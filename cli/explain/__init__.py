"""One invitation's, order's or customer's whole story."""
