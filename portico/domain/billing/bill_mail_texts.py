"""Texts of mails about bills: Portico's own, and those that a practice has written instead."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from django.utils import translation
from django.utils.translation import gettext_lazy, ngettext

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, Language
from portico.domain.practices import mail_texts, practice_settings
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor

NEW_BILL = "invoice_shared"
RECEIPT = "receipt"
REMINDER = "reminder"
FIRST_NAME, PRACTICE_NAME, NUMBER_OF_BILLS = "[first name]", "[practice name]", "[number of bills]"
# A reminder is about all clients of a mailbox: it names none of them.
PLACEHOLDERS = {
    NEW_BILL: (FIRST_NAME, PRACTICE_NAME),
    RECEIPT: (FIRST_NAME, PRACTICE_NAME),
    REMINDER: (PRACTICE_NAME, NUMBER_OF_BILLS),
}
KINDS = tuple(PLACEHOLDERS)
_DEFAULTS = {
    NEW_BILL: (
        gettext_lazy("You have a new bill from [practice name]"),
        gettext_lazy("Hello [first name],\n\n[practice name] has sent you a new bill. You can see it in your portal."),
    ),
    RECEIPT: (
        gettext_lazy("Your receipt from [practice name]"),
        gettext_lazy("Hello [first name],\n\nHere is your receipt."),
    ),
    REMINDER: (
        gettext_lazy("Reminder about your bill from [practice name]"),
        gettext_lazy(
            "Hello,\n\n"
            "This is a reminder from [practice name]: you have [number of bills] to pay. "
            "You can see what you owe in your portal.\n\n"
            "If you have already paid, thank you. There is nothing else to do."
        ),
    ),
}

# The messages of the default texts for a client who is not known to be an adult: a parent may read them.
_MESSAGES_FOR_ANY_READER = {
    NEW_BILL: gettext_lazy(
        "Hello,\n\n[practice name] has sent you a new bill for [first name]. You can see it in your portal."
    ),
    RECEIPT: gettext_lazy("Hello,\n\nHere is your receipt for [first name]."),
}


def default_text(kind: str, language: str) -> MailText:
    """Returns Portico's text, for a practice that has not written its own."""
    with translation.override(language):
        return MailText(*map(str, _DEFAULTS[kind]))


def texts_of(practice: Practice, kind: str) -> dict[str, MailText]:
    """Returns the practice's text of a kind of mail in each of the portal's languages."""
    own = mail_texts.own_texts(practice, kind)
    return {language: own.get(language) or default_text(kind, language) for language in Language.values}


def text_for(client: Client, kind: str, access: PortalAccess | None = None) -> MailText:
    """Returns the text for the holder of the access, in their language, with name and practice filled in.

    Portico's own text greets by name only a contact, or a client who is known to be an adult; a practice's own text
    stays as it is.
    """
    access = access or PortalAccess.of(client)
    language = access.holder_language
    text, default = texts_of(client.practice, kind)[language], default_text(kind, language)
    names_reader = bool(access.greeted_as(clock.today(client.practice.time_zone)))
    if text.message == default.message and not names_reader and kind in _MESSAGES_FOR_ANY_READER:
        with translation.override(language):
            text = replace(text, message=str(_MESSAGES_FOR_ANY_READER[kind]))
    return filled_in(text, {FIRST_NAME: access.called, PRACTICE_NAME: client.practice.name})


def texts_of_practices(practices: Collection[Practice], kind: str) -> dict[tuple[int, str], MailText]:
    """Returns the texts of several practices, by id and language, with the practice filled in. One query."""
    texts = {}
    own = mail_texts.own_texts_of(practices, kind)
    for practice in practices:
        for language in Language.values:
            text = own.get((practice.pk, language)) or default_text(kind, language)
            texts[practice.pk, language] = filled_in(text, {PRACTICE_NAME: practice.name})
    return texts


def filled_in(text: MailText, values: Mapping[str, str]) -> MailText:
    """Returns the text with placeholders replaced. Inserted values are not expanded again; unknown ones stay."""
    return MailText(mail_texts.filled_in(text.subject, values), mail_texts.filled_in(text.message, values))


def number_of_bills(number: int) -> str:
    """Returns the value of NUMBER_OF_BILLS in the active language."""
    return ngettext("%(number)d bill", "%(number)d bills", number) % {"number": number}


def save(practice: Practice, kind: str, texts: Mapping[str, MailText], *, version: int, by: Actor) -> None:
    """Saves the practice's own text of a kind of mail in each given language. Idempotent.

    Raises practice_settings.SettingsConflict.
    """
    defaults = {language: default_text(kind, language) for language in texts}
    practice_settings.save_mail_texts(practice, kind, texts, defaults=defaults, version=version, by=by)
