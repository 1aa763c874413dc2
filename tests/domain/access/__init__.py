"""Tests of portal access."""
