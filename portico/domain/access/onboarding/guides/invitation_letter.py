"""Printed invitations: the portal's address and how to sign in, without any secret."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef
from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.access.onboarding.guides import guide_pdf, guide_sections
from portico.domain.access.onboarding.guides.guide_pdf import Guide
from portico.domain.access.onboarding.guides.guide_sections import GuideSection
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import MailStop
from portico.plumbing.text import time_formatting


def invitation_letter(client: Client, relationship: Relationship | None = None) -> Guide:
    """Returns an invitation to print: the portal's address and how to sign in. It contains no secret.

    It is for the contact of the relationship, or else for the client. A person without an address that may be mailed,
    or whose mailbox is stopped, signs in by PIN.
    """
    practice = client.practice
    person = client if relationship is None else relationship.contact
    number = client_numbers.number_of(client)
    sections: tuple[GuideSection, ...]
    stops = MailStop.objects.live().filter(practice=OuterRef("practice"), mailbox_key=OuterRef("mailbox_key"))
    if person.email_addresses.open().filter(~Exists(stops), email_ok_at__isnull=False).exists():
        sections = (
            guide_sections.in_short(practice, number),
            guide_sections.signing_in(practice),
            guide_sections.no_mail(practice),
        )
    else:
        sections = (
            guide_sections.in_short(practice, number, by_email=False),
            guide_sections.signing_in_by_pin(practice, number),
        )
    today = clock.today(practice.time_zone)
    # A parent may read the letter to a client who is not known to be an adult.
    name = client.greeted_as(today) if relationship is None else relationship.contact.first_name
    return Guide(
        title=_("Your client portal is ready"),
        opening=(
            time_formatting.long_day(today, translation.get_language()),
            _("Hello %(name)s,") % {"name": name} if name else _("Hello,"),
            _purpose(client, is_for_client=relationship is None and bool(name)),
        ),
        sections=sections,
        closing=guide_sections.closing(practice),
    )


def _purpose(client: Client, *, is_for_client: bool) -> str:
    """Returns what the portal is for; names the client unless the letter greets the client."""
    if is_for_client:
        sentence = _(
            "In the client portal of %(practice)s, you can now complete documents, and see and pay your bills."
        )
        return sentence % {"practice": client.practice.name}
    sentence = _("You can now use the client portal of %(practice)s for %(client)s.")
    return sentence % {"practice": client.practice.name, "client": client.name}


def invitation_letter_as_pdf(client: Client, relationship: Relationship | None = None) -> bytes:
    """Returns the letter as a PDF in the language of its reader."""
    return invitation_letters_as_pdf(client.practice, [(client, relationship)])


def invitation_letters_as_pdf(practice: Practice, readers: Sequence[tuple[Client, Relationship | None]]) -> bytes:
    """Returns the letters to several people as one PDF, each on a page of its own and in the language of its reader.

    A reader is the contact of the relationship, or else the client.
    """
    letters = []
    for client, relationship in readers:
        with translation.override(client.language if relationship is None else relationship.contact.language):
            letters.append(guide_pdf.content_of(invitation_letter(client, relationship)))
    with translation.override(letters[0]["language"]):
        return guide_pdf.render(practice, letters)
