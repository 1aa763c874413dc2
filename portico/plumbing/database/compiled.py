"""Querysets that are compiled to SQL once and then run with other values.

Building a queryset and compiling it costs more than the database needs to answer it. A page's reads are therefore
written as a function of parameters that returns a queryset, and made a `CompiledQuery`:

    @CompiledQuery
    def shared_invoices(client: Parameter) -> InvoiceQuerySet:
        return Invoice.objects.filter(client=client).shared().order_by("-id")

    shared_invoices.rows(client=request.client.pk)

The function runs once for each kind of database, with a `Parameter` for every value. `queryset` calls it with real
values: what the compiled query must return. See docs/decisions/0023-compiled-queries.md.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from types import ModuleType
from typing import Any, ClassVar, cast

from django.db import connection, models
from django.db.models.expressions import BaseExpression
from django.db.models.query import ModelIterable, ValuesListIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError
from django.utils import timezone, translation

type Bindable = str | int | date  # datetime and bool included.
type Values = Sequence[Any]  # Any: columns of any type.

# A query whose SQL differs between these depends on more than its parameters.
CONTEXTS = (("UTC", "en"), ("America/New_York", "es"))


class NotCompilable(TypeError):
    """The SQL of the queryset depends on more than its parameters, or uses one of them as more than a value."""


class Parameter(models.Expression):
    """The place of a value in a compiled query."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: object) -> tuple[str, tuple["Parameter"]]:  # type: ignore[override]  # The value follows at each run.
        return "%s", (self,)

    def get_group_by_cols(self) -> list[BaseExpression]:
        """Returns none, as for every value: rows are not grouped by it."""
        return []

    def __str__(self) -> str:
        raise NotCompilable(f"The query uses {self.name} as text.")


class CountUpTo(models.Subquery):
    """Counts the rows of a queryset up to a limit. An order makes PostgreSQL use the index that has it."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()

    def __init__(self, rows: models.QuerySet[Any], limit: int) -> None:  # Any: rows of any kind.
        super().__init__(rows.values("pk")[:limit])


@dataclass(frozen=True)
class _Statement:
    """A query as one kind of database runs it."""

    sql: str
    # Constants, and parameters.
    values: tuple[Any, ...]  # Any: constants of any type.
    # Position, functions that make Django's value of the database's, and the expression that they belong to.
    converters: list[tuple[int, list[Callable[..., Any]], models.Expression]]  # Any: as in Django.
    build: Callable[[Values], Any] | None  # Any: a row.
    # True if it locks rows, which outside a transaction would have no effect.
    locks: bool


class CompiledQuery[Row]:
    """A queryset of instances, with `select_related`, or of `values_list`, without prefetches."""

    # All that were made, by name, for the tests.
    known: ClassVar[dict[str, "CompiledQuery[Any]"]] = {}  # Any: rows of any kind.

    def __init__(self, function: Callable[..., models.QuerySet[Any, Row]]) -> None:
        self.name = f"{function.__module__}.{function.__qualname__}"
        self.__doc__ = function.__doc__
        self.queryset = function
        self._parameters = {name: Parameter(name) for name in inspect.signature(function).parameters}
        self._statements: dict[str, _Statement] = {}
        self.known[self.name] = self

    def rows(self, **values: Bindable) -> list[Row]:
        """Runs the query. None has no place in SQL's comparisons, and is refused."""
        if values.keys() != self._parameters.keys() or None in values.values():
            raise TypeError(f"{self.name} takes a value for each of {', '.join(self._parameters)}.")
        statement = self._statements.get(connection.vendor) or self._compile()
        if statement.locks and not connection.in_atomic_block:
            raise TransactionManagementError(f"{self.name} locks rows, but is not run inside a transaction.")
        bound = [_adapted(values[value.name]) if isinstance(value, Parameter) else value for value in statement.values]
        found = _converted(fetch(statement.sql, bound), statement.converters)
        return cast(list[Row], found if statement.build is None else [statement.build(row) for row in found])

    def first(self, **values: Bindable) -> Row | None:
        """Returns the first row, if there is one."""
        rows = self.rows(**values)
        return rows[0] if rows else None

    def _compile(self) -> _Statement:
        """Compiles the queryset for this kind of database. Raises NotCompilable."""
        statement, other = (self._compile_in(*context) for context in CONTEXTS)
        if (statement.sql, statement.values) != (other.sql, other.values):
            raise NotCompilable(f"{self.name} depends on the time, the time zone or the language.")
        names = {value.name for value in statement.values if isinstance(value, Parameter)}
        if unused := self._parameters.keys() - names:
            raise NotCompilable(f"{self.name} has no place for {', '.join(sorted(unused))}.")
        self._statements[connection.vendor] = statement
        return statement

    def _compile_in(self, zone: str, language: str) -> _Statement:
        with timezone.override(zone), translation.override(language):
            queryset: Any = self.queryset(**self._parameters)  # Any: reads what Django keeps to itself.
            compiler = queryset.query.get_compiler(connection=connection)
            sql, values = compiler.as_sql()
        if any(isinstance(value, date) for value in values):
            raise NotCompilable(f"{self.name} contains a date that is no parameter.")
        if queryset._prefetch_related_lookups:
            raise NotCompilable(f"{self.name} prefetches.")
        if connection.vendor == "postgresql":
            sql, values = _prepared_statements().with_literals(sql, values, is_parameter=_is_parameter)
        columns = [column[0] for column in compiler.select[: compiler.col_count]]
        converters = compiler.get_converters(columns)
        return _Statement(
            sql,
            tuple(values),
            [(position, functions, column) for position, (functions, column) in converters.items()],
            _builder(queryset, compiler),
            queryset.query.select_for_update,
        )


def _builder(queryset: Any, compiler: Any) -> Callable[[Values], Any] | None:  # Any: as above.
    """Returns a function that makes an instance of a row; None for a queryset of tuples."""
    if queryset._iterable_class is ValuesListIterable:
        return None
    if queryset._iterable_class is not ModelIterable or queryset._known_related_objects:
        raise NotCompilable("A compiled query returns instances or the tuples of values_list.")
    selected, info, mode = compiler.select, compiler.klass_info, queryset._fetch_mode
    own = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
    names = [column[0].target.attname for column in selected[own]]
    return partial(
        _instance,
        partial(info["model"].from_db, connection.alias, names, fetch_mode=mode),
        own,
        get_related_populators(info, selected, connection.alias, mode),
        list(compiler.annotation_col_map.items()),
    )


def _instance(
    from_db: Callable[[Values], models.Model],
    own: slice,
    related: Iterable[Any],  # Any: Django's own, as in ModelIterable.
    annotations: Iterable[tuple[str, int]],
    row: Values,
) -> models.Model:
    instance = from_db(row[own])
    for populator in related:
        populator.populate(row, instance)
    for name, position in annotations:
        setattr(instance, name, row[position])
    return instance


def _is_parameter(value: object) -> bool:
    return isinstance(value, Parameter)


def fetch(sql: str, values: list[Any]) -> list[Values]:  # Any: as in _Statement.
    """Runs a statement whose SQL is always the same, which PostgreSQL prepares. Returns its rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _prepared_statements().execute(cursor, sql, values)
        else:
            cursor.execute(sql, values)
        found: list[Values] = cursor.fetchall()
        return found


def _prepared_statements() -> ModuleType:
    from portico.plumbing.database import prepared_statements  # noqa: PLC0415 - SQLite never loads PostgreSQL's driver

    return prepared_statements


def _adapted(value: Bindable) -> Any:  # Any: as the database's driver takes it.
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _converted(
    rows: list[Values],
    converters: list[tuple[int, list[Callable[..., Any]], models.Expression]],  # Any: as in _Statement.
) -> list[Values]:
    if not converters:
        return rows
    found: list[Values] = []
    for row in map(list, rows):
        for position, functions, column in converters:
            for function in functions:
                row[position] = function(row[position], column, connection)
        found.append(tuple(row))
    return found
