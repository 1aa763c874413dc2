"""Getting-started guide for clients: one text for the PDF, the mail's attachment and the portal's help page.

Texts are in the active language. Buttons are named as on the screens.
"""

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.clients.models import Client
from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.gateways import pdf
from portico.plumbing import clock
from portico.plumbing.mail import rendering
from portico.plumbing.text import time_formatting


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, ordered steps, bullet points, or facts as (name, value) pairs.

    `key` identifies the section in URLs.
    """

    key: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Guide:
    title: str
    opening: tuple[str, ...]
    sections: tuple[Section, ...]
    closing: tuple[str, ...] = ()


def build_guide(practice: Practice) -> Guide:
    """Returns the guide to signing in and paying, with the names of the practice."""
    return Guide(
        title=_("Getting started with your client portal"),
        opening=(
            _("The portal of %(practice)s is a private place to see your bills and pay them.")
            % {"practice": practice.name},
            _("There is no password. Each time you sign in, we send you an email."),
        ),
        sections=(
            _in_short(practice),
            _signing_in(practice),
            _no_mail(practice),
            _code_and_pin(),
            _paying(practice),
            _cards(),
            _staying_safe(),
        ),
        closing=_closing(practice),
    )


def guide_as_pdf(practice: Practice, language: str) -> bytes:
    """Returns the guide as a PDF in one of the portal's languages."""
    with translation.override(language):
        return render_pdf(practice, build_guide(practice))


def file_name(language: str) -> str:
    """Returns the name of the PDF file, which names neither the practice nor the client."""
    return f"getting-started-{language}.pdf"


def invitation_letter(client: Client) -> Guide:
    """Returns an invitation to print: the portal's address and how to sign in. It contains no secret."""
    practice = client.practice
    today = time_formatting.long_day(clock.today(practice.time_zone), translation.get_language())
    return Guide(
        title=_("Your client portal is ready"),
        opening=(
            today,
            _("Hello %(name)s,") % {"name": client.called},
            _("%(practice)s has a private place for you to see your bills and pay them.") % {"practice": practice.name},
        ),
        sections=(_in_short(practice), _signing_in(practice), _no_mail(practice)),
        closing=_closing(practice),
    )


def invitation_letter_as_pdf(client: Client) -> bytes:
    """Returns the letter as a PDF in the client's language."""
    with translation.override(client.language):
        return render_pdf(client.practice, invitation_letter(client))


def render_pdf(practice: Practice, text: Guide) -> bytes:
    """Renders a guide or letter as a PDF, in the active language."""
    content: dict[str, Any] = letterhead.letterhead_of(practice) | {  # Any: JSON for the template.
        "language": translation.get_language() or settings.LANGUAGE_CODE,
        "document_title": f"{text.title} · {practice.name}",
        "title": text.title,
        "opening": [paragraph.splitlines() for paragraph in text.opening],
        "sections": [asdict(section) for section in text.sections],
        "closing": [paragraph.splitlines() for paragraph in text.closing],
        "footer": practice.portal_address,
    }
    for section in content["sections"]:
        section["paragraphs"] = [paragraph.splitlines() for paragraph in section["paragraphs"]]
    return pdf.render("guide", content)


def _in_short(practice: Practice) -> Section:
    facts = [
        (_("Portal address"), practice.portal_address),
        (_("Our emails come from"), settings.EMAIL_FROM),
        (_("Phone"), letterhead.phone(practice)),
        (_("We answer"), practice.support_hours if practice.phone else ""),
    ]
    return Section("in-short", _("In short"), facts=tuple((name, value) for name, value in facts if value))


def _signing_in(practice: Practice) -> Section:
    lifetime = {"link_works_for": rendering.duration(settings.SIGNIN_LINK_TTL)}
    return Section(
        "signing-in",
        _("Signing in"),
        steps=(
            _("Open %(address)s on your phone or computer.") % {"address": practice.portal_address},
            _("Type the email address that %(practice)s has of you, and press “%(button)s”.")
            % {"practice": practice.name, "button": _("Continue")},
            _("Open the email we send you and press “%(button)s”. It works once, for %(link_works_for)s.")
            % {"button": _("Sign In"), **lifetime},
            _("On the page that opens, press the button with your address. You are in."),
        ),
    )


def _no_mail(practice: Practice) -> Section:
    points = [
        _("Wait a minute or two."),
        _("Look in your junk or spam folder."),
        _("Make sure you typed the address that we have of you."),
        _("Add %(sender)s to your contacts.") % {"sender": settings.EMAIL_FROM},
        _("A link that is used or too old shows “%(button)s”: press it, and a new one is on its way.")
        % {"button": _("Send me a new link")},
    ]
    if practice.phone:
        points.append(
            _("Still nothing? Call us at %(phone)s: we can see what became of it, and read you a PIN.")
            % {"phone": letterhead.phone(practice)}
        )
    return Section("no-email", _("When the email does not come"), points=tuple(points))


def _code_and_pin() -> Section:
    return Section(
        "code-and-pin",
        _("Code and PIN"),
        points=(
            _(
                "The email also has a code of six letters and numbers. Type it into the page where you asked for the "
                "email. It works for 15 minutes, only in that browser."
            ),
            _(
                "A PIN has eight digits. We read it to you on the phone when email does not work. On the portal’s "
                "first page press “%(button)s”, then type your email address and the PIN. It works once, "
                "for %(pin_works_for)s."
            )
            % {"button": _("I have a PIN"), "pin_works_for": rendering.duration(settings.PIN_TTL)},
        ),
    )


def _paying(practice: Practice) -> Section:
    return Section(
        "paying",
        _("Paying a bill"),
        steps=(
            _("Open “%(tab)s”. You see what is to pay and what was paid.") % {"tab": _("Billing & Payments")},
            _("Press “%(button)s” beside the balance to pay everything, or on one bill to pay just that one.")
            % {"button": _("Pay Now")},
            _("Type your card on the page of Stripe, which handles cards for %(practice)s. We never see its number.")
            % {"practice": practice.name},
            _("You come back to the portal. The bill says “%(status)s”, and its receipt is there to download.")
            % {"status": _("Paid")},
        ),
        paragraphs=(
            _("If you see no “%(button)s”, paying by card is not switched on for you. Ask us how else you can pay.")
            % {"button": _("Pay Now")},
        ),
    )


def _cards() -> Section:
    return Section(
        "cards",
        _("Saving a card"),
        points=(
            _("Tick “%(box)s” when you pay, and the next time it takes one press.") % {"box": _("Save Card")},
            _("Nothing is ever charged by itself. You can remove the card at any time in the portal."),
        ),
    )


def _staying_safe() -> Section:
    return Section(
        "safe",
        _("Good to know"),
        points=(
            _("We never ask you for a password, by email or by phone, because there is none."),
            _("On a shared computer press “%(button)s” when you are done.") % {"button": _("Sign out")},
            _("Left alone for %(minutes)s, the portal signs you out by itself.")
            % {"minutes": rendering.duration(settings.SESSION_IDLE_CLIENT)},
        ),
    )


def _closing(practice: Practice) -> tuple[str, ...]:
    contact = [letterhead.phone(practice), practice.support_hours]
    return (
        *(
            (_("Questions? We are glad to help: %(ways)s") % {"ways": ", ".join(filter(None, contact))},)
            * bool(contact[0])
        ),
        *((practice.shown_emergency_text,) if practice.shown_emergency_text else ()),
    )
