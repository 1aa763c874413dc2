"""Text of an invitation: defaults of the practice, placeholders, and expansion into the blocks of a mail."""

import re
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, Language
from portico.domain.practices import mail_texts
from portico.domain.practices.mail_texts import SUBJECT_LENGTH, MailText
from portico.domain.practices.models import DefaultText, Practice
from portico.plumbing import clock

KIND = "invitation"
InvitationText = MailText
BUTTON = "[sign-in button]"
FIRST_NAME = "[first name]"
PLACEHOLDERS = (FIRST_NAME, "[practice name]", "[portal address]", BUTTON, "[clinician name]")
_ANY_PLACEHOLDER = re.compile("|".join(re.escape(name) for name in PLACEHOLDERS))
# The placeholder at the start of a text, after up to two words: "Hello [first name],", "[first name]: welcome". It is
# no greeting after a preposition, nor if the sentence continues: "For [first name]", "[first name]’s portal".
_GREETING = re.compile(
    r"\A(\W*?)(?:(?!(?:about|for|of|to|de|para|sobre)\b)\w+,? ){0,2}" + re.escape(FIRST_NAME) + r"(?! ?[\w'’])",
    re.IGNORECASE,
)
# Mail programs and people take punctuation directly after a URL for a part of it.
_PUNCTUATED_ADDRESS = re.compile(r"(\[portal address\])([^\w\s\[]+)")
_REMOVABLE_PUNCTUATION = ".,;:!?…"


@dataclass(frozen=True)
class ExpandedText:
    """The subject, and the message in paragraphs; a block of None is the button."""

    subject: str
    blocks: tuple[str | None, ...]


@dataclass(frozen=True)
class EnclosedDocuments:
    """The documents that the invited person has to complete, in number and minutes.

    `chosen` has the ids of those that staff chose to share with this invitation, sorted; what they are is not said.
    """

    number: int
    minutes: int
    chosen: tuple[int, ...] = ()

    @property
    def announcement(self) -> str:
        """The sentences of the mail, in the active language."""
        number = ngettext(
            "You have %(number)d document to complete.", "You have %(number)d documents to complete.", self.number
        )
        minutes = ngettext(
            "It takes about %(minutes)d minute.", "It takes about %(minutes)d minutes in all.", self.minutes
        )
        return f"{number % {'number': self.number}} {minutes % {'minutes': self.minutes}}"


def default_text(language: str) -> InvitationText:
    """Returns Portico's text, for a practice that has not written its own."""
    with translation.override(language):
        subject = _("Your client portal at [practice name]")
        message = _(
            "Hello [first name],\n\n"
            "You can now see and pay your bills online.\n\n"
            "[sign-in button]\n\n"
            "There is no password to remember. You can come back any time: [portal address]\n\n"
            "[clinician name]"
        )
    return InvitationText(subject, message)


def default_of(practice: Practice, language: str) -> InvitationText:
    """Returns the practice's default text in one language."""
    return defaults_of(practice)[language]


def defaults_of(practice: Practice) -> dict[str, InvitationText]:
    """Returns the practice's default text in each of the portal's languages."""
    own = mail_texts.own_texts(practice, KIND)
    return {language: own.get(language) or default_text(language) for language in Language.values}


def with_own_text(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Annotates clients with what `shown_default` needs, in the same query."""
    own = DefaultText.objects.filter(practice=OuterRef("practice"), kind=KIND, language=OuterRef("language"))
    return clients.annotate(own_subject=Subquery(own.values("subject")), own_message=Subquery(own.values("message")))


def shown_default(client: Client) -> InvitationText:
    """Returns the practice's default text in the client's language, as `with_own_text` annotated it."""
    subject, message = client.__dict__["own_subject"], client.__dict__["own_message"]
    return default_text(client.language) if subject is None else InvitationText(subject, message)


def expand(text: InvitationText, access: PortalAccess) -> ExpandedText:
    """Returns the text as mailed to the person with the access, in the active language.

    It is signed by the practice if the clinician has left. A client who is not known to be an adult is greeted without
    a name, also in a text that staff wrote: a parent may read the mail.
    """
    client = access.client
    if not access.greeted_as(clock.today(client.practice.time_zone)):
        text = InvitationText(_without_name(text.subject), _without_name(text.message))
    is_signed_by_clinician = client.clinician is not None and client.clinician.is_active
    clinician = client.clinician.name if client.clinician and is_signed_by_clinician else client.practice.name
    return expand_for(text, client.practice, first_name=access.called, clinician=clinician)


def expand_for(text: InvitationText, practice: Practice, *, first_name: str, clinician: str) -> ExpandedText:
    """Replaces the placeholders. Inserted values are not expanded again, and unknown placeholders stay as text.

    Without a button in the message, the button is added at the end. Further buttons are removed.
    """
    values = {
        FIRST_NAME: first_name,
        "[practice name]": practice.name,
        "[portal address]": practice.portal_address,
        "[clinician name]": clinician,
    }
    subject = _ANY_PLACEHOLDER.sub(lambda found: values.get(found[0], ""), text.subject)
    message = _PUNCTUATED_ADDRESS.sub(_separate_punctuation, text.message)
    before, button, after = message.partition(BUTTON)
    parts = [before, None, after.replace(BUTTON, "")] if button else [before, None]
    blocks: list[str | None] = []
    for part in parts:
        if part is None:
            blocks.append(None)
        else:
            blocks += _paragraphs(_ANY_PLACEHOLDER.sub(lambda found: values.get(found[0], ""), part))
    return ExpandedText(" ".join(subject.split())[:SUBJECT_LENGTH], tuple(blocks))


def announce(expanded: ExpandedText, documents: EnclosedDocuments | None) -> ExpandedText:
    """Returns the text with what there is to complete, before the button, in the active language."""
    if documents is None:
        return expanded
    place = expanded.blocks.index(None)
    blocks = (*expanded.blocks[:place], documents.announcement, *expanded.blocks[place:])
    return ExpandedText(expanded.subject, blocks)


def _without_name(text: str) -> str:
    """Replaces a greeting by the placeholder of the name at the start with "Hello" in the active language."""
    return _GREETING.sub(lambda found: found[1] + _("Hello"), text)


def _separate_punctuation(found: re.Match[str]) -> str:
    """Removes a comma or full stop after the portal's address; puts a space before other characters, as a bracket."""
    address, punctuation = found.groups()
    return address if not punctuation.strip(_REMOVABLE_PUNCTUATION) else f"{address} {punctuation}"


def _paragraphs(text: str) -> list[str]:
    return [paragraph.strip("\n") for paragraph in re.split(r"\n[ \t]*\n", text) if paragraph.strip()]
