"""Keeps the outside world out of transactions: nobody waits for a gateway while holding a lock."""

from django.db import connections


def refuse_inside_transaction() -> None:
    """Raises when a transaction is open (the one a test wraps around everything is not counted)."""
    for connection in connections.all(initialized_only=True):
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise RuntimeError("No network inside a transaction: commit first, then call.")
