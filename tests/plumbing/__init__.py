"""Tests of `portico.plumbing`."""
