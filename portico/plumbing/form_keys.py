"""Idempotency keys of forms: repeated content returns the first result, other content is refused."""

from collections.abc import Callable

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from portico.plumbing import tokens
from portico.plumbing.models import FormKey
from portico.plumbing.refusals import Refused

PURPOSE = "form content"


class FormSentBefore(Refused):
    """A form was posted again with the same key and other content. The second post had no effect."""

    message = _(
        "This form was already sent once: %(first)s. What you sent now is different and was not recorded. "
        "If you want it as well, press again; otherwise leave this page."
    )

    def __init__(self, first: str) -> None:
        super().__init__(self.message % {"first": first})


def find_result[R: Model](
    rows: QuerySet[R], key: str, content: object, *, kind: str, describe: Callable[[R], str]
) -> R | None:
    """Returns the row that a form with this key created; None if there is none.

    `rows` are those of the practice, with a column `form_key`; `describe` names the first row in a few words.
    Raises FormSentBefore if the content differs from the first. Rows created before digests were stored have none
    and are returned. Must be called under the same lock as `store`.
    """
    row = rows.filter(form_key=key).first() if key else None
    if row is None:
        return None
    stored = FormKey.objects.filter(practice_id=_practice_id(row), kind=kind, key=key).first()
    if stored is not None and not tokens.matches(_text(content), purpose=PURPOSE, digest=stored.digest):
        raise FormSentBefore(describe(row))
    return row


def store(row: Model, key: str, content: object, *, kind: str) -> None:
    """Stores the digest of the form that created the row, in the same transaction."""
    if key:
        FormKey.objects.update_or_create(
            practice_id=_practice_id(row),
            kind=kind,
            key=key,
            defaults={"digest": tokens.keyed_digest(_text(content), purpose=PURPOSE)},
        )


def _practice_id(row: Model) -> int:
    practice_id: int = row.practice_id  # type: ignore[attr-defined]  # Each of them is a PracticeRow.
    return practice_id


def _text(content: object) -> str:
    """Returns the content as text: the `repr` of frozen dataclasses, enums and plain values is complete."""
    return repr(content)
