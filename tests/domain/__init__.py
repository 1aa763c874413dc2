"""Tests of `portico.domain`."""
