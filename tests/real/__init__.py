"""Tests that need real processes."""
