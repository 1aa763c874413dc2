"""Measurements on large numbers of rows: `make bench`."""
