"""What runs Afterword on a laptop: the local cloud, the deployment, the story of `make run`."""
