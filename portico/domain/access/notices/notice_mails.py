"""Notice mails: checking before sending whether each may still be sent, and composing it."""

from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccount
from portico.domain.access.notices import known_browsers
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text import time_formatting


class _SecurityNotice(MailComposer):
    """A notice to the address that signs in. It is dropped if that may get no notices by now."""

    def refuse(self, email: OutgoingEmail) -> str | None:
        access = holders.access_of_email(email)
        return eligibility.reason_to_drop(access, Purpose.NOTICE, written_to=email.content["address"])


class PinUsedMail(_SecurityNotice):
    label = gettext_lazy("Notice: a PIN was used")

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            return _letter(
                email,
                heading=_("A PIN was used to sign in"),
                name=email.content["name"],
                browser=known_browsers.describe(email.content["browser"]),
                why=_("You received this because someone signed in to your client portal. No reply needed."),
            )


class AddressRemovedMail(MailComposer):
    label = gettext_lazy("Notice: address removed")

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Refuses only if the address signs in again. Needs no consent: it announces that mail and sign-in ended."""
        access = holders.access_of_email(email)
        if access is not None and access.address is not None and access.address.ref == email.content["address"]:
            return _("The address is used to sign in again.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        # Older mails do not say it.
        is_by_client = bool(email.content.get("by_client"))
        with translation.override(email.content["language"]):
            return _letter(
                email,
                heading=_("Your email was changed") if is_by_client else _("This address was removed"),
                is_by_client=is_by_client,
                still_opens=email.content["still_opens"],
                why=_("This is the only email we send to an address that was removed."),
            )


class AddressChangeRequestedMail(_SecurityNotice):
    label = gettext_lazy("Notice: email change requested")

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            return _letter(
                email,
                heading=_("Someone asked to change your email"),
                why=_("You received this because someone signed in to your client portal. No reply needed."),
            )


class NewBrowserMail(MailComposer):
    label = gettext_lazy("Notice: sign-in from a new browser")

    def refuse(self, email: OutgoingEmail) -> str | None:
        account = PortalAccount.objects.get(practice=email.practice, ref=email.content["account"])
        if not account.accesses.eligible(Purpose.SIGN_IN_BY_MAIL).exists():
            return _("Email to this address is no longer allowed.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            return _letter(
                email,
                heading=_("Sign-in from a new browser"),
                browser=known_browsers.describe(email.content["browser"]),
                why=_("You received this because someone signed in to your client portal. No reply needed."),
            )


def _letter(email: OutgoingEmail, **context: Any) -> ComposedMail:  # Any: what templates take.
    return mail_frame.letter(email, email.kind, context | {"at": _day_and_time(email.content["at"], email.practice)})


def _day_and_time(at: str, practice: Practice) -> dict[str, str]:
    """Returns the day, and the time with the zone's short name, in the active language."""
    moment, language = datetime.fromisoformat(at), translation.get_language()
    return {
        "day": time_formatting.short_day(time_formatting.day_of(moment, practice.zone), language),
        "time": time_formatting.time_with_zone(moment, practice.zone, language),
    }
