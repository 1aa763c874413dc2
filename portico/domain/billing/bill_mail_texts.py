"""Texts of mails about bills: Portico's own, and those that a practice has written instead."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext_lazy

from portico.domain.clients.models import Client, Language
from portico.domain.practices import mail_texts, practice_settings
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor

NEW_BILL = "invoice_shared"
RECEIPT = "receipt"
KINDS = (NEW_BILL, RECEIPT)
FIRST_NAME, PRACTICE_NAME = "[first name]", "[practice name]"
PLACEHOLDERS = (FIRST_NAME, PRACTICE_NAME)


_DEFAULTS = {
    NEW_BILL: (
        gettext_lazy("You have a new bill from [practice name]"),
        gettext_lazy("Hello [first name],\n\n[practice name] has sent you a new bill. You can see it in your portal."),
    ),
    RECEIPT: (
        gettext_lazy("Your receipt from [practice name]"),
        gettext_lazy("Hello [first name],\n\nThank you. We’ve received your payment."),
    ),
}


def default_text(kind: str, language: str) -> MailText:
    """Returns Portico's text, for a practice that has not written its own."""
    with translation.override(language):
        return MailText(*map(str, _DEFAULTS[kind]))


def texts_of(practice: Practice, kind: str) -> dict[str, MailText]:
    """Returns the practice's text of a kind of mail in each of the portal's languages."""
    own = mail_texts.own_texts(practice, kind)
    return {language: own.get(language) or default_text(kind, language) for language in Language.values}


def text_for(client: Client, kind: str) -> MailText:
    """Returns the text for the client, in the client's language, with its placeholders filled in."""
    text = texts_of(client.practice, kind)[client.language]
    return expand(text, client.practice, first_name=client.called)


def expand(text: MailText, practice: Practice, *, first_name: str) -> MailText:
    """Fills in the placeholders. Inserted values are not expanded again, and unknown placeholders stay as text."""
    values = {FIRST_NAME: first_name, PRACTICE_NAME: practice.name}
    return MailText(mail_texts.filled_in(text.subject, values), mail_texts.filled_in(text.message, values))


def save(practice: Practice, kind: str, texts: Mapping[str, MailText], *, version: int, by: Actor) -> None:
    """Saves the practice's own text of a kind of mail in each given language. Idempotent.

    Raises practice_settings.SettingsConflict.
    """
    with transaction.atomic():
        row = practice_settings.lock_practice(practice, version)
        current = texts_of(row, kind)
        have_changed = [
            mail_texts.save_own(
                row, kind, language, text, current=current[language], default=default_text(kind, language), by=by
            )
            for language, text in texts.items()
        ]
        if any(have_changed):
            row.version += 1
            row.save(update_fields=["version"])
