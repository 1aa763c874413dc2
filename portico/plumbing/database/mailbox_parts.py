"""Parts of a mailbox key as SQL expressions that an index can hold, to find keys that are nearly equal.

Their constants stand in the SQL itself: SQLite uses an index of an expression only for the same text.
"""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

LETTERS = 3
type Sql = tuple[str, tuple[str | int, ...]]


class _MailboxPart(models.Func):
    """An expression of one column; `template` has `{at}` where the position of the @ belongs."""

    arity = 1
    output_field = models.CharField()
    part = ""

    # Any: as in Django.
    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        return self.as_sql(compiler, connection, template=self._template("INSTR"), **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        return self.as_sql(compiler, connection, template=self._template("STRPOS"))

    def _template(self, position: str) -> str:
        return self.part.format(column="%(expressions)s", at=f"{position}(%(expressions)s, '@')", letters=LETTERS)


class MailboxName(_MailboxPart):
    """The part before the @, with the @."""

    part = "SUBSTR({column}, 1, {at})"

    @staticmethod
    def of(key: str) -> str:
        return key[: key.index("@") + 1]


class MailboxHead(_MailboxPart):
    """The first three letters and the domain."""

    part = "(SUBSTR({column}, 1, {letters}) || SUBSTR({column}, {at}))"

    @staticmethod
    def of(key: str) -> str:
        return key[:LETTERS] + key[key.index("@") :]


class MailboxTail(_MailboxPart):
    """The last three letters before the @ and the domain; undefined where there are fewer."""

    part = "SUBSTR({column}, {at} - {letters})"

    @staticmethod
    def of(key: str) -> str:
        return key[max(0, key.index("@") - LETTERS) :]
