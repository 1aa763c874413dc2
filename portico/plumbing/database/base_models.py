"""Base classes of models: ids, the practice foreign key, row locks, and refs for URLs."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.fetch_modes import FetchMode

from portico.plumbing import tokens

if TYPE_CHECKING:
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField


class RefField(_TextField):
    """The opaque identifier of a row in a URL."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        kwargs["max_length"] = 26
        kwargs["unique"] = True
        kwargs["default"] = tokens.new_ref
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Returns the column's type; on PostgreSQL one for which Django creates no second index for LIKE."""
        written = "character varying" if connection.vendor == "postgresql" else "varchar"
        return f"{written}({self.max_length})"

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:  # Any: Django's own type.
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("max_length", "unique", "default", "editable"):
            kwargs.pop(fixed, None)
        return name, path, list(args), kwargs


class RowQuerySet[T: models.Model](models.QuerySet[T]):
    def locked(self) -> Self:
        """Locks the rows, but no joined ones, until the transaction ends; not for `.values()`.

        Without `no_key`, inserting a row that references this one would wait for the lock, and two such operations
        would deadlock (on PostgreSQL; SQLite locks the whole database).

        Join only references that never change. After waiting for a lock, PostgreSQL reads the locked row again, and
        the joined ones as they were before: a row that it refers to since then is missing.
        """
        return self.select_for_update(no_key=True, of=("self",))


class Row(models.Model):
    """A subclass sets `objects = RowQuerySet.as_manager()`, or uses a subclass of that queryset."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],  # Any: columns of any type.
        *,
        fetch_mode: FetchMode | None = None,
    ) -> Self:
        """Returns the instance of a row as Django does, in a third of its time: without `__init__` and its signals."""
        instance = cls.__new__(cls)
        vars(instance).update(zip(field_names, values, strict=True))
        instance._state = state = ModelState()
        state.adding, state.db = False, db
        if fetch_mode is not None:
            state.fetch_mode = fetch_mode
        return instance


class PracticeRow(Row):
    """A row of one practice. `SamePractice` keys point at (practice, id), hence the constraint."""

    practice = models.ForeignKey(
        "practices.Practice",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # The unique constraint below begins with it.
    )

    class Meta:
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.UniqueConstraint(fields=("practice", "id"), name="%(app_label)s_%(class)s_of_practice"),
        )
