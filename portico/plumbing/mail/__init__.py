"""Outgoing mail: written as rows, composed, delivered and retried."""
