"""Tests of notices to clients."""
