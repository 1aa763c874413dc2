"""Applies stored delivery reports: the state and history of each mail, and the stop of its mailbox."""

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from portico.plumbing import clock, error_locations
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import mail_stops, outbox
from portico.plumbing.mail.reports import delivery_reports, failure_recording, report_rules
from portico.plumbing.mail.reports.failure_recording import MailFailure
from portico.plumbing.mail.reports.report_rules import Rule
from portico.plumbing.models import DeliveryReport, EmailEvent, OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import TAKEN_STATES, DelayCause, EmailEventKind, EmailState
from portico.plumbing.queue import leases

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
BATCH_SIZE = 50
LONGEST_WAIT = timedelta(minutes=10)
# A report stored earlier than this before the last hand-over is about an earlier attempt.
ATTEMPT_PRECISION = timedelta(minutes=1)


def apply_next() -> bool:
    """Applies a batch of the oldest reports. Returns False if none is waiting."""
    reports = leases.claim_some(DeliveryReport.objects.waiting(), limit=BATCH_SIZE, lease=LEASE)
    for report in reports:
        try:
            _apply(report)
        except (OperationalError, InterfaceError):
            raise  # The database is unavailable, which is not an error of this report.
        except Exception as error:  # noqa: BLE001  # An error in one report must not stop the others.
            names = {"report": report.pk, "error": error_locations.location_of(error)}
            logger.warning("delivery_report.failed", extra=names)
            _postpone(report)
    return bool(reports)


@retry_on_deadlock
def _apply(report: DeliveryReport) -> None:
    """Applies one report in one transaction, with its mail locked: the first lock of all that it takes."""
    with transaction.atomic():
        (email,) = _locked_email.rows(email=report.email_id)
        was_taken = _proves_lost_reply(report, email)
        if email.is_waiting and not was_taken:
            # A report can be faster than the outcome of the attempt that it is about.
            _postpone(report)
            return
        if not leases.finish(report, applied_at=clock.now()):
            return
        if was_taken:
            # Otherwise the recipient would get a second copy.
            email.settle_as_taken(at=clock.now())
            outbox.add_event(email, EmailEventKind.HANDED_OVER)
        if not _is_outdated(report, email):
            _apply_kind(report, email)
    logger.info("delivery_report.applied", extra={"report": report.pk, "email": email.pk, "kind": report.kind})


@CompiledQuery
def _locked_email(email: Parameter) -> QuerySet[OutgoingEmail]:
    return OutgoingEmail.objects.locked().select_related("practice", "client").filter(pk=email)


def _proves_lost_reply(report: DeliveryReport, email: OutgoingEmail) -> bool:
    """Returns True if the mail waits only because the server's reply was lost: the report shows that it took it."""
    if not email.is_waiting or email.delayed_by != DelayCause.ANSWER or email.is_held or email.delayed_at is None:
        return False
    return report.written_at >= email.delayed_at - ATTEMPT_PRECISION


def _postpone(report: DeliveryReport) -> None:
    wait = min(timedelta(seconds=2 ** min(report.attempts, 16)), LONGEST_WAIT)
    leases.finish(report, not_before=clock.now() + wait)


def _is_outdated(report: DeliveryReport, email: OutgoingEmail) -> bool:
    """Returns True if the report came before staff sent the mail again."""
    return email.handed_over_at is not None and report.written_at < email.handed_over_at - ATTEMPT_PRECISION


def _apply_kind(report: DeliveryReport, email: OutgoingEmail) -> None:
    match report.kind:
        case ReportKind.RELAYED | ReportKind.DELIVERED:
            _accept(report, email)
        case ReportKind.DELAYED:
            _delay(report, email)
        case ReportKind.AUTO_REPLIED:
            _add_event(email, EmailEventKind.AUTO_REPLIED)
        case _:
            _fail(report, email)


def _accept(report: DeliveryReport, email: OutgoingEmail) -> None:
    """Records that a server accepted the mail. A failure reported before stands: servers also accept, then bounce."""
    at, is_first, is_new_state = _at(report), email.accepted_at is None, email.state == EmailState.HANDED_OVER
    if email.accepted_at is None or at < email.accepted_at:
        email.accepted_at, email.accepted_by = at, _server(report, email)
    if is_new_state:
        email.state, email.reason = EmailState.DELIVERED, ""
    email.save(update_fields=["accepted_at", "accepted_by", "state", "reason"])
    if is_first:
        outbox.add_event(email, EmailEventKind.ACCEPTED, words=email.accepted_by)
    if is_new_state:
        mail_stops.accepted(email)
        _notify_composer(email)


def _delay(report: DeliveryReport, email: OutgoingEmail) -> None:
    """Records that another server keeps trying. The state stays: a delayed mail would be sent again by us."""
    words = report_rules.still_trying(_server(report, email))
    _add_event(email, EmailEventKind.STILL_TRYING, words=words, detail=report.words)
    if email.state == EmailState.HANDED_OVER:
        email.reason = words
        email.save(update_fields=["reason"])


def _fail(report: DeliveryReport, email: OutgoingEmail) -> None:
    """Records a failure or a complaint. The state stays if one that is as serious was recorded before."""
    is_unstructured = report.source == delivery_reports.UNSTRUCTURED
    rule = report_rules.rule_for(ReportKind(report.kind), report.status_code, is_unstructured=is_unstructured)
    event_kind = EmailEventKind.COMPLAINED if rule.state == EmailState.COMPLAINED else EmailEventKind.BOUNCED
    if not _is_worse(rule, email):
        _add_event(email, event_kind, detail=_detail(report))
        return
    email.detail = _detail(report)
    failure = MailFailure(
        rule,
        _at(report),
        code=report_rules.known_code(report.status_code),
        server=_server(report, email),
        waited=_at(report) - (email.handed_over_at or _at(report)),
    )
    stops = failure_recording.record(email, failure)
    outbox.add_event(email, event_kind, words=email.reason, detail=email.detail)
    failure_recording.announce(email, failure, stops=stops)


def _is_worse(rule: Rule, email: OutgoingEmail) -> bool:
    """Returns True if the failure changes the mail: complaints replace rejections, and these replace other failures.

    A failure without a cause is one of ours, such as a mail that could not be created.
    """
    ranks = {EmailState.FAILED: 1, EmailState.BOUNCED: 2, EmailState.COMPLAINED: 3}
    if email.state in TAKEN_STATES:
        return True
    is_of_server = bool(email.failure_cause) and email.handed_over_at is not None
    return is_of_server and ranks[rule.state] > ranks.get(EmailState(email.state), 3)


def _notify_composer(email: OutgoingEmail) -> None:
    composer = outbox.composer_or_none(email.kind)
    if composer is not None:
        composer.state_changed(email)


def _add_event(email: OutgoingEmail, kind: EmailEventKind, *, words: str = "", detail: str = "") -> None:
    """Adds an event to the history, unless it has one of this kind: several servers and providers report the same."""
    if not EmailEvent.objects.filter(email=email, kind=kind).exists():
        outbox.add_event(email, kind, words=words, detail=detail)


def _at(report: DeliveryReport) -> datetime:
    """Returns the time of the fact. A server whose clock is ahead reports one in the future."""
    return min(report.happened_at, report.written_at)


def _server(report: DeliveryReport, email: OutgoingEmail) -> str:
    return report.remote_server or email.to_address.rpartition("@")[2]


def _detail(report: DeliveryReport) -> str:
    code = report_rules.known_code(report.status_code)
    return (report.words if code in report.words else f"{code} {report.words}").strip()
