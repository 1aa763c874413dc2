"""A disk that is full: the limit of pages of an SQLite database."""

from django.db import connection


def limit(*, spare_pages: int = 0) -> int:
    """Lets the database of the connection grow by this many pages only; returns the limit so far, for `lift`.

    Outside a transaction. Pages that earlier tests left free are given back first.
    """
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA max_page_count")
        usual = int(cursor.fetchone()[0])
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0] + spare_pages}")
    return usual


def lift(limit: int) -> None:
    """Restores the limit that `limit` returned."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA max_page_count = {limit}")
