"""Tests of `portico.gateways`."""
