"""Outcomes of delivery attempts: whether a mail is settled or retried, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils.translation import gettext as _

from portico.plumbing import clock
from portico.plumbing.mail.reports import report_rules
from portico.plumbing.mail.reports.failure_recording import MailFailure
from portico.plumbing.mail.reports.report_rules import Rule
from portico.plumbing.models import OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import DelayCause, EmailEventKind, EmailState

MAX_ERRORS = 5
GIVE_UP_AFTER = timedelta(hours=48)
# A wait is as long as the mail has waited already, within these bounds: exponential backoff.
SHORTEST_WAIT = {
    DelayCause.OURS: timedelta(seconds=1),
    DelayCause.ANSWER: timedelta(seconds=5),
    DelayCause.RECIPIENT: timedelta(minutes=1),
}
LONGEST_WAIT = {
    DelayCause.OURS: timedelta(seconds=30),
    DelayCause.ANSWER: timedelta(seconds=30),
    DelayCause.RECIPIENT: timedelta(minutes=30),
}
# A server whose replies keep getting lost may have accepted every copy: after some minutes attempts get rare.
ANSWER_PATIENCE = timedelta(minutes=5)
# Failures before the server knows which mail is sent concern every mail.
STAGES_BEFORE_MAIL = {"connect", "tls", "login", "sender"}


class ServerReply(Protocol):
    """A transport's report on one attempt; gateways.smtp.replies has the implementation."""

    @property
    def kind(self) -> str:
        """Is one of taken, ours, later, mailbox, listed, message, lost."""

    @property
    def stage(self) -> str:
        """Is one of connect, tls, login, sender, recipient, content."""

    @property
    def code(self) -> str:
        """Is the enhanced code, else the reply code, else empty."""

    @property
    def text(self) -> str:
        """Is the server's text, on one printable line."""


@dataclass(frozen=True)
class Outcome:
    """The columns to save, and the event to add, if any. `failure` is set if the mail failed for good."""

    changes: dict[str, Any]  # Any: a column's value.
    event: EmailEventKind | None
    failure: MailFailure | None = None


def outcome_of(email: OutgoingEmail, reply: ServerReply, *, at: datetime) -> Outcome:
    """Returns the outcome of an attempt, without `handing_over_at`: only the caller knows about earlier attempts."""
    match reply.kind:
        case "taken":
            changes = _settled_by(EmailState.HANDED_OVER, "", reply, at) | {"handed_over_at": at}
            return Outcome(changes, EmailEventKind.HANDED_OVER)
        case "mailbox" | "listed" | "message":
            return _failed(reply, MailFailure(_rule_of(reply), at, code=report_rules.known_code(reply.code)))
        case "later":
            return _retried(email, DelayCause.RECIPIENT, reply, at)
        case "lost":
            return _retried(email, DelayCause.ANSWER, reply, at)
        case _:
            return _retried(email, DelayCause.OURS, reply, at)


def stops_every_mail(reply: ServerReply) -> bool:
    return reply.kind == "ours" and reply.stage in STAGES_BEFORE_MAIL


def dropped_outcome(reason: str, *, at: datetime) -> Outcome:
    return Outcome(_settled_columns(EmailState.DROPPED, reason, "", at), EmailEventKind.DROPPED)


def failed_to_build(email: OutgoingEmail, detail: str, *, at: datetime) -> Outcome:
    """Returns the outcome for a mail that could not be built: retried with backoff, parked after the fifth error."""
    errors = email.errors + 1
    if errors < MAX_ERRORS:
        wait = timedelta(seconds=2**errors)
        return Outcome({"errors": errors, "detail": detail, "not_before": at + wait}, None)
    reason = _("This email could not be created. Check it and try again.")
    changes = _settled_columns(EmailState.FAILED, reason, detail, at) | {"errors": errors, "parked_at": at}
    return Outcome(changes, EmailEventKind.PARKED)


def delay_columns(
    reply: ServerReply, by: DelayCause, *, since: datetime, at: datetime
) -> dict[str, Any]:  # Any: a column's value.
    """Returns the columns of a mail that has waited for the same reason since then."""
    return {
        "state": EmailState.DELAYED,
        "delayed_at": since,
        "delayed_by": by,
        "reason": _reason(reply),
        "detail": _detail(reply),
        "not_before": at + wait_after(at - since, by),
    }


def wait_after(waited: timedelta, by: DelayCause) -> timedelta:
    longest = (
        LONGEST_WAIT[DelayCause.RECIPIENT] if by is DelayCause.ANSWER and waited > ANSWER_PATIENCE else LONGEST_WAIT[by]
    )
    return min(max(waited, SHORTEST_WAIT[by]), longest)


def _retried(email: OutgoingEmail, by: DelayCause, reply: ServerReply, at: datetime) -> Outcome:
    is_new_cause = email.delayed_at is None or email.delayed_by != by
    # A delay that began in the future was stored while the clock was ahead: it counts from now on.
    is_valid = email.delayed_at is not None and email.delayed_at <= at + clock.SKEW
    since = email.delayed_at if email.delayed_at is not None and is_valid and not is_new_cause else at
    if by is not DelayCause.OURS and at - since >= GIVE_UP_AFTER:
        return _failed(reply, _given_up(by, reply, waited=at - since, at=at))
    return Outcome(delay_columns(reply, by, since=since, at=at), EmailEventKind.DELAYED if is_new_cause else None)


def _rule_of(reply: ServerReply) -> Rule:
    """Returns the rule by which a report of the same status would be judged."""
    if reply.kind == "listed":
        return report_rules.rule_for(ReportKind.REJECTED, reply.code)
    if reply.kind == "message" and not report_rules.known_code(reply.code):
        # Unlike a report, the stage of the answer shows what was rejected.
        return report_rules.MESSAGE
    return report_rules.rule_for(ReportKind.FAILED, reply.code)


def _given_up(by: DelayCause, reply: ServerReply, *, waited: timedelta, at: datetime) -> MailFailure:
    code = report_rules.known_code(reply.code)
    if by is DelayCause.ANSWER:
        words = _("The mail server delayed this email for two days, so we stopped trying.")
        return MailFailure(report_rules.EXPIRED, at, words=words)
    # Some servers write a permanent code into a temporary reply.
    rule = report_rules.rule_for(ReportKind.FAILED, code) if code.startswith("4.") else report_rules.EXPIRED
    return MailFailure(rule, at, code=code, waited=waited)


def _failed(reply: ServerReply, failure: MailFailure) -> Outcome:
    """Returns the outcome as it is if no other mail to the mailbox has failed; `failures.record` counts those."""
    changes = _settled_by(failure.rule.state, failure.reason(earlier=0), reply, failure.at)
    changes |= {"failed_at": failure.at, "failure_cause": failure.rule.cause}
    return Outcome(changes, EmailEventKind.REFUSED, failure)


def _settled_by(state: EmailState, reason: str, reply: ServerReply, at: datetime) -> dict[str, Any]:  # Any: as above.
    return _settled_columns(state, reason, _detail(reply), at)


def _settled_columns(state: EmailState, reason: str, detail: str, at: datetime) -> dict[str, Any]:  # Any: as above.
    return {
        "state": state,
        "reason": reason[:300],
        "detail": detail[:300],
        "settled_at": at,
        "delayed_at": None,
        "delayed_by": "",
    }


def _detail(reply: ServerReply) -> str:
    is_in_text = reply.text.startswith(reply.code)
    return (reply.text if is_in_text else f"{reply.code} {reply.text}").strip()[:300]


def _reason(reply: ServerReply) -> str:
    """Returns the reason of a delay in words for staff; the server's own text is shown beside it."""
    match reply.kind, reply.stage:
        case "later", _stage:
            return _("The recipient’s mail server is busy.")
        case "lost", _stage:
            return _("The connection broke after the email was sent. The recipient may get a second copy.")
        case _ours, "connect":
            return _("Our mail server cannot be reached.")
        case _ours, "tls":
            return _("Our mail server doesn’t offer a secure connection, so nothing was sent.")
        case _ours, "login":
            return _("Our mail server rejected our username or password.")
        case _ours, "sender":
            return _("Our mail server rejected our sender address.")
    return (
        _("The recipient’s mail server rejects email from us.")
        if reply.code
        else _("The connection to our mail server was lost.")
    )
