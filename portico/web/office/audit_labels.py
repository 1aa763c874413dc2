"""What an entry of the trail says: a sentence, who did it, and how it looks in a timeline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portico.domain.audit_actions import Verb
from portico.domain.billing.models import AttemptFailure
from portico.domain.practices.models import Role
from portico.plumbing import clock
from portico.plumbing.actors import ActorKind
from portico.plumbing.models import TrailEntry
from portico.plumbing.text import money, times
from portico.web import formatting


@dataclass(frozen=True)
class Line:
    """An entry as people read it."""

    at: datetime
    sentence: str
    who: str
    icon: str
    tone: str


@dataclass(frozen=True)
class Day:
    """The lines of one day on the practice's calendar."""

    day: date
    lines: list[Line]

    @property
    def label(self) -> str:
        today = times.day_of(clock.now(), timezone.get_current_timezone())
        match (today - self.day).days:
            case 0:
                return _("Today")
            case 1:
                return _("Yesterday")
            case _:
                return formatting.on_day(self.day, today=today, language=get_language())


def line(entry: TrailEntry) -> Line:
    icon, tone = _LOOKS.get(Verb(entry.verb), ("check", "quiet"))
    return Line(at=entry.at, sentence=sentence(entry), who=who(entry), icon=icon, tone=tone)


def days(entries: Iterable[TrailEntry]) -> list[Day]:
    """The entries as lines, by day, in their order. In the zone that the page turned on."""
    found: list[Day] = []
    for entry in entries:
        day = times.day_of(entry.at, timezone.get_current_timezone())
        if not found or found[-1].day != day:
            found.append(Day(day, []))
        found[-1].lines.append(line(entry))
    return found


def who(entry: TrailEntry) -> str:
    """Who did it, by the name they had then."""
    match entry.actor_kind:
        case ActorKind.CLIENT:
            return _("%(name)s, in the portal") % {"name": entry.actor_name}
        case ActorKind.OPERATOR:
            return _("The operator")
        case ActorKind.NOBODY:
            return _("Somebody not signed in")
        case _:
            return entry.actor_name


def sentence(entry: TrailEntry) -> str:
    """What happened, in one sentence without a full stop."""
    verb, details = Verb(entry.verb), entry.details
    if verb == Verb.DOCUMENT_VIEWED:
        template = _DOCUMENTS.get(str(details.get("kind")), verb.label)
        return str(template) % {"number": details.get("number", "")}
    if verb in REFUSED:
        return _refused(verb, details)
    return _of_the_books(verb, details) if verb in BOOKS else _of_people(verb, details)


def _of_people(verb: Verb, details: Mapping[str, Any]) -> str:  # Any: a plain value.
    match verb:
        case Verb.CLIENT_EDITED | Verb.PRACTICE_EDITED if details.get("fields"):
            return _("%(act)s: %(fields)s") % {"act": verb.label, "fields": _names_of(details["fields"])}
        case Verb.ADDRESS_CHOSEN if not details.get("address"):
            return _("Portal email taken away: no address is chosen")
        case Verb.OPTIONS_CHANGED if "access_billing_documents" in details:
            if details["access_billing_documents"]:
                return _("Billing documents opened in the portal")
            return _("Billing documents closed in the portal")
        case Verb.EMAIL_DROPPED if details.get("reason"):
            return _("An email was not sent. %(reason)s") % {"reason": details["reason"]}
        case Verb.INVITATION_REFUSED | Verb.PIN_NOT_MADE:
            return str(_REFUSALS[verb].get(str(details.get("why")), _SENTENCES[verb]))
        case Verb.LINK_REFUSED:
            links = _LINKS_OPENED if details.get("opened") else _LINKS
            return str(links.get(str(details.get("state")), _("A sign-in link was refused")))
        case Verb.STAFF_ADDED | Verb.STAFF_ROLE_CHANGED if details.get("role") in Role.values:
            return _ROLES[verb] % {"role": Role(details["role"]).label.lower()}
        case _:
            pass
    template = _WITH_ADDRESS.get(verb)
    if template is not None and details.get("address"):
        return str(template) % {"address": details["address"]}
    return str(_SENTENCES.get(verb, verb.label))


def _refused(verb: Verb, details: Mapping[str, Any]) -> str:  # Any: a plain value.
    """Stripe refused the request (email_invalid, email, req_1a2b): what Stripe's own log has it under."""
    failure = str(details.get("failure", ""))
    words = str(AttemptFailure(failure).label if failure in AttemptFailure.values else verb.label)
    if verb == Verb.REFUND_FAILED:
        words = f"{verb.label}: {words}" if failure else str(verb.label)
    found = ", ".join(str(details[name]) for name in ("reason", "param", "request") if details.get(name))
    return _("%(words)s (%(found)s)") % {"words": words, "found": found} if found else words


def _of_the_books(verb: Verb, details: Mapping[str, Any]) -> str:  # Any: a plain value.
    """Invoice 1038 issued: $140.00. Why, where somebody had to say so."""
    words = str(BOOKS[verb])
    if details.get("number"):
        words = _("%(words)s: invoice %(number)s") % {"words": words, "number": details["number"]}
    minor = details.get("amount_minor", details.get("total_minor"))
    if minor is not None and details.get("currency"):
        amount = money.written(int(minor), str(details["currency"]), language=get_language())
        words = _("%(words)s, %(amount)s") % {"words": words, "amount": amount}
    if details.get("reason"):
        words = _("%(words)s (%(reason)s)") % {"words": words, "reason": details["reason"]}
    return words


def _names_of(fields: str) -> str:
    return ", ".join(str(_FIELDS.get(name, name.replace("_", " "))) for name in fields.split(", "))


REFUSED = {Verb.PAYMENT_REFUSED, Verb.PAYMENT_NOT_REACHED, Verb.REFUND_FAILED}
_ROLES = {
    Verb.STAFF_ADDED: gettext_lazy("Staff member added as %(role)s"),
    Verb.STAFF_ROLE_CHANGED: gettext_lazy("Role of a staff member changed to %(role)s"),
}
BOOKS = {
    verb: verb.label
    for verb in (
        Verb.INVOICE_DRAFTED,
        Verb.INVOICE_EDITED,
        Verb.INVOICE_DISCARDED,
        Verb.INVOICE_ISSUED,
        Verb.INVOICE_SHARED,
        Verb.INVOICE_UNSHARED,
        Verb.INVOICE_VOIDED,
        Verb.INVOICE_SEEN,
        Verb.PAYMENT_RECORDED,
        Verb.PAYMENT_TAKEN_BACK,
        Verb.PAYMENT_QUARANTINED,
        Verb.PAYMENT_RELEASED,
        Verb.REFUND_RECORDED,
        Verb.CREDIT_GIVEN,
        Verb.CREDIT_TAKEN_BACK,
        Verb.CREDIT_KEPT,
        Verb.CREDIT_APPLIED,
    )
}
_FIELDS = {
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "preferred_name": gettext_lazy("goes by"),
    "date_of_birth": gettext_lazy("date of birth"),
    "language": gettext_lazy("language of emails"),
    "clinician": gettext_lazy("clinician"),
    "status": gettext_lazy("status"),
    "phones": gettext_lazy("phone"),
    "greeting": gettext_lazy("portal greeting"),
    "greeting_es": gettext_lazy("portal greeting in Spanish"),
    "emergency_text_es": gettext_lazy("emergency text in Spanish"),
    "hue": gettext_lazy("accent colour"),
    "reply_to": gettext_lazy("reply-to"),
}
_WITH_ADDRESS = {
    Verb.ADDRESS_ADDED: gettext_lazy("Email address %(address)s added"),
    Verb.ADDRESS_CLOSED: gettext_lazy("Email address %(address)s removed"),
    Verb.CONSENT_RECORDED: gettext_lazy("Email ok recorded for %(address)s"),
    Verb.CONSENT_WITHDRAWN: gettext_lazy("Email ok withdrawn for %(address)s"),
    Verb.ADDRESS_CHOSEN: gettext_lazy("Portal email set to %(address)s"),
    Verb.INVITATION_QUEUED: gettext_lazy("Invitation to %(address)s sent off"),
}
_SENTENCES = {
    Verb.PRACTICE_RESTORED: gettext_lazy("The data came back from a backup: everybody was signed out"),
    Verb.ACCESS_TURNED_ON: gettext_lazy("Portal access turned on"),
    Verb.ACCESS_TURNED_OFF: gettext_lazy("Portal access turned off"),
    Verb.OVERVIEW_VIEWED: gettext_lazy("Overview opened"),
    Verb.CLIENT_INFO_VIEWED: gettext_lazy("Client Info opened"),
    Verb.CLIENT_PORTAL_VIEWED: gettext_lazy("Client Portal opened"),
    Verb.ACTIVITY_VIEWED: gettext_lazy("Activity opened"),
    Verb.EMAIL_VIEWED: gettext_lazy("An email opened"),
    Verb.EMAIL_DROPPED: gettext_lazy("An email was not sent"),
    Verb.EMAIL_RESTARTED: gettext_lazy("An email started again"),
    Verb.LINK_SENT: gettext_lazy("Sign-in email sent off, asked for at the portal’s entrance"),
    Verb.CODE_REFUSED: gettext_lazy("A sign-in code was typed that doesn’t match or no longer works"),
    Verb.CODE_BEYOND_LIMIT: gettext_lazy("A sign-in code was typed after too many wrong ones"),
    Verb.INVITATION_REFUSED: gettext_lazy("Invitation refused, nothing was sent"),
    Verb.PIN_NOT_MADE: gettext_lazy("No PIN was made"),
    Verb.PIN_MADE: gettext_lazy("PIN made, to be read out by phone"),
    Verb.PIN_TRIES_ALLOWED: gettext_lazy("More tries with a PIN allowed"),
    Verb.PIN_REFUSED: gettext_lazy("A PIN was typed that doesn’t match or no longer works"),
    Verb.PIN_BEYOND_LIMIT: gettext_lazy("A PIN was typed after too many wrong ones"),
    Verb.EVERYTHING_ENDED: gettext_lazy("Signed out everywhere: links, codes, PINs and sessions ended"),
    Verb.CLIENT_SIGNED_IN: gettext_lazy("Signed in with the link from the email"),
    Verb.CLIENT_SIGNED_IN_BY_CODE: gettext_lazy("Signed in with the code from the email"),
    Verb.CLIENT_SIGNED_IN_BY_PIN: gettext_lazy("Signed in with a PIN"),
    Verb.CLIENT_SIGNED_OUT: gettext_lazy("Signed out"),
    Verb.SESSION_ENDED: gettext_lazy("A portal session was ended"),
}
_REFUSALS = {
    Verb.INVITATION_REFUSED: {
        "access": gettext_lazy("Invitation not sent: access was off"),
        "address": gettext_lazy("Invitation not sent: no address was chosen"),
        "email_ok": gettext_lazy("Invitation not sent: Email ok was not ticked"),
    },
    Verb.PIN_NOT_MADE: {
        "restore": gettext_lazy("PIN not made: the client is archived"),
        "access": gettext_lazy("PIN not made: access was off"),
        "address": gettext_lazy("PIN not made: no address was chosen"),
        "tries": gettext_lazy("PIN not made: too many wrong ones had been typed"),
    },
}
_DOCUMENTS = {
    "invoice": gettext_lazy("Invoice %(number)s opened as a PDF"),
    "receipt": gettext_lazy("Receipt %(number)s opened"),
    "refund": gettext_lazy("Receipt of a refund of %(number)s opened"),
    "statement": gettext_lazy("Statement opened"),
    "letter": gettext_lazy("Invitation letter printed"),
}
_LINKS = {
    "used": gettext_lazy("A sign-in link was pressed that had been used already"),
    "expired": gettext_lazy("A sign-in link was pressed that no longer works"),
    "unknown": gettext_lazy("A sign-in link was pressed that does not exist here"),
    "elsewhere": gettext_lazy("A sign-in link was pressed at another practice’s address"),
}
_LINKS_OPENED = {
    "used": gettext_lazy("A sign-in link was opened that had been used already, by a person or a scanner"),
    "expired": gettext_lazy("A sign-in link was opened that no longer works, by a person or a scanner"),
}
_LOOKS = {
    Verb.CLIENT_CREATED: ("user-round", "accent"),
    Verb.CLIENT_EDITED: ("pencil", "quiet"),
    Verb.CLIENT_ARCHIVED: ("archive", "quiet"),
    Verb.CLIENT_RESTORED: ("undo-2", "accent"),
    Verb.ADDRESS_ADDED: ("mail", "quiet"),
    Verb.ADDRESS_CLOSED: ("trash-2", "quiet"),
    Verb.CONSENT_RECORDED: ("check", "good"),
    Verb.CONSENT_WITHDRAWN: ("mail-minus", "wait"),
    Verb.ACCESS_TURNED_ON: ("door-open", "good"),
    Verb.ACCESS_TURNED_OFF: ("door-closed", "quiet"),
    Verb.ADDRESS_CHOSEN: ("mail", "accent"),
    Verb.OPTIONS_CHANGED: ("settings", "quiet"),
    Verb.INVITATION_QUEUED: ("send", "accent"),
    Verb.INVITATION_REFUSED: ("mail-x", "wait"),
    Verb.EMAIL_DROPPED: ("mail-x", "wait"),
    Verb.EMAIL_RESTARTED: ("refresh-cw", "accent"),
    Verb.LINK_SENT: ("send", "quiet"),
    Verb.LINK_REFUSED: ("link-2-off", "wait"),
    Verb.CODE_REFUSED: ("lock", "wait"),
    Verb.CODE_BEYOND_LIMIT: ("octagon-alert", "bad"),
    Verb.PIN_MADE: ("key-round", "accent"),
    Verb.PIN_NOT_MADE: ("key-round", "wait"),
    Verb.PIN_TRIES_ALLOWED: ("key-round", "quiet"),
    Verb.PIN_REFUSED: ("lock", "wait"),
    Verb.PIN_BEYOND_LIMIT: ("octagon-alert", "bad"),
    Verb.EVERYTHING_ENDED: ("log-out", "wait"),
    Verb.CLIENT_SIGNED_IN: ("door-open", "good"),
    Verb.CLIENT_SIGNED_IN_BY_CODE: ("door-open", "good"),
    Verb.CLIENT_SIGNED_IN_BY_PIN: ("door-open", "good"),
    Verb.CLIENT_SIGNED_OUT: ("log-out", "quiet"),
    Verb.SESSION_ENDED: ("log-out", "quiet"),
    Verb.LANGUAGE_CHOSEN: ("globe", "quiet"),
    Verb.STAFF_PASSWORD_ACCEPTED: ("lock", "quiet"),
    Verb.INVOICE_SEEN: ("eye", "good"),
    Verb.SERVICE_SAVED: ("pencil", "quiet"),
    Verb.SERVICE_RETIRED: ("archive", "quiet"),
    Verb.INVOICE_DRAFTED: ("pencil", "quiet"),
    Verb.INVOICE_EDITED: ("pencil", "quiet"),
    Verb.INVOICE_DISCARDED: ("trash-2", "quiet"),
    Verb.INVOICE_ISSUED: ("receipt-text", "accent"),
    Verb.INVOICE_SHARED: ("send", "accent"),
    Verb.INVOICE_UNSHARED: ("undo-2", "quiet"),
    Verb.INVOICE_VOIDED: ("ban", "wait"),
    Verb.PAYMENT_RECORDED: ("banknote", "good"),
    Verb.PAYMENT_TAKEN_BACK: ("undo-2", "wait"),
    Verb.REFUND_RECORDED: ("undo-2", "wait"),
    Verb.PAYMENT_STARTED: ("credit-card", "quiet"),
    Verb.PAYMENT_CHARGED: ("credit-card", "good"),
    Verb.PAYMENT_DECLINED: ("credit-card", "wait"),
    Verb.PAYMENT_REFUSED: ("octagon-alert", "bad"),
    Verb.PAYMENT_NOT_REACHED: ("octagon-alert", "wait"),
    Verb.PAYMENT_QUARANTINED: ("octagon-alert", "bad"),
    Verb.PAYMENT_RELEASED: ("undo-2", "wait"),
    Verb.TESTS_TAKEN_OUT: ("undo-2", "wait"),
    Verb.CARD_SAVED: ("credit-card", "good"),
    Verb.CARD_REMOVED: ("credit-card", "quiet"),
    Verb.REFUND_SENT: ("undo-2", "wait"),
    Verb.REFUND_FOUND: ("undo-2", "wait"),
    Verb.REFUND_FAILED: ("octagon-alert", "bad"),
    Verb.DISPUTE_OPENED: ("octagon-alert", "bad"),
    Verb.DISPUTE_WON: ("check", "good"),
    Verb.DISPUTE_LOST: ("octagon-alert", "bad"),
    Verb.PAYMENTS_RECONCILED: ("check", "good"),
    Verb.CREDIT_GIVEN: ("banknote", "good"),
    Verb.CREDIT_TAKEN_BACK: ("undo-2", "wait"),
    Verb.CREDIT_KEPT: ("banknote", "good"),
    Verb.CREDIT_APPLIED: ("banknote", "good"),
    Verb.STAFF_SIGNED_IN: ("door-open", "good"),
    Verb.STAFF_SIGNED_OUT: ("log-out", "quiet"),
    Verb.STAFF_SIGN_IN_REFUSED: ("lock", "wait"),
    Verb.STAFF_SIGN_IN_BEYOND_LIMIT: ("octagon-alert", "bad"),
    Verb.PRACTICE_RESTORED: ("undo-2", "wait"),
    Verb.STAFF_ROLE_CHANGED: ("users-round", "accent"),
    Verb.STAFF_DEACTIVATED: ("log-out", "wait"),
    Verb.STAFF_REACTIVATED: ("undo-2", "accent"),
    Verb.PASSWORD_RESET_ASKED: ("key-round", "wait"),
    Verb.PASSWORD_RESET_BEYOND_LIMIT: ("octagon-alert", "bad"),
    Verb.PASSWORD_RESET: ("key-round", "accent"),
    Verb.DENIED_ROLE: ("ban", "wait"),
    Verb.DENIED_PRACTICE: ("ban", "bad"),
    Verb.STRIPE_KEY_SAVED: ("credit-card", "accent"),
    Verb.STRIPE_KEY_REMOVED: ("credit-card", "wait"),
    Verb.ONLINE_PAYMENTS_CHANGED: ("credit-card", "quiet"),
    Verb.WEBHOOK_SAVED: ("credit-card", "quiet"),
    Verb.EVENT_REFUSED: ("ban", "wait"),
    Verb.PRACTICE_EDITED: ("landmark", "quiet"),
    Verb.DEFAULT_TEXT_CHANGED: ("mail", "quiet"),
    Verb.DEFAULT_TEXT_RESET: ("mail", "quiet"),
    Verb.LOGO_CHANGED: ("landmark", "quiet"),
    Verb.LOGO_REMOVED: ("landmark", "quiet"),
    **dict.fromkeys(Verb.views(), ("eye", "quiet")),
}
