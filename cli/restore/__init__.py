"""A restored ledger: what may have gone out since is held."""
