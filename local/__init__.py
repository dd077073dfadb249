"""What runs Afterword on a laptop: the local cloud, the deployment and the story that `make run` shows."""
