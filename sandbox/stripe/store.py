"""The sandbox's storage: objects as JSON in an SQLite file, one request at a time."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.stripe.api_errors import Json

TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, scope TEXT, kind TEXT, id TEXT, body TEXT, UNIQUE (scope, kind, id));
CREATE TABLE IF NOT EXISTS answers (
    scope TEXT, key TEXT, asked TEXT, status INTEGER, body TEXT, PRIMARY KEY (scope, key));
"""


class Store:
    """Thread-safe storage; in memory if no path is given."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(TABLES)
        # Releases idempotency keys that were in flight when an earlier process ended.
        self._database.execute("DELETE FROM answers WHERE status IS NULL")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Holds the lock: no other thread reads or writes meanwhile."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN")
            try:
                yield
            finally:
                self._database.execute("COMMIT")

    def put(self, scope: str, kind: str, body: Json) -> Json:
        """Inserts or updates an object; a new one comes last."""
        with self._lock:
            self._database.execute(
                "INSERT INTO objects (scope, kind, id, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (scope, kind, id) DO UPDATE SET body = excluded.body",
                (scope, kind, body["id"], json.dumps(body)),
            )
        return body

    def find(self, scope: str, kind: str, id_: str) -> Json | None:
        with self._lock:
            row = self._database.execute(
                "SELECT body FROM objects WHERE scope = ? AND kind = ? AND id = ?", (scope, kind, id_)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def remove(self, scope: str, kind: str, id_: str) -> None:
        with self._lock:
            self._database.execute("DELETE FROM objects WHERE scope = ? AND kind = ? AND id = ?", (scope, kind, id_))

    def newest_first(self, scope: str, kind: str, like: Callable[[Json], bool] = lambda body: True) -> list[Json]:
        with self._lock:
            rows = self._database.execute(
                "SELECT body FROM objects WHERE scope = ? AND kind = ? ORDER BY seq DESC", (scope, kind)
            ).fetchall()
        return [body for (text,) in rows if like(body := json.loads(text))]

    def scopes(self) -> list[str]:
        with self._lock:
            return [row[0] for row in self._database.execute("SELECT DISTINCT scope FROM objects ORDER BY scope")]

    def begin_answer(self, scope: str, key: str, digest: str) -> tuple[str, int | None, str | None] | None:
        """Claims an idempotency key. Returns None if it is new, else its request and its response, if there is one."""
        with self._lock:
            row = self._database.execute(
                "SELECT asked, status, body FROM answers WHERE scope = ? AND key = ?", (scope, key)
            ).fetchone()
            if row is None:
                self._database.execute("INSERT INTO answers (scope, key, asked) VALUES (?, ?, ?)", (scope, key, digest))
                return None
        return row[0], row[1], row[2]

    def end_answer(self, scope: str, key: str, kept: tuple[int, str] | None) -> None:
        """Stores the response of an idempotency key, or releases the key."""
        with self._lock:
            if kept is None:
                self._database.execute("DELETE FROM answers WHERE scope = ? AND key = ?", (scope, key))
                return
            self._database.execute(
                "UPDATE answers SET status = ?, body = ? WHERE scope = ? AND key = ?", (*kept, scope, key)
            )

    def close(self) -> None:
        with self._lock:
            self._database.close()
