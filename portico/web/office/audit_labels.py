"""Audit log entries as shown to staff: sentence, actor, icon and tone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import AttemptFailure
from portico.domain.clients.models import Language, RelationshipKind
from portico.domain.practices.models import Role
from portico.plumbing import clock
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry
from portico.plumbing.text import money, time_formatting
from portico.web import formatting


@dataclass(frozen=True)
class AuditRow:
    """An entry as shown on a page."""

    at: datetime
    sentence: str
    who: str
    icon: str
    tone: str


@dataclass(frozen=True)
class AuditDay:
    """The rows of one day in the practice's time zone."""

    day: date
    lines: list[AuditRow]

    @property
    def label(self) -> str:
        today = time_formatting.day_of(clock.now(), timezone.get_current_timezone())
        match (today - self.day).days:
            case 0:
                return _("Today")
            case 1:
                return _("Yesterday")
            case _:
                return formatting.short_date(self.day, today=today, language=get_language())


def row_for(entry: AuditEntry) -> AuditRow:
    icon, tone = _ICONS.get(AuditAction(entry.action), ("check", "quiet"))
    return AuditRow(at=entry.at, sentence=sentence(entry), who=actor_label(entry), icon=icon, tone=tone)


def group_by_day(entries: Iterable[AuditEntry]) -> list[AuditDay]:
    """Groups entries by day in the active time zone, keeping their order."""
    days: list[AuditDay] = []
    for entry in entries:
        day = time_formatting.day_of(entry.at, timezone.get_current_timezone())
        if not days or days[-1].day != day:
            days.append(AuditDay(day, []))
        days[-1].lines.append(row_for(entry))
    return days


def actor_label(entry: AuditEntry) -> str:
    """Returns the actor's name at the time of the entry."""
    match entry.actor_kind:
        case ActorKind.CLIENT:
            # The mailbox acted, perhaps a parent's: the entry has the name of the client that it acted for.
            return _("Portal account for %(name)s") % {"name": entry.actor_name}
        case ActorKind.OPERATOR:
            return _("System administrator")
        case ActorKind.ANONYMOUS:
            return _("Not signed in")
        case ActorKind.SYSTEM if entry.actor_name == Actor.system().name:
            return _("System")
        case _:
            return entry.actor_name


def sentence(entry: AuditEntry) -> str:
    """Returns one sentence without a full stop; one about a contact's access names the contact."""
    holder = entry.details.get("holder")
    return f"{_sentence(entry)} · {holder}" if holder else _sentence(entry)


def _sentence(entry: AuditEntry) -> str:
    action, details = AuditAction(entry.action), entry.details
    if action in _CONTACTS:
        return _contact_sentence(action, details)
    if action == AuditAction.DOCUMENT_VIEWED:
        template = _DOCUMENTS.get(str(details.get("kind")), action.label)
        return str(template) % {"number": details.get("number", "")}
    if action in {AuditAction.PAGE_VIEWED_AS_CLIENT, AuditAction.CLIENT_VIEW_STARTED}:
        return _view_sentence(action, details)
    if action in {AuditAction.DEFAULT_TEXT_CHANGED, AuditAction.DEFAULT_TEXT_RESET} and details.get("kind"):
        return _text_sentence(action, details)
    if action in _TEMPLATES and details.get("title"):
        return _("%(act)s: %(fields)s") % {"act": action.label, "fields": details["title"]}
    if action in REFUSED:
        return _stripe_failure(action, details)
    return _billing_sentence(action, details) if action in BOOKS else _client_or_staff_sentence(action, details)


def _view_sentence(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    page, reason = str(details.get("page", "")), details.get("reason")
    if action == AuditAction.PAGE_VIEWED_AS_CLIENT:
        return _("Portal page viewed as client: %(page)s") % {"page": _PORTAL_PAGES.get(page, page)}
    return _("View as client started. Reason: %(reason)s") % {"reason": reason} if reason else str(action.label)


def _client_or_staff_sentence(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    match action:
        case AuditAction.CLIENT_EDITED | AuditAction.PRACTICE_EDITED if details.get("fields"):
            return _("%(act)s: %(fields)s") % {"act": action.label, "fields": _names_of(details["fields"])}
        case AuditAction.ADDRESS_CHOSEN if not details.get("address"):
            return _("Portal email removed: no address chosen")
        case AuditAction.OPTIONS_CHANGED if details:
            return _option_sentence(details)
        case AuditAction.EMAIL_DROPPED | AuditAction.MAILBOX_STOPPED if details.get("reason"):
            return str(_WITH_REASON[action]) % {"reason": details["reason"]}
        case AuditAction.INVITATION_REFUSED | AuditAction.PIN_NOT_MADE:
            return str(_REFUSALS[action].get(str(details.get("why")), _SENTENCES[action]))
        case AuditAction.LINK_REFUSED:
            links = _LINKS_OPENED if details.get("opened") else _LINKS
            return str(links.get(str(details.get("state")), _("A sign-in link was rejected")))
        case action if action in _RUNS and "number" in details:
            return str(_RUNS[action]) % {"number": details["number"]}
        case AuditAction.STAFF_ADDED | AuditAction.STAFF_ROLE_CHANGED if details.get("role") in Role.values:
            return _ROLES[action] % {"role": Role(details["role"]).label.lower()}
        case _:
            pass
    template = _WITH_ADDRESS.get(action)
    if template is not None and details.get("address"):
        return str(template) % {"address": details["address"]}
    return str(_SENTENCES.get(action, action.label))


def _text_sentence(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    """Returns "Email text changed: Invitation, Spanish"."""
    language = str(details.get("language", ""))
    label = Language(language).label if language in Language.values else language
    named = ", ".join(filter(None, (str(outbox.kind_label(str(details["kind"]))), str(label))))
    return _("%(act)s: %(fields)s") % {"act": action.label, "fields": named}


def _stripe_failure(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    """Returns "Stripe refused the request (email_invalid, email, req_1a2b)", to look up in Stripe's log."""
    failure = str(details.get("failure", ""))
    text = str(AttemptFailure(failure).label if failure in AttemptFailure.values else action.label)
    if action == AuditAction.REFUND_FAILED:
        text = f"{action.label}: {text}" if failure else str(action.label)
    codes = ", ".join(str(details[name]) for name in ("reason", "param", "request") if details.get(name))
    return _("%(words)s (%(found)s)") % {"words": text, "found": codes} if codes else text


def _billing_sentence(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    """Returns "Invoice issued: invoice 1038, $140.00", with the reason if one was given."""
    text = str(BOOKS[action])
    if details.get("number"):
        template = _APPLIED if action == AuditAction.CREDIT_APPLIED else _("%(words)s: invoice %(number)s")
        text = template % {"words": text, "number": details["number"]}
    minor = details.get("amount_minor", details.get("total_minor"))
    if minor is not None and details.get("currency"):
        amount = money.formatted(int(minor), str(details["currency"]), language=get_language())
        text = _("%(words)s, %(amount)s") % {"words": text, "amount": amount}
    if details.get("reason"):
        text = _("%(words)s (%(reason)s)") % {"words": text, "reason": details["reason"]}
    return text


def _option_sentence(details: Mapping[str, Any]) -> str:  # Any: JSON.
    if "access_billing_documents" not in details:
        return _("Card payment turned on")
    return _("Billing access turned on") if details["access_billing_documents"] else _("Billing access turned off")


def _names_of(fields: str) -> str:
    return ", ".join(str(_FIELDS.get(name, name.replace("_", " "))) for name in fields.split(", "))


_TEMPLATES = frozenset(action for action in AuditAction if action.value.startswith("template."))
REFUSED = {AuditAction.PAYMENT_REFUSED, AuditAction.PAYMENT_NOT_REACHED, AuditAction.REFUND_FAILED}
_ROLES = {
    AuditAction.STAFF_ADDED: gettext_lazy("Staff member added as %(role)s"),
    AuditAction.STAFF_ROLE_CHANGED: gettext_lazy("Staff role changed to %(role)s"),
}
_APPLIED = gettext_lazy("Payment applied to invoice %(number)s")
BOOKS = {
    action: action.label
    for action in (
        AuditAction.INVOICE_DRAFTED,
        AuditAction.INVOICE_EDITED,
        AuditAction.INVOICE_DISCARDED,
        AuditAction.INVOICE_ISSUED,
        AuditAction.INVOICE_SHARED,
        AuditAction.INVOICE_UNSHARED,
        AuditAction.INVOICE_VOIDED,
        AuditAction.INVOICE_SEEN,
        AuditAction.PAYMENT_RECORDED,
        AuditAction.PAYMENT_TAKEN_BACK,
        AuditAction.PAYMENT_QUARANTINED,
        AuditAction.PAYMENT_RELEASED,
        AuditAction.REFUND_RECORDED,
        AuditAction.CREDIT_GIVEN,
        AuditAction.CREDIT_TAKEN_BACK,
        AuditAction.CREDIT_KEPT,
        AuditAction.CREDIT_APPLIED,
    )
}
_FIELDS = {
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "preferred_name": gettext_lazy("preferred name"),
    "date_of_birth": gettext_lazy("date of birth"),
    "language": gettext_lazy("language of emails"),
    "clinician": gettext_lazy("clinician"),
    "status": gettext_lazy("status"),
    "phones": gettext_lazy("phone"),
    "also_client": gettext_lazy("link to a client"),
    "kind": gettext_lazy("kind"),
    "age_of_majority": gettext_lazy("age of majority"),
    "support_hours_es": gettext_lazy("support hours in Spanish"),
    "greeting": gettext_lazy("portal greeting"),
    "greeting_es": gettext_lazy("portal greeting in Spanish"),
    "emergency_text_es": gettext_lazy("emergency text in Spanish"),
    "hue": gettext_lazy("accent color"),
    "reply_to": gettext_lazy("reply-to"),
    "reminder_days": gettext_lazy("reminder days"),
    "document_reminder_days": gettext_lazy("reminder days of documents"),
    "help_notices": gettext_lazy("emails about help requests"),
    "document_notices": gettext_lazy("emails about completed documents"),
}
_WITH_REASON = {
    AuditAction.EMAIL_DROPPED: gettext_lazy("An email was not sent. %(reason)s"),
    AuditAction.MAILBOX_STOPPED: gettext_lazy("Email to an address was stopped. %(reason)s"),
}
_WITH_ADDRESS = {
    AuditAction.ADDRESS_ADDED: gettext_lazy("Email address %(address)s added"),
    AuditAction.ADDRESS_CLOSED: gettext_lazy("Email address %(address)s removed"),
    AuditAction.CONSENT_RECORDED: gettext_lazy("Email ok recorded for %(address)s"),
    AuditAction.CONSENT_WITHDRAWN: gettext_lazy("Email ok withdrawn for %(address)s"),
    AuditAction.ADDRESS_CHOSEN: gettext_lazy("Portal email set to %(address)s"),
    AuditAction.ADDRESS_CHANGED_BY_CLIENT: gettext_lazy("Email changed to %(address)s by the client, in the portal"),
    AuditAction.TEST_EMAIL_SENT: gettext_lazy("Test email sent to %(address)s"),
    AuditAction.INVITATION_QUEUED: gettext_lazy("Invitation to %(address)s sent"),
}
_RUNS = {
    AuditAction.INVITATION_RUN_STARTED: gettext_lazy("Invitations to several clients started: %(number)s"),
    AuditAction.INVITATION_RUN_STOPPED: gettext_lazy("Invitations to several clients stopped: %(number)s not sent"),
    AuditAction.DOCUMENT_RUN_STARTED: gettext_lazy("Bulk sharing started: %(number)s"),
    AuditAction.DOCUMENT_RUN_STOPPED: gettext_lazy("Bulk sharing stopped: %(number)s not shared"),
}


def _contact_sentence(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    kind = str(details.get("relationship", ""))
    values = {
        "name": details.get("name", ""),
        "kind": RelationshipKind(kind).label.lower() if kind in RelationshipKind.values else kind,
        "fields": _names_of(str(details.get("fields", ""))),
    }
    return str(_CONTACTS[action]) % values


_CONTACTS = {
    AuditAction.CONTACT_ADDED: gettext_lazy("Contact added: %(name)s, %(kind)s"),
    AuditAction.CONTACT_EDITED: gettext_lazy("Contact changed: %(name)s, %(fields)s"),
    AuditAction.CONTACT_ENDED: gettext_lazy("Contact removed: %(name)s, %(kind)s"),
    AuditAction.MAJORITY_DECIDED: gettext_lazy("%(name)s keeps the portal access as the client comes of age"),
}
_SENTENCES = {
    AuditAction.PRACTICE_RESTORED: gettext_lazy("The data was restored from a backup and everyone was signed out"),
    AuditAction.ACCESS_TURNED_ON: gettext_lazy("Portal access turned on"),
    AuditAction.ACCESS_TURNED_OFF: gettext_lazy("Portal access turned off"),
    AuditAction.OVERVIEW_VIEWED: gettext_lazy("Overview viewed"),
    AuditAction.CLIENT_INFO_VIEWED: gettext_lazy("Client Info viewed"),
    AuditAction.CLIENT_PORTAL_VIEWED: gettext_lazy("Client Portal viewed"),
    AuditAction.ACTIVITY_VIEWED: gettext_lazy("Activity viewed"),
    AuditAction.SHARING_VIEWED: gettext_lazy("The client’s documents were viewed, to share more"),
    AuditAction.EMAIL_VIEWED: gettext_lazy("An email was viewed"),
    AuditAction.EMAIL_DROPPED: gettext_lazy("An email was not sent"),
    AuditAction.EMAIL_RESTARTED: gettext_lazy("An email was retried"),
    AuditAction.MAILBOX_STOPPED: gettext_lazy("Email to an address was stopped"),
    AuditAction.MAIL_STOP_LIFTED: gettext_lazy("Email to an address is allowed again"),
    AuditAction.LINK_SENT: gettext_lazy("Sign-in email sent, requested on the portal’s sign-in page"),
    AuditAction.CODE_REFUSED: gettext_lazy("An incorrect or expired sign-in code was entered"),
    AuditAction.CODE_BEYOND_LIMIT: gettext_lazy("A sign-in code was entered after too many wrong codes"),
    AuditAction.INVITATION_REFUSED: gettext_lazy("Invitation not sent"),
    AuditAction.PIN_NOT_MADE: gettext_lazy("PIN not created"),
    AuditAction.PIN_MADE: gettext_lazy("PIN created, to be read out over the phone"),
    AuditAction.PIN_TRIES_ALLOWED: gettext_lazy("More PIN tries allowed"),
    AuditAction.PIN_REFUSED: gettext_lazy("An incorrect or expired PIN was entered"),
    AuditAction.PIN_BEYOND_LIMIT: gettext_lazy("A PIN was entered after too many wrong PINs"),
    AuditAction.EVERYTHING_ENDED: gettext_lazy("Signed out everywhere: links, codes, PINs and sessions canceled"),
    AuditAction.CLIENT_SIGNED_IN: gettext_lazy("Signed in with the link from the email"),
    AuditAction.CLIENT_SIGNED_IN_BY_CODE: gettext_lazy("Signed in with the code from the email"),
    AuditAction.CLIENT_SIGNED_IN_BY_PIN: gettext_lazy("Signed in with a PIN"),
    AuditAction.CLIENT_SIGNED_OUT: gettext_lazy("Signed out"),
    AuditAction.SESSION_ENDED: gettext_lazy("A portal session was ended"),
    AuditAction.HELP_REQUESTED: gettext_lazy("Asked for help"),
    AuditAction.HELP_REQUESTS_VIEWED: gettext_lazy("Help requests viewed"),
    AuditAction.HELP_REQUEST_DONE: gettext_lazy("A help request was marked as done"),
}
_REFUSALS = {
    AuditAction.INVITATION_REFUSED: {
        "access": gettext_lazy("Invitation not sent: access was off"),
        "address": gettext_lazy("Invitation not sent: no address was chosen"),
        "email_ok": gettext_lazy("Invitation not sent: Email ok was not checked"),
        "lift_stop": gettext_lazy("Invitation not sent: an earlier email was marked as spam"),
        "guardian": gettext_lazy("Invitation not sent: the client is under age and has no guardian"),
    },
    AuditAction.PIN_NOT_MADE: {
        "restore": gettext_lazy("PIN not created: the client is archived"),
        "access": gettext_lazy("PIN not created: access was off"),
        "address": gettext_lazy("PIN not created: no address was chosen"),
        "tries": gettext_lazy("PIN not created: too many wrong PINs were entered"),
        "guardian": gettext_lazy("PIN not created: the client is under age and has no guardian"),
    },
}
_DOCUMENTS = {
    "invoice": gettext_lazy("Invoice %(number)s viewed as PDF"),
    "receipt": gettext_lazy("Receipt %(number)s viewed"),
    "refund": gettext_lazy("Refund receipt %(number)s viewed"),
    "statement": gettext_lazy("Statement viewed"),
    "letter": gettext_lazy("Invitation letter printed"),
    "completed_document": gettext_lazy("Completed document downloaded as PDF"),
    "countersigned_document": gettext_lazy("Countersigned document downloaded as PDF"),
}
_LINKS = {
    "used": gettext_lazy("A sign-in link was used a second time"),
    "expired": gettext_lazy("An expired or canceled sign-in link was used"),
    "unknown": gettext_lazy("An unknown sign-in link was used"),
    "elsewhere": gettext_lazy("A sign-in link was used at another practice’s address"),
}
_LINKS_OPENED = {
    "used": gettext_lazy("A used sign-in link was opened (maybe by a mail scanner)"),
    "expired": gettext_lazy("An expired or canceled sign-in link was opened (maybe by a mail scanner)"),
}
# By URL name.
_PORTAL_PAGES = {
    "home": gettext_lazy("Home"),
    "who": gettext_lazy("Home"),
    "billing": gettext_lazy("Billing & Payments"),
    "invoice": gettext_lazy("Invoice"),
    "invoice_pdf": gettext_lazy("Invoice (PDF)"),
    "pay_balance": gettext_lazy("Pay Now"),
    "pay_invoice": gettext_lazy("Pay Now"),
    "payment": gettext_lazy("Payment"),
    "receipt": gettext_lazy("Receipt"),
    "receipt_pdf": gettext_lazy("Receipt (PDF)"),
    "refund_receipt": gettext_lazy("Refund receipt"),
    "refund_receipt_pdf": gettext_lazy("Refund receipt (PDF)"),
    "statement": gettext_lazy("Account statement"),
    "statement_pdf": gettext_lazy("Account statement (PDF)"),
    "documents": gettext_lazy("Documents"),
    "document": gettext_lazy("Document"),
    "document_page": gettext_lazy("Page of a form"),
    "document_review": gettext_lazy("Review of a form"),
    "documents_done": gettext_lazy("All done"),
    "document_pdf": gettext_lazy("Completed document (PDF)"),
    "document_declining": gettext_lazy("Decline a document"),
    "profile": gettext_lazy("Profile"),
}
_ICONS = {
    AuditAction.CLIENT_CREATED: ("user-round", "accent"),
    AuditAction.CLIENT_EDITED: ("pencil", "quiet"),
    AuditAction.CLIENT_ARCHIVED: ("archive", "quiet"),
    AuditAction.CLIENT_RESTORED: ("undo-2", "accent"),
    AuditAction.REMINDERS_TURNED_ON: ("mail", "quiet"),
    AuditAction.REMINDERS_TURNED_OFF: ("mail-minus", "quiet"),
    AuditAction.ADDRESS_ADDED: ("mail", "quiet"),
    AuditAction.ADDRESS_CLOSED: ("trash-2", "quiet"),
    AuditAction.CONSENT_RECORDED: ("check", "good"),
    AuditAction.CONSENT_WITHDRAWN: ("mail-minus", "wait"),
    AuditAction.ACCESS_TURNED_ON: ("door-open", "good"),
    AuditAction.ACCESS_TURNED_OFF: ("door-closed", "quiet"),
    AuditAction.ADDRESS_CHANGE_REQUESTED: ("mail", "quiet"),
    AuditAction.ADDRESS_CHANGED_BY_CLIENT: ("mail", "accent"),
    AuditAction.ADDRESS_CHOSEN: ("mail", "accent"),
    AuditAction.OPTIONS_CHANGED: ("settings", "quiet"),
    AuditAction.TEST_EMAIL_SENT: ("send", "quiet"),
    AuditAction.INVITATION_QUEUED: ("send", "accent"),
    AuditAction.INVITATION_RUN_STARTED: ("send", "accent"),
    AuditAction.INVITATION_REFUSED: ("mail-x", "wait"),
    AuditAction.EMAIL_DROPPED: ("mail-x", "wait"),
    AuditAction.EMAIL_RESTARTED: ("refresh-cw", "accent"),
    AuditAction.MAILBOX_STOPPED: ("mail-x", "bad"),
    AuditAction.MAIL_STOP_LIFTED: ("mail", "accent"),
    AuditAction.LINK_SENT: ("send", "quiet"),
    AuditAction.LINK_REFUSED: ("link-2-off", "wait"),
    AuditAction.CODE_REFUSED: ("lock", "wait"),
    AuditAction.CODE_BEYOND_LIMIT: ("octagon-alert", "bad"),
    AuditAction.PIN_MADE: ("key-round", "accent"),
    AuditAction.PIN_NOT_MADE: ("key-round", "wait"),
    AuditAction.PIN_TRIES_ALLOWED: ("key-round", "quiet"),
    AuditAction.PIN_REFUSED: ("lock", "wait"),
    AuditAction.PIN_BEYOND_LIMIT: ("octagon-alert", "bad"),
    AuditAction.EVERYTHING_ENDED: ("log-out", "wait"),
    AuditAction.CLIENT_SIGNED_IN: ("door-open", "good"),
    AuditAction.CLIENT_SIGNED_IN_BY_CODE: ("door-open", "good"),
    AuditAction.CLIENT_SIGNED_IN_BY_PIN: ("door-open", "good"),
    AuditAction.CLIENT_SIGNED_OUT: ("log-out", "quiet"),
    AuditAction.SESSION_ENDED: ("log-out", "quiet"),
    AuditAction.CLIENT_VIEW_STARTED: ("eye", "accent"),
    AuditAction.LANGUAGE_CHOSEN: ("globe", "quiet"),
    AuditAction.HELP_REQUESTED: ("circle-question-mark", "wait"),
    AuditAction.STAFF_PASSWORD_ACCEPTED: ("lock", "quiet"),
    AuditAction.INVOICE_SEEN: ("eye", "good"),
    AuditAction.DOCUMENTS_SHARED: ("send", "accent"),
    AuditAction.DOCUMENTS_REMINDED: ("send", "accent"),
    AuditAction.DOCUMENT_RUN_STARTED: ("send", "accent"),
    AuditAction.DOCUMENT_WITHDRAWN: ("undo-2", "wait"),
    AuditAction.DOCUMENT_ASKED_AGAIN: ("send", "accent"),
    AuditAction.DOCUMENT_UPDATED: ("refresh-cw", "quiet"),
    AuditAction.DOCUMENT_SIGNED_ON_PAPER: ("check", "good"),
    AuditAction.DOCUMENT_REVIEWED: ("check", "quiet"),
    AuditAction.RECORD_UPDATED: ("pencil", "quiet"),
    AuditAction.DOCUMENT_COUNTERSIGNED: ("pencil", "quiet"),
    AuditAction.DOCUMENT_OPENED: ("eye", "good"),
    AuditAction.DOCUMENT_STARTED: ("pencil", "quiet"),
    AuditAction.DOCUMENT_SUBMITTED: ("check", "good"),
    AuditAction.DOCUMENT_SIGNED: ("check", "good"),
    AuditAction.DOCUMENT_DECLINED: ("ban", "wait"),
    AuditAction.FILE_UPLOADED: ("upload", "good"),
    AuditAction.UPLOAD_REMOVED: ("trash-2", "quiet"),
    AuditAction.VIRUS_FOUND: ("octagon-alert", "bad"),
    AuditAction.SERVICE_SAVED: ("pencil", "quiet"),
    AuditAction.SERVICE_RETIRED: ("archive", "quiet"),
    AuditAction.TEMPLATE_CREATED: ("plus", "quiet"),
    AuditAction.TEMPLATE_EDITED: ("pencil", "quiet"),
    AuditAction.TEMPLATE_DRAFT_DISCARDED: ("trash-2", "quiet"),
    AuditAction.TEMPLATE_PUBLISHED: ("circle-check", "good"),
    AuditAction.TEMPLATE_MOVED: ("pencil", "quiet"),
    AuditAction.TEMPLATE_ARCHIVED: ("archive", "quiet"),
    AuditAction.TEMPLATE_RESTORED: ("archive", "quiet"),
    AuditAction.TEMPLATE_EXPORTED: ("download", "quiet"),
    AuditAction.INVOICE_DRAFTED: ("pencil", "quiet"),
    AuditAction.INVOICE_EDITED: ("pencil", "quiet"),
    AuditAction.INVOICE_DISCARDED: ("trash-2", "quiet"),
    AuditAction.INVOICE_ISSUED: ("receipt-text", "accent"),
    AuditAction.INVOICE_SHARED: ("send", "accent"),
    AuditAction.INVOICE_UNSHARED: ("undo-2", "quiet"),
    AuditAction.INVOICE_VOIDED: ("ban", "wait"),
    AuditAction.PAYMENT_RECORDED: ("banknote", "good"),
    AuditAction.PAYMENT_TAKEN_BACK: ("undo-2", "wait"),
    AuditAction.REFUND_RECORDED: ("undo-2", "wait"),
    AuditAction.PAYMENT_STARTED: ("credit-card", "quiet"),
    AuditAction.PAYMENT_CHARGED: ("credit-card", "good"),
    AuditAction.PAYMENT_DECLINED: ("credit-card", "wait"),
    AuditAction.PAYMENT_REFUSED: ("octagon-alert", "bad"),
    AuditAction.PAYMENT_NOT_REACHED: ("octagon-alert", "wait"),
    AuditAction.PAYMENT_QUARANTINED: ("octagon-alert", "bad"),
    AuditAction.PAYMENT_RELEASED: ("undo-2", "wait"),
    AuditAction.TESTS_TAKEN_OUT: ("undo-2", "wait"),
    AuditAction.CARD_SAVED: ("credit-card", "good"),
    AuditAction.CARD_REMOVED: ("credit-card", "quiet"),
    AuditAction.REFUND_SENT: ("undo-2", "wait"),
    AuditAction.REFUND_FOUND: ("undo-2", "wait"),
    AuditAction.REFUND_FAILED: ("octagon-alert", "bad"),
    AuditAction.DISPUTE_OPENED: ("octagon-alert", "bad"),
    AuditAction.DISPUTE_WON: ("check", "good"),
    AuditAction.DISPUTE_LOST: ("octagon-alert", "bad"),
    AuditAction.PAYMENTS_RECONCILED: ("check", "good"),
    AuditAction.CREDIT_GIVEN: ("banknote", "good"),
    AuditAction.CREDIT_TAKEN_BACK: ("undo-2", "wait"),
    AuditAction.CREDIT_KEPT: ("banknote", "good"),
    AuditAction.CREDIT_APPLIED: ("banknote", "good"),
    AuditAction.STAFF_SIGNED_IN: ("door-open", "good"),
    AuditAction.STAFF_SIGNED_OUT: ("log-out", "quiet"),
    AuditAction.STAFF_SIGN_IN_REFUSED: ("lock", "wait"),
    AuditAction.STAFF_SIGN_IN_BEYOND_LIMIT: ("octagon-alert", "bad"),
    AuditAction.PRACTICE_RESTORED: ("undo-2", "wait"),
    AuditAction.STAFF_ROLE_CHANGED: ("users-round", "accent"),
    AuditAction.STAFF_DEACTIVATED: ("log-out", "wait"),
    AuditAction.STAFF_REACTIVATED: ("undo-2", "accent"),
    AuditAction.PASSWORD_RESET_ASKED: ("key-round", "wait"),
    AuditAction.PASSWORD_RESET_BEYOND_LIMIT: ("octagon-alert", "bad"),
    AuditAction.PASSWORD_RESET: ("key-round", "accent"),
    AuditAction.DENIED_ROLE: ("ban", "wait"),
    AuditAction.DENIED_PRACTICE: ("ban", "bad"),
    AuditAction.STRIPE_KEY_SAVED: ("credit-card", "accent"),
    AuditAction.STRIPE_KEY_REMOVED: ("credit-card", "wait"),
    AuditAction.ONLINE_PAYMENTS_CHANGED: ("credit-card", "quiet"),
    AuditAction.WEBHOOK_SAVED: ("credit-card", "quiet"),
    AuditAction.EVENT_REFUSED: ("ban", "wait"),
    AuditAction.PRACTICE_EDITED: ("landmark", "quiet"),
    AuditAction.SET_UP_CLOSED: ("landmark", "quiet"),
    AuditAction.DEFAULT_TEXT_CHANGED: ("mail", "quiet"),
    AuditAction.DEFAULT_TEXT_RESET: ("mail", "quiet"),
    AuditAction.LOGO_CHANGED: ("landmark", "quiet"),
    AuditAction.LOGO_REMOVED: ("landmark", "quiet"),
    **dict.fromkeys(AuditAction.views(), ("eye", "quiet")),
}
