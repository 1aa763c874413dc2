"""Notices to clients about events in their portal."""
