"""Rules for delivery reports: the cause that a status code states, whether it stops the mailbox, words for staff.

Only this table stops a mailbox. Libraries and providers call more failures permanent, among them refusals of us.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico import enhanced_status_codes
from portico.plumbing.models import ReportKind
from portico.plumbing.models.outgoing_emails import OUR_CAUSES, EmailState, FailureCause

# A mailbox that rejects without a reason is stopped at the second rejection within this time.
UNEXPLAINED_PERIOD = timedelta(days=7)
UNEXPLAINED_LIMIT = 2
# From the third failure within this time on, staff are advised to use a PIN or the letter.
AWAY_PERIOD = timedelta(days=14)
AWAY_LIMIT = 3
# The mailbox exists, but takes no email now.
AWAY = (FailureCause.FULL, FailureCause.EXPIRED)

# RFC 3463 and RFC 7505.
_CLOSED = "5.2.1"
_NO_SUCH_DOMAIN = {"5.1.2", "5.1.10"}
_NO_SUCH_MAILBOX = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", _CLOSED}
_TOO_LARGE = "5.3.4"
# RFC 6531: the address has other letters than ASCII, and a server on the way does not support them.
_NON_ASCII_ADDRESS = "5.6.7"
_WITHOUT_REASON = {"", "5.0.0"}


@dataclass(frozen=True)
class Rule:
    """The meaning of a failure report.

    It `stops` the mailbox at once, or `stops_when_repeated`: at the second within UNEXPLAINED_PERIOD.
    """

    cause: FailureCause
    state: EmailState = EmailState.FAILED
    stops: bool = False
    stops_when_repeated: bool = False

    def stops_after(self, earlier: int) -> bool:
        """Returns True if the mailbox is stopped, with so many earlier failures of this kind within the period."""
        return self.stops or (self.stops_when_repeated and earlier + 1 >= UNEXPLAINED_LIMIT)

    @property
    def is_ours(self) -> bool:
        """Returns True if the failure says nothing about the mailbox: the operator has to act, not the client."""
        return self.cause in OUR_CAUSES


_COMPLAINED = Rule(FailureCause.COMPLAINED, EmailState.COMPLAINED, stops=True)
_PROVIDER_LIST = Rule(FailureCause.PROVIDER_LIST, EmailState.BOUNCED, stops=True)
_NO_MAILBOX = Rule(FailureCause.NO_MAILBOX, EmailState.BOUNCED, stops=True)
_UNEXPLAINED = Rule(FailureCause.UNEXPLAINED, stops_when_repeated=True)
_FULL = Rule(FailureCause.FULL)
EXPIRED = Rule(FailureCause.EXPIRED)
_DISTRUST = Rule(FailureCause.DISTRUST)
MESSAGE = Rule(FailureCause.MESSAGE)
_OTHER = Rule(FailureCause.OTHER)


def rule_for(kind: ReportKind, status_code: str, *, is_unstructured: bool = False) -> Rule:
    """Returns the rule for a report of a failure, a rejection or a complaint.

    `is_unstructured`: the report has no standard form, and may be mistaken for a bounce. It stops nothing,
    however often it is repeated.
    """
    match kind:
        case ReportKind.COMPLAINED:
            return _COMPLAINED
        case ReportKind.REJECTED:
            return _PROVIDER_LIST
        case ReportKind.FAILED if is_unstructured:
            return _OTHER
        case ReportKind.FAILED:
            return _rule_for_code(known_code(status_code))
        case _:
            raise ValueError(f"A report of the kind {kind} states no failure.")


def known_code(status_code: str) -> str:
    """Returns the code if it is an enhanced status code of RFC 3463, else an empty string."""
    code = status_code.strip()
    return code if enhanced_status_codes.is_code(code) else ""


def _rule_for_code(code: str) -> Rule:
    if code in _WITHOUT_REASON or code.startswith("2."):
        return _UNEXPLAINED
    if code in _NO_SUCH_MAILBOX:
        return _NO_MAILBOX
    if code in {"5.2.2", "4.2.2"}:
        return _FULL
    if code.startswith("4."):
        return EXPIRED
    if code.startswith("5.7."):
        return _DISTRUST
    if code == _NON_ASCII_ADDRESS:
        return _OTHER
    if code == _TOO_LARGE or code.startswith(("5.5.", "5.6.")):
        return MESSAGE
    return _OTHER


def reason_for(rule: Rule, *, code: str, server: str, waited: timedelta, earlier: int) -> str:
    """Returns the failure in one or two sentences for staff.

    `server` is the domain that rejected the mail, empty if only our own mail server has answered; `waited` the time
    from hand-over to the failure; `earlier` the number of earlier failures with such a cause.
    """
    reason = _reason(rule.cause, code, server, max(waited.days, 0))
    if rule.cause in AWAY and earlier + 1 >= AWAY_LIMIT:
        advice = _("Generate a PIN or print the letter instead.")
        return f"{reason} {advice}"
    return reason


def _reason(cause: FailureCause, code: str, server: str, days: int) -> str:
    match cause:
        case FailureCause.NO_MAILBOX:
            return _no_mailbox(code, server)
        case FailureCause.FULL:
            return _full_for(days)
        case FailureCause.EXPIRED:
            return _unanswered_for(days)
        case FailureCause.DISTRUST:
            return _("Their mail server doesn’t trust our email. Nothing is wrong with the address.")
        case FailureCause.MESSAGE if server:
            return _("Their mail server rejected this email. Nothing is wrong with the address.")
        case FailureCause.MESSAGE:
            return _("The mail server rejected this email. Nothing is wrong with the address.")
        case FailureCause.COMPLAINED:
            return _("Marked as spam. Ask by phone before you email again.")
        case FailureCause.PROVIDER_LIST:
            return _(
                "Our email provider sends nothing to this address, because it is on the provider’s own list. "
                "Remove it there first."
            )
        case _:
            return _unexplained(code, server)


def _no_mailbox(code: str, server: str) -> str:
    if code in _NO_SUCH_DOMAIN:
        return _("The part of the address after the @ doesn’t take email. Check how it is spelled.")
    if code == _CLOSED:
        text = _("%(server)s says this mailbox is closed.") if server else _("The mailbox is closed.")
    else:
        text = _("%(server)s says there is no such mailbox.") if server else _("The mailbox doesn’t exist.")
    return text % {"server": server}


def _unexplained(code: str, server: str) -> str:
    if code == _NON_ASCII_ADDRESS:
        return _("A mail server on the way can’t send to an address with these letters before the @.")
    if not server:
        return _("The mail server rejected the email and gave no clear reason.")
    return _("%(server)s rejected the email and gave no clear reason.") % {"server": server}


def _full_for(days: int) -> str:
    if not days:
        return _("Their mailbox is full.")
    text = ngettext("Their mailbox was full for %(number)s day.", "Their mailbox was full for %(number)s days.", days)
    return text % {"number": days}


def _unanswered_for(days: int) -> str:
    if not days:
        return _("Their mail server did not accept the email in time.")
    text = ngettext(
        "Their mail server did not accept the email for %(number)s day.",
        "Their mail server did not accept the email for %(number)s days.",
        days,
    )
    return text % {"number": days}


def still_trying(server: str) -> str:
    """Returns the words for a mail that a server on its way has taken, but not delivered yet."""
    return _("%(server)s hasn’t accepted it yet. The mail servers keep trying.") % {"server": server}
