"""The words of an invitation: the practice's default, the placeholders, and the blocks a mail is made of."""

import re
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.clients.models import Client, Language
from portico.domain.practices.models import DefaultText, Practice

SUBJECT_LENGTH = 150
MESSAGE_LENGTH = 5000
BUTTON = "[sign-in button]"
PLACEHOLDERS = ("[first name]", "[practice name]", "[portal address]", BUTTON, "[clinician name]")
_ANY_PLACEHOLDER = re.compile("|".join(re.escape(name) for name in PLACEHOLDERS))
# Mail programs and people take punctuation right behind an address for a part of it.
_PUNCTUATED_ADDRESS = re.compile(r"(\[portal address\])([^\w\s\[]+)")
_PAUSES = ".,;:!?…"


@dataclass(frozen=True)
class InvitationText:
    """An invitation as typed, placeholders and all."""

    subject: str
    message: str


@dataclass(frozen=True)
class ExpandedText:
    """The subject, and the message in paragraphs; None is where the button stands."""

    subject: str
    blocks: tuple[str | None, ...]


def default_text(language: str) -> InvitationText:
    """Portico's own words, for a practice that has not said its own."""
    with translation.override(language):
        subject = _("Your client portal at [practice name]")
        message = _(
            "Hello [first name],\n\n"
            "We have set up a private place for you online.\n\n"
            "[sign-in button]\n\n"
            "There is no password to remember. You can come back any time: [portal address]\n\n"
            "[clinician name]"
        )
    return InvitationText(subject, message)


def default_of(practice: Practice, language: str) -> InvitationText:
    """The text the editor opens with, in the client's language."""
    return defaults_of(practice)[language]


def defaults_of(practice: Practice) -> dict[str, InvitationText]:
    """The same in every language that clients read."""
    own = {
        row.language: InvitationText(row.subject, row.message) for row in DefaultText.objects.filter(practice=practice)
    }
    return {language: own.get(language) or default_text(language) for language in Language.values}


def expand(text: InvitationText, client: Client) -> ExpandedText:
    """The text as the client gets it."""
    clinician = client.clinician.name if client.clinician else client.practice.name
    return expand_for(text, client.practice, first_name=client.called, clinician=clinician)


def expand_for(text: InvitationText, practice: Practice, *, first_name: str, clinician: str) -> ExpandedText:
    """Replaces each placeholder once; what it puts in is never looked at again, anything else stays text.

    Without a button in the message, the button goes to the end. A second one is left out.
    """
    words = {
        "[first name]": first_name,
        "[practice name]": practice.name,
        "[portal address]": practice.portal_address,
        "[clinician name]": clinician,
    }
    subject = _ANY_PLACEHOLDER.sub(lambda found: words.get(found[0], ""), text.subject)
    message = _PUNCTUATED_ADDRESS.sub(_set_apart, text.message)
    before, button, after = message.partition(BUTTON)
    parts = [before, None, after.replace(BUTTON, "")] if button else [before, None]
    blocks: list[str | None] = []
    for part in parts:
        if part is None:
            blocks.append(None)
        else:
            blocks += _paragraphs(_ANY_PLACEHOLDER.sub(lambda found: words.get(found[0], ""), part))
    return ExpandedText(" ".join(subject.split())[:SUBJECT_LENGTH], tuple(blocks))


def _set_apart(found: re.Match[str]) -> str:
    """Leaves out a comma or full stop behind the portal's address; anything else, such as a bracket, gets a space."""
    address, behind = found.groups()
    return address if not behind.strip(_PAUSES) else f"{address} {behind}"


def _paragraphs(text: str) -> list[str]:
    return [paragraph.strip("\n") for paragraph in re.split(r"\n[ \t]*\n", text) if paragraph.strip()]
