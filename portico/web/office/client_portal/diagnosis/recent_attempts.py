"""`Recent attempts`: each attempt to sign in of the last seven days, with what to tell the client about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portico.domain.access.diagnosis.portal_history import METHODS, RECENT, PortalHistory, WhyDead
from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in.failure_audit_entries import FAILED, PinLimit
from portico.domain.audit_actions import AuditAction
from portico.plumbing.models import AuditEntry
from portico.plumbing.text import time_formatting
from portico.web import formatting

MAX_SHOWN = 10
# In the history, but no attempts to sign in.
OTHER_ACTIONS = {AuditAction.PIN_MADE, AuditAction.PIN_TRIES_ALLOWED, AuditAction.ADDRESS_CHANGED_BY_CLIENT}


@dataclass(frozen=True)
class AttemptLabel:
    """An attempt as shown; `advice` is empty if a later attempt succeeded.

    `has_failed` is False for a dead link that was opened, which may have been a mail scanner's doing.
    """

    tone: str
    words: str
    advice: str
    at: datetime
    has_failed: bool


def attempts(
    history: PortalHistory, access: PortalAccess | None, *, can_request_mail: bool, at: datetime
) -> list[AttemptLabel]:
    """Returns the attempts, newest first."""
    newest = _newest_email(history, access, at)
    return list(_labels(history, newest, at, can_request_mail=can_request_mail))[:MAX_SHOWN]


def _labels(history: PortalHistory, newest: str, at: datetime, *, can_request_mail: bool) -> Iterator[AttemptLabel]:
    has_succeeded, is_received = False, False
    for entry in history.entries:
        action = AuditAction(entry.action)
        if at - entry.at > RECENT or action in OTHER_ACTIONS:
            continue
        has_succeeded = has_succeeded or action in METHODS
        has_failed = action in FAILED and not entry.details.get("opened")
        is_received = is_received or has_failed
        # An email need not be looked for in the spam folder once the client has tried to sign in with it.
        is_settled = has_succeeded or (is_received and action == AuditAction.LINK_SENT)
        advice = "" if is_settled else _advice(entry, newest, can_request_mail=can_request_mail)
        yield AttemptLabel(_tone(action), _words(entry, history), advice, entry.at, has_failed)


def _tone(action: AuditAction) -> str:
    if action in METHODS:
        return "good"
    return "bad" if action in FAILED else "quiet"


def _words(entry: AuditEntry, history: PortalHistory) -> str:
    action, details = AuditAction(entry.action), entry.details
    if action == AuditAction.PIN_BEYOND_LIMIT:
        return str(_PIN_LIMITS.get(str(details.get("limit")), _WORDS[action]))
    if action != AuditAction.LINK_REFUSED:
        return str(_WORDS[action])
    texts, state = _LINKS["opened" if details.get("opened") else "used"], str(details.get("state"))
    sent = history.mail_with_ref(entry.about)
    if state == "expired" and sent is not None:
        state = sent.why_dead(entry.at).value
    return str(texts.get(state, texts["other"]))


def _advice(entry: AuditEntry, newest: str, *, can_request_mail: bool) -> str:
    """Returns one sentence on what to do; `newest` names the email that works, "" if there is none."""
    action, limit = AuditAction(entry.action), entry.details.get("limit")
    match action:
        case AuditAction.PIN_REFUSED:
            return _("Read the PIN out again, digit by digit, or generate a new one.")
        case AuditAction.PIN_BEYOND_LIMIT if limit == PinLimit.NETWORK:
            return _("Ask them to use another network, or to wait an hour.")
        case AuditAction.PIN_BEYOND_LIMIT if limit == PinLimit.PIN:
            return _("Generate a new one while they are on the phone.")
        case AuditAction.PIN_BEYOND_LIMIT:
            return _("Make sure that you are speaking with your client, then allow more tries and generate a new PIN.")
        case AuditAction.CODE_BEYOND_LIMIT if newest:
            return _("Ask them to use the button in the %(time)s email instead of the code.") % {"time": newest}
        case AuditAction.CODE_REFUSED if newest:
            return _("Ask them to use the button in the %(time)s email: it works in any browser.") % {"time": newest}
        case AuditAction.LINK_SENT if newest:
            return _("Ask them to look for the %(time)s email, also in the spam or junk folder.") % {"time": newest}
        case _ if newest:
            return _("Ask them to use the %(time)s email.") % {"time": newest}
        case _ if not can_request_mail:
            return _("Generate a PIN: it works without email.")
        case _:
            return _("Ask them to request a new email on the portal’s sign-in page, or resend the invitation.")


def _newest_email(history: PortalHistory, access: PortalAccess | None, at: datetime) -> str:
    """Returns "7:24 PM" or "Nov 20, 7:24 PM" for the newest email whose link still works; "" if there is none."""
    newest = history.working_link(access, at)
    sent_at = newest.email.handed_over_at if newest is not None else None
    if sent_at is None:
        return ""
    zone, language = timezone.get_current_timezone(), get_language()
    if time_formatting.day_of(sent_at, zone) == time_formatting.day_of(at, zone):
        return formatting.time_of_day(sent_at, zone=zone, language=language)
    return formatting.date_and_time_in_sentence(sent_at, now=at, zone=zone, language=language)


_LINKS = {
    "used": {
        WhyDead.REPLACED.value: gettext_lazy("An old link was used; a newer one had replaced it"),
        WhyDead.TOO_OLD.value: gettext_lazy("A link was used that was too old"),
        WhyDead.CHANGED.value: gettext_lazy("A link was used after access or address had changed"),
        "used": gettext_lazy("A link was used a second time: each works once"),
        "elsewhere": gettext_lazy("A link was used at another practice’s address"),
        "other": gettext_lazy("A link was used that does not work"),
    },
    "opened": {
        WhyDead.REPLACED.value: gettext_lazy("An old link was opened; a newer one had replaced it"),
        WhyDead.TOO_OLD.value: gettext_lazy("A link was opened that was too old"),
        WhyDead.CHANGED.value: gettext_lazy("A link was opened after access or address had changed"),
        "used": gettext_lazy("A link that had been used was opened again (maybe by a mail scanner)"),
        "other": gettext_lazy("A link was opened that does not work"),
    },
}
_PIN_LIMITS = {
    PinLimit.NETWORK.value: gettext_lazy("A PIN was not checked: too many were entered from one network"),
    PinLimit.PIN.value: gettext_lazy("A PIN was entered that had no tries left"),
}
_WORDS = {
    AuditAction.CLIENT_SIGNED_IN: gettext_lazy("Signed in with the link from the email"),
    AuditAction.CLIENT_SIGNED_IN_BY_CODE: gettext_lazy("Signed in with the code from the email"),
    AuditAction.CLIENT_SIGNED_IN_BY_PIN: gettext_lazy("Signed in with a PIN"),
    AuditAction.LINK_SENT: gettext_lazy("An email was requested on the portal’s sign-in page, and sent"),
    AuditAction.CODE_REFUSED: gettext_lazy("The code was wrong, too old, or requested in another browser"),
    AuditAction.CODE_BEYOND_LIMIT: gettext_lazy("Too many wrong codes were entered"),
    AuditAction.PIN_REFUSED: gettext_lazy("The PIN was wrong or too old"),
    AuditAction.PIN_BEYOND_LIMIT: gettext_lazy("Too many wrong PINs were entered"),
}
