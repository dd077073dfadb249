"""`afterword service`: the invitation service from the operator's desk."""
