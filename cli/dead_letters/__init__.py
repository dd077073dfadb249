"""Dead letters: what they are, and how they come back."""
