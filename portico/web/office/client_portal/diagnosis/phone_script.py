"""`What to tell …`: two sentences to read out on the phone for each cause, in English and in Spanish.

They contain no health detail, since someone else may have picked up the phone.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portico.domain.access.diagnosis.steps import Cause
from portico.domain.clients.models import Client, Language
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.web import formatting


@dataclass(frozen=True)
class Script:
    """The sentences to say on the phone, in one language."""

    language: str
    label: str
    sentences: tuple[str, str]


_FIX_FIRST = gettext_noop("We need to change something on our side first.")
_ONE_MOMENT = gettext_noop("Please stay on the line for a moment.")
_NEW_EMAIL = gettext_noop("I’m sending you a new email now.")
_SELECT_BUTTON = gettext_noop("Please open it, tap the Sign In button, and then the button on the page that opens.")
_LAST_EMAIL = gettext_noop("Our last email to you is the one from %(time)s, so please use that one.")
_SPELL = gettext_noop("Our email to you came back, so the address we have may be wrong.")
_SENDER = gettext_noop("Please look for an email from %(sender)s, also in your spam or junk folder.")
_NEW_PIN = gettext_noop("I’ll read out a new PIN.")
_NOT_WORKED = gettext_noop("The last attempt to sign in did not work.")
_PIN = gettext_noop("I can read out a PIN you can use instead of email.")

# `sentences` of each cause. They may contain %(sender)s and %(time)s, when the email was sent.
SENTENCES: dict[Cause, tuple[str, str]] = {
    Cause.SUSPENDED: (
        gettext_noop("Our portal is closed at the moment."),
        gettext_noop("It’s not a problem with your account."),
    ),
    Cause.ARCHIVED: (_FIX_FIRST, gettext_noop("I’ll call you back when you can sign in.")),
    Cause.ACCESS_OFF: (_FIX_FIRST, _ONE_MOMENT),
    Cause.NO_ADDRESS: (
        gettext_noop("We have no email address for you to sign in with."),
        gettext_noop("Please spell your email address for me, or I can read out a PIN you can use instead."),
    ),
    Cause.NO_EMAIL_OK: (
        gettext_noop("We have not recorded that we may email you."),
        gettext_noop("May we send emails to the address that we have on file?"),
    ),
    Cause.NOT_INVITED: (gettext_noop("I’m sending you an invitation by email now."), _SELECT_BUTTON),
    Cause.MAIL_ON_ITS_WAY: (
        gettext_noop("An email to you is on its way, and usually arrives within a minute."),
        _SENDER,
    ),
    Cause.MAIL_DELAYED: (gettext_noop("Our email to you is delayed."), _PIN),
    Cause.MAIL_NOT_SENT: (gettext_noop("Our email to you could not be sent."), _NEW_EMAIL),
    Cause.MAIL_BOUNCED: (_SPELL, gettext_noop("Please spell your email address for me.")),
    Cause.MARKED_AS_SPAM: (
        gettext_noop("An email from us was marked as spam in your mailbox, so we stopped sending."),
        gettext_noop("May we send you emails again?"),
    ),
    Cause.MAIL_REJECTED: (gettext_noop("Your mailbox did not take our email."), _PIN),
    Cause.LINK_NOT_OPENED: (_LAST_EMAIL, _SENDER),
    Cause.LINK_NOT_USED: (_LAST_EMAIL, _SELECT_BUTTON),
    Cause.LINK_EXPIRED: (
        gettext_noop("The link in our last email no longer works, because each link is valid for a limited time."),
        _NEW_EMAIL,
    ),
    Cause.PIN_NEEDED: (
        gettext_noop("You need a new PIN to sign in again: each one works once."),
        _NEW_PIN,
    ),
    Cause.PIN_NOT_ENTERED: (
        gettext_noop("On the portal’s sign-in page, please tap ‘I have a PIN’."),
        gettext_noop("Then enter the PIN that I read out: it works once."),
    ),
    Cause.PIN_EXPIRED: (
        gettext_noop("The PIN that we gave you no longer works."),
        _NEW_PIN,
    ),
    Cause.TOO_MANY_PINS: (
        gettext_noop("A wrong PIN was entered too often."),
        gettext_noop("I’ll ask you two questions, and then read out a new one."),
    ),
    Cause.TOO_MANY_PINS_NEARBY: (
        gettext_noop("Too many PINs were entered from your network, so the portal is not checking any for an hour."),
        gettext_noop("Please try it on another network: for example, turn off the Wi-Fi on your phone."),
    ),
    Cause.NOT_INCLUDED: (_FIX_FIRST, _NEW_EMAIL),
    Cause.LAST_PIN_FAILED: (_NOT_WORKED, _NEW_PIN),
    Cause.LAST_ATTEMPT_FAILED: (
        _NOT_WORKED,
        gettext_noop("Please open the newest email from us and tap the button in it: it works in any browser."),
    ),
    Cause.NEW_LINK_NEEDED: (_NOT_WORKED, _NEW_EMAIL),
}


def scripts(client: Client, cause: Cause, mail: OutgoingEmail | None, *, spoken: str) -> tuple[Script, ...]:
    """Returns what to say in both languages, first in the one that the person speaks."""
    languages = sorted(Language, key=lambda language: language != spoken)
    return tuple(_script(client, cause, mail, language) for language in languages)


def _script(client: Client, cause: Cause, mail: OutgoingEmail | None, language: Language) -> Script:
    sent_at = (mail.handed_over_at or mail.written_at) if mail is not None else None
    with translation.override(language.value):
        values = {"sender": settings.EMAIL_FROM, "time": _time(sent_at, client.practice.zone, language)}
        first, second = (_(sentence) % values for sentence in SENTENCES[cause])
    return Script(language.value, language.label, (first, second))


def _time(at: datetime | None, zone: tzinfo, language: Language) -> str:
    if at is None:
        return ""
    return formatting.date_and_time_in_sentence(at, now=clock.now(), zone=zone, language=language.value)
