"""Audit log entries as shown to staff."""
