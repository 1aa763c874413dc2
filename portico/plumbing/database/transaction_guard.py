"""Refuses network calls inside a transaction, so that no lock is held while waiting for a gateway."""

from django.db import connections


def refuse_inside_transaction() -> None:
    """Raises RuntimeError if a transaction is open, other than the one that wraps a test."""
    for connection in connections.all(initialized_only=True):
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise RuntimeError("No network inside a transaction: commit first, then call.")
