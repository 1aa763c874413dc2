"""Idempotency keys of forms: repeated content returns the first result, other content is refused."""

from collections.abc import Callable
from datetime import timedelta

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock, tokens
from portico.plumbing.models import FormKey
from portico.plumbing.refusals import Refused

PURPOSE = "form content"
# Far longer than a page can be sent: a session of staff lasts a day at most, and the next one refuses its token.
RETENTION = timedelta(days=30)


class FormSentBefore(Refused):
    """A form was posted again with the same key and other content. The second post had no effect."""

    message = _(
        "You have already submitted this form: %(first)s. Your changes were not saved. To save them as well, "
        "submit the form again."
    )

    def __init__(self, first: str) -> None:
        super().__init__(self.message % {"first": first})


class FormOutOfDate(FormSentBefore):
    """A form was posted again so late that its content can no longer be compared. The post had no effect."""

    message = _(
        "You have already submitted this form: %(first)s. This page is out of date, so nothing was saved. To do "
        "it a second time, submit the form again."
    )


def find_result[R: Model](
    rows: QuerySet[R], key: str, content: object, *, kind: str, describe: Callable[[R], str]
) -> R | None:
    """Returns the row that a form with this key created; None if there is none.

    `rows` are those of the practice, with a column `form_key`; `describe` names the first row in a few words.
    Raises FormSentBefore if the content differs from the first, and FormOutOfDate if the digest of the first is no
    longer stored. Must be called under the same lock as `store`.
    """
    row = rows.filter(form_key=key).first() if key else None
    if row is None:
        return None
    stored = FormKey.objects.filter(practice_id=_practice_id(row), kind=kind, key=key).first()
    if stored is None:
        raise FormOutOfDate(describe(row))
    if not tokens.matches(_text(content), purpose=PURPOSE, digest=stored.digest):
        raise FormSentBefore(describe(row))
    return row


def store(row: Model, key: str, content: object, *, kind: str) -> None:
    """Stores the digest of the form that created the row, in the same transaction."""
    if key:
        digest = tokens.keyed_digest(_text(content), purpose=PURPOSE)
        FormKey.objects.bulk_create(
            [FormKey(practice_id=_practice_id(row), kind=kind, key=key, digest=digest)],
            update_conflicts=True,
            unique_fields=["practice", "kind", "key"],
            update_fields=["digest"],
        )


def delete_old() -> int:
    """Deletes keys that were stored longer ago than RETENTION; a scheduled task. Returns their number."""
    return FormKey.objects.filter(written_at__lt=clock.now() - RETENTION).delete()[0]


def _practice_id(row: Model) -> int:
    practice_id: int = row.practice_id  # type: ignore[attr-defined]  # Each of them is a PracticeRow.
    return practice_id


def _text(content: object) -> str:
    """Returns the content as text: the `repr` of frozen dataclasses, enums and plain values is complete."""
    return repr(content)
