"""The invitation service: a provider of our own that speaks other providers' dialects."""
