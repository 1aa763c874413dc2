"""Promises that only real processes can show."""
