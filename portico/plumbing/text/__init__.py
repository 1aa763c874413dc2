"""Validating, formatting and translating text."""
