"""What every row of ours has: an id, a practice, a way to be locked, and a ref for addresses."""

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models

from portico.plumbing import tokens

if TYPE_CHECKING:
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField


class RefField(_TextField):
    """The opaque name under which a row appears in an address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        kwargs["max_length"] = 26
        kwargs["unique"] = True
        kwargs["default"] = tokens.new_ref
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:  # Any: as Django has it.
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("max_length", "unique", "default", "editable"):
            kwargs.pop(fixed, None)
        return name, path, list(args), kwargs


class RowQuerySet[T: models.Model](models.QuerySet[T]):
    def locked(self) -> Self:
        """Locks the rows themselves until the transaction ends; not for `.values()`.

        Without `no_key`, an insert elsewhere that points to the row would wait for this lock, and
        two such operations end in a deadlock (PostgreSQL; SQLite locks the whole database).
        """
        return self.select_for_update(no_key=True, of=("self",))


class Row(models.Model):
    """Each child says `objects = RowQuerySet.as_manager()`, or a queryset of its own made from it."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        abstract = True


class PracticeRow(Row):
    """A row of one practice. `SamePractice` keys point at (practice, id), hence the constraint."""

    practice = models.ForeignKey(
        "practices.Practice",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # The unique pair below begins with it.
    )

    class Meta:
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.UniqueConstraint(fields=("practice", "id"), name="%(app_label)s_%(class)s_of_practice"),
        )
