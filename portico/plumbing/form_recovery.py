"""Forms posted after a session had ended: stored for an hour, encrypted, without secrets, for their sender only."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from urllib.parse import unquote_plus

from django.db import models, transaction

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.security import encryption
from portico.plumbing.text.input_validation import MAX_CHECKED_CHARACTERS, holds_card_number

RECOVERABLE_FOR = timedelta(hours=1)
MAX_FORMS_PER_PERSON = 5
# Characters in all fields together; several times the size of our longest form.
MAX_FORM_SIZE = 250_000
# Never stored. The last is not a secret, but valid for one page only.
# The random key of a form (`form_key`) is no secret: with it, submitting the saved form twice does the thing once.
_SECRET = re.compile(
    r"(?:^|(?<!form)[-_])(?:password|passphrase|secret|pin|key|token)[0-9]*(?:[-_]|$)|csrfmiddlewaretoken",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PostedField:
    """One field as it was posted; several fields may have the same name."""

    name: str
    value: str


class SavedFormRow(PracticeRow):
    """A posted form with the path of its page. The contents are encrypted. A subclass adds the sender."""

    # The encryption binds the contents to this and the ref; each table has its own.
    KIND: ClassVar[str]

    ref = RefField()
    path = models.TextField()
    contents = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(PracticeRow.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.ref


def posted_fields(posted: Iterable[tuple[str, Sequence[str]]]) -> list[PostedField]:
    """Returns the fields of `request.POST.lists()`, in their order."""
    return [PostedField(name, value) for name, values in posted for value in values]


def save[F: SavedFormRow](row: F, contents: Iterable[PostedField], *, among: RowQuerySet[F]) -> F | None:
    """Saves the new row with the fields, without secrets and card numbers; None if nothing is left or it is too large.

    `among` are the rows of the same sender: a sixth replaces the oldest.
    """
    pairs = [(field.name, field.value) for field in contents if _is_storable(field)]
    is_empty = not any(value.strip() for _, value in pairs)
    if is_empty or sum(len(name) + len(value) for name, value in pairs) > MAX_FORM_SIZE:
        return None
    if holds_card_number(unquote_plus(row.path)):
        row.path = row.path.partition("?")[0]
    row.contents = encryption.encrypt(json.dumps(pairs).encode(), bound_to=_binding(row))
    with transaction.atomic():
        row.save(force_insert=True)
        newest = among.order_by("-id").values_list("pk", flat=True)[:MAX_FORMS_PER_PERSON]
        among.exclude(pk__in=list(newest)).delete()
    return row


def unexpired[F: SavedFormRow](rows: RowQuerySet[F]) -> RowQuerySet[F]:
    """Returns the rows that may still be shown."""
    return rows.filter(clock.within("created_at", RECOVERABLE_FOR))


def delete_expired[F: SavedFormRow](rows: RowQuerySet[F]) -> int:
    """Deletes the expired rows. Returns how many."""
    return rows.filter(created_at__lte=clock.now() - RECOVERABLE_FOR).delete()[0]


def fields_of(row: SavedFormRow) -> list[PostedField]:
    """Returns the posted fields. Raises encryption.DecryptionFailed."""
    plain = encryption.decrypt(bytes(row.contents), bound_to=_binding(row))
    return [PostedField(name, value) for name, value in json.loads(plain)]


def _is_storable(field: PostedField) -> bool:
    """Returns False for secrets, card numbers, and a field too long to be checked, which no form of ours has."""
    is_long = max(len(field.name), len(field.value)) > MAX_CHECKED_CHARACTERS
    return not (
        _SECRET.search(field.name) or is_long or holds_card_number(field.name) or holds_card_number(field.value)
    )


def _binding(row: SavedFormRow) -> str:
    return f"{row.KIND}:{row.ref}"
