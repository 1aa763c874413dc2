"""Backing up and restoring an SQLite installation."""
