"""Tests of practices, and of how they take cards."""
