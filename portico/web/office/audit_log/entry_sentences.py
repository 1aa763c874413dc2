"""The sentence that says what an entry of the audit log is about."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import AttemptFailure
from portico.domain.clients.models import Language, RelationshipKind
from portico.domain.practices.models import Role
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry
from portico.plumbing.text import money
from portico.web.office.audit_log import phrases


def sentence(entry: AuditEntry) -> str:
    """Returns one sentence without a full stop; one about a contact's access names the contact."""
    holder = entry.details.get("holder")
    return f"{_sentence(entry)} · {holder}" if holder else _sentence(entry)


def _sentence(entry: AuditEntry) -> str:
    action, details = AuditAction(entry.action), entry.details
    if action in phrases.CONTACTS:
        return _contact_sentence(action, details)
    if action == AuditAction.DOCUMENT_VIEWED:
        template = phrases.DOCUMENTS_VIEWED.get(str(details.get("kind")), action.label)
        return str(template) % {"number": details.get("number", "")}
    if action in {AuditAction.PAGE_VIEWED_AS_CLIENT, AuditAction.CLIENT_VIEW_STARTED}:
        return _view_sentence(action, details)
    if action in {AuditAction.DEFAULT_TEXT_CHANGED, AuditAction.DEFAULT_TEXT_RESET} and details.get("kind"):
        return _text_sentence(action, details)
    if action in phrases.TEMPLATE_ACTIONS and details.get("title"):
        return _("%(act)s: %(fields)s") % {"act": action.label, "fields": details["title"]}
    if action in phrases.STRIPE_FAILURES:
        return _stripe_failure(action, details)
    if action in phrases.BILLING_LABELS:
        return _billing_sentence(action, details)
    return _client_or_staff_sentence(action, details)


def _view_sentence(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    page, reason = str(details.get("page", "")), details.get("reason")
    if action == AuditAction.PAGE_VIEWED_AS_CLIENT:
        return _("Portal page viewed as client: %(page)s") % {"page": phrases.PORTAL_PAGES.get(page, page)}
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
            return str(phrases.WITH_REASON[action]) % {"reason": details["reason"]}
        case AuditAction.INVITATION_REFUSED | AuditAction.PIN_NOT_MADE:
            return str(phrases.REFUSALS[action].get(str(details.get("why")), phrases.SENTENCES[action]))
        case AuditAction.LINK_REFUSED:
            links = phrases.LINKS_OPENED if details.get("opened") else phrases.LINKS_USED
            return str(links.get(str(details.get("state")), _("A sign-in link was rejected")))
        case action if action in phrases.RUNS and "number" in details:
            return str(phrases.RUNS[action]) % {"number": details["number"]}
        case AuditAction.STAFF_ADDED | AuditAction.STAFF_ROLE_CHANGED if details.get("role") in Role.values:
            return phrases.ROLES[action] % {"role": Role(details["role"]).label.lower()}
        case _:
            pass
    template = phrases.WITH_ADDRESS.get(action)
    if template is not None and details.get("address"):
        return str(template) % {"address": details["address"]}
    return str(phrases.SENTENCES.get(action, action.label))


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
    text = str(phrases.BILLING_LABELS[action])
    if details.get("number"):
        is_credit = action == AuditAction.CREDIT_APPLIED
        template = phrases.CREDIT_APPLIED if is_credit else _("%(words)s: invoice %(number)s")
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


def _contact_sentence(action: AuditAction, details: Mapping[str, Any]) -> str:  # Any: JSON.
    kind = str(details.get("relationship", ""))
    values = {
        "name": details.get("name", ""),
        "kind": RelationshipKind(kind).label.lower() if kind in RelationshipKind.values else kind,
        "fields": _names_of(str(details.get("fields", ""))),
    }
    return str(phrases.CONTACTS[action]) % values


def _names_of(fields: str) -> str:
    return ", ".join(str(phrases.FIELDS.get(name, name.replace("_", " "))) for name in fields.split(", "))
