"""Tests of building forms."""
