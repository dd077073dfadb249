"""The functions beside the pattern that the libraries' guides show: `make bench`."""
