"""Idempotency keys of forms: the same content again gives the first result, other content is refused."""

from collections.abc import Callable

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from portico.plumbing import tokens
from portico.plumbing.models import FormKey
from portico.plumbing.refusals import Refused

PURPOSE = "form content"


class FormSentBefore(Refused):
    """A form came a second time under its key with other content. Nothing was done with the second."""

    message = _(
        "This form was already sent once: %(first)s. What you sent now is different and was not recorded. "
        "If you want it as well, press again; otherwise leave this page."
    )

    def __init__(self, first: str) -> None:
        super().__init__(self.message % {"first": first})


def made_before[Made: Model](
    rows: QuerySet[Made], key: str, content: object, *, kind: str, said: Callable[[Made], str]
) -> Made | None:
    """Returns the row that a form with this key made first; None if there is none.

    `rows` are those of the practice, with a column `press` for the key; `said` names the first row in a few words.
    Raises FormSentBefore if the content is not the same as then. Rows that are older than this comparison have no
    digest and are returned. Called under the lock that `keep` is called under.
    """
    made = rows.filter(form_key=key).first() if key else None
    if made is None:
        return None
    kept = FormKey.objects.filter(practice_id=_practice_of(made), kind=kind, key=key).first()
    if kept is not None and not tokens.matches(_text(content), purpose=PURPOSE, digest=kept.digest):
        raise FormSentBefore(said(made))
    return made


def keep(made: Model, key: str, content: object, *, kind: str) -> None:
    """Writes down what the form said that made the row, in the transaction in which the row is made."""
    if key:
        FormKey.objects.update_or_create(
            practice_id=_practice_of(made),
            kind=kind,
            key=key,
            defaults={"digest": tokens.keyed_digest(_text(content), purpose=PURPOSE)},
        )


def _practice_of(made: Model) -> int:
    practice: int = made.practice_id  # type: ignore[attr-defined]  # Each of them is a row of a practice.
    return practice


def _text(content: object) -> str:
    """Frozen dataclasses, enums and plain values say in their `repr` all that is in them."""
    return repr(content)
