"""Sections of the getting-started guide and the invitation letter, in the active language.

Buttons are named as on the screens.
"""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from portico.domain.access.models import CODE_LIFETIME
from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.plumbing.mail import rendering


@dataclass(frozen=True)
class GuideSection:
    """A heading with paragraphs, ordered steps, bullet points, or facts as (name, value) pairs.

    `key` identifies the section in URLs.
    """

    key: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def in_short(practice: Practice, client_number: str = "", *, by_email: bool = True) -> GuideSection:
    facts = [
        (_("Portal address"), practice.portal_address),
        (_("Client number"), client_number),
        (_("Our emails come from"), settings.EMAIL_FROM if by_email else ""),
        (_("Phone"), letterhead.phone(practice)),
        (_("Phone hours"), practice.shown_support_hours if practice.phone else ""),
    ]
    return GuideSection("in-short", _("At a glance"), facts=tuple((name, value) for name, value in facts if value))


def signing_in(practice: Practice) -> GuideSection:
    lifetime = {"link_works_for": rendering.duration(settings.SIGNIN_LINK_TTL)}
    return GuideSection(
        "signing-in",
        _("Signing in"),
        steps=(
            _("Open %(address)s on your phone or computer.") % {"address": practice.portal_address},
            _("Enter the email address on file with %(practice)s, and select “%(button)s”.")
            % {"practice": practice.name, "button": _("Continue")},
            _("Open the email we send you and select “%(button)s”. It works once, within %(link_works_for)s.")
            % {"button": _("Sign In"), **lifetime},
            _("On the page that opens, select the button with your address. You’re signed in."),
        ),
    )


def signing_in_by_pin(practice: Practice, client_number: str) -> GuideSection:
    ask = _("Ask us for a PIN when you’re ready to sign in. It works once, within %(pin_works_for)s.")
    if practice.phone:
        ask = _(
            "Call us at %(phone)s when you’re ready to sign in. We’ll give you a PIN. It works once, within "
            "%(pin_works_for)s."
        )
    names = {"phone": letterhead.phone(practice), "pin_works_for": rendering.duration(settings.PIN_TTL)}
    return GuideSection(
        "signing-in",
        _("Signing in"),
        steps=(
            _("Open %(address)s on your phone or computer.") % {"address": practice.portal_address},
            ask % names,
            _("On the portal’s first page, select “%(button)s”.") % {"button": _("I have a PIN")},
            _("Enter the client number, %(number)s, or the phone number we have on file. Then enter the PIN.")
            % {"number": client_number},
        ),
        paragraphs=(_("There is no password, and you don’t need an email address."),),
    )


def no_mail(practice: Practice) -> GuideSection:
    points = [
        _("Wait a minute or two."),
        _("Check your spam or junk folder."),
        _("Make sure you entered the address we have on file for you."),
        _("Add %(sender)s to your contacts.") % {"sender": settings.EMAIL_FROM},
        _("If a link was already used or has expired, select “%(button)s” on the page it opens.")
        % {"button": _("Send me a new link")},
    ]
    if practice.phone:
        points.append(
            _("Still nothing? Call us at %(phone)s. We can check what happened and give you a PIN.")
            % {"phone": letterhead.phone(practice)}
        )
    return GuideSection("no-email", _("If the email doesn’t arrive"), points=tuple(points))


def code_and_pin() -> GuideSection:
    return GuideSection(
        "code-and-pin",
        _("Code and PIN"),
        points=(
            _(
                "The email also has a code of 6 letters and digits. Enter it on the page where you requested the "
                "email. It works for %(code_works_for)s, only in that browser."
            )
            % {"code_works_for": rendering.duration(CODE_LIFETIME)},
            _(
                "A PIN has 8 digits. We give it to you over the phone if email doesn’t work for you. On the "
                "portal’s first page, select “%(button)s”, then enter the PIN with your email address, phone number "
                "or client number. It works once, within %(pin_works_for)s."
            )
            % {"button": _("I have a PIN"), "pin_works_for": rendering.duration(settings.PIN_TTL)},
        ),
    )


def documents() -> GuideSection:
    return GuideSection(
        "documents",
        _("Completing documents"),
        steps=(
            _("Select “%(button)s” on the first page, or open “%(tab)s” to see all of them.")
            % {"button": _("Get Started"), "tab": _("Documents")},
            _(
                "Fill in a form page by page. What you enter is saved, so you can stop at any time and continue later, "
                "also on another device. Check your answers and select “%(button)s”."
            )
            % {"button": _("Submit & Continue")},
            _("To sign a document, read it, enter your name under “%(heading)s” and select “%(button)s”.")
            % {"heading": _("Sign here"), "button": _("Submit & Continue")},
            _("If we ask for a file, take a photo of it or choose a PDF, and select “%(upload)s”, then “%(button)s”.")
            % {"upload": _("Upload"), "button": _("Submit & Continue")},
        ),
        paragraphs=(
            _("Under “%(heading)s”, you can read and download what you sent. If something in it is wrong, tell us.")
            % {"heading": _("Completed")},
        ),
    )


def paying(practice: Practice) -> GuideSection:
    return GuideSection(
        "paying",
        _("Paying a bill"),
        steps=(
            _("Open “%(tab)s”. You’ll see what you owe and what you’ve paid.") % {"tab": _("Billing & Payments")},
            _("Select “%(button)s” beside the balance to pay everything, or on one bill to pay just that bill.")
            % {"button": _("Pay Now")},
            _(
                "Enter your card on Stripe’s page. Stripe processes cards for %(practice)s. "
                "We never see your card number."
            )
            % {"practice": practice.name},
            _("You return to the portal. The bill says “%(status)s”, and you can download its receipt.")
            % {"status": _("Paid")},
        ),
        paragraphs=(
            _("If you don’t see “%(button)s”, card payment isn’t turned on for you. Ask us about other ways to pay.")
            % {"button": _("Pay Now")},
        ),
    )


def cards() -> GuideSection:
    return GuideSection(
        "cards",
        _("Saving a card"),
        points=(
            _("Check “%(box)s” when you pay. Next time, paying takes one tap.") % {"box": _("Save Card")},
            _("We never charge your card automatically. You can remove the card in the portal at any time."),
        ),
    )


def for_others() -> GuideSection:
    return GuideSection(
        "for-others",
        _("For your child, your partner or someone else"),
        points=(
            _(
                "If you help someone with their portal or pay for them, ask us for your own access. Each of you "
                "signs in with their own email address."
            ),
            _(
                "You see only what we share with you. The other person doesn’t see your email address, your card or "
                "your sign-ins."
            ),
            _("If your email address opens several portals, choose the person at the top of the page."),
        ),
    )


def staying_safe() -> GuideSection:
    return GuideSection(
        "safe",
        _("Good to know"),
        points=(
            _("We never ask you for a password by email or phone. You don’t have one."),
            _("On a shared computer, select “%(button)s” when you’re done.") % {"button": _("Sign out")},
            _("After %(minutes)s without activity, the portal signs you out.")
            % {"minutes": rendering.duration(settings.SESSION_IDLE_CLIENT)},
        ),
    )


def closing(practice: Practice) -> tuple[str, ...]:
    contact = [letterhead.phone(practice), practice.shown_support_hours]
    return (
        *(
            (_("Questions? We’re happy to help: %(ways)s") % {"ways": ", ".join(filter(None, contact))},)
            * bool(contact[0])
        ),
        *((practice.shown_emergency_text,) if practice.shown_emergency_text else ()),
    )
