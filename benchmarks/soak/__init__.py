"""Very many events through the real functions, with faults, to the end of their follow-ups; and the balance of it."""
