"""Updates the statistics of PostgreSQL's planner during a transaction that adds many rows."""

from django.db import connection, models


def refresh(*tables: type[models.Model]) -> None:
    """Analyzes the tables on PostgreSQL, with the rows that the open transaction has added.

    The plan of a foreign key's check is made once in a session. Made for a nearly empty table it can read all rows of
    a practice, for each row that is added; it is made again after this. SQLite uses the key's own index.
    """
    if connection.vendor == "postgresql":
        names = ", ".join(connection.ops.quote_name(table._meta.db_table) for table in tables)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {names}")
