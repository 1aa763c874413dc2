"""Delivers queued mails: claims a batch, checks and marks it, then builds, sends and records each mail."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portico.plumbing import clock, error_locations
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database import transaction_guard
from portico.plumbing.mail import mail_stops, mime_messages, outbox, retry_policy
from portico.plumbing.mail.audit_actions import MailAction
from portico.plumbing.mail.reports import failure_recording, report_tags
from portico.plumbing.mail.retry_policy import Outcome, ServerReply
from portico.plumbing.models import EmailEvent, MailStop, OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailEventKind, EmailState
from portico.plumbing.queue import leases
from portico.plumbing.queue.leases import PracticesInTurn
from portico.plumbing.text import mailboxes

logger = logging.getLogger(__name__)

# Longer than the longest SMTP session for one mail (gateways.smtp), so that a running worker keeps its lease.
LEASE = timedelta(seconds=60)
# How long saving an outcome is retried while the database is unavailable.
PERSISTENCE_SECONDS = 30.0
DELAY_BATCH_SIZE = 500
# Claimed, checked, marked and sent over one connection: each step costs nearly as much for one mail as for ten.
BATCH_SIZE = 10
# Mails not sent by then, because the server is slow, are released for other workers.
BATCH_SECONDS = 2.0
# After this time the checks are repeated: may the mail be sent, and is its lease still ours?
CHECK_SECONDS = 0.25


class MailConnection(Protocol):
    """A connection to the mail server; never raises for failures of the server."""

    def send(self, message: bytes, *, sender: str, recipient: str, envelope_id: str, plain_sender: str) -> ServerReply:
        """Sends the message; from `plain_sender` if the server refuses `sender`.

        `envelope_id` comes back in delivery reports (RFC 3461).
        """


class MailTransport(Protocol):
    """A mail server; mails sent while it is open share a connection."""

    def open(self) -> AbstractContextManager[MailConnection]: ...


class _TurnMissed(Exception):
    """The mail may not be sent now; it is released."""


@dataclass(frozen=True)
class _Claimed:
    """A mail leased by this worker."""

    email: OutgoingEmail
    # The mark of an earlier attempt whose outcome is unknown.
    earlier_attempt_at: datetime | None


@dataclass(frozen=True)
class _Built:
    message: bytes
    recipient: str
    subject: str
    # As stored: with the secrets masked.
    text: str
    html: str


def deliver_next(
    queue: str,
    transport: MailTransport,
    in_turn: PracticesInTurn | None = None,
    *,
    await_turn: Callable[[], bool] | None = None,
) -> bool:
    """Delivers a batch of the oldest mails of the queue that are due. Returns False if there are none.

    Calls with the same `in_turn` serve the practices in turn. `await_turn` is called just before each mail is sent;
    it may wait, and returns False if the mail may not be sent now.
    """
    waiting = OutgoingEmail.objects.free_to_leave().in_queue(queue).select_related("practice")
    rows = (in_turn or PracticesInTurn()).claim_some(waiting, limit=BATCH_SIZE, lease=LEASE)
    if not rows:
        return False
    remaining = _mark(_allowed([_Claimed(email, email.handing_over_at) for email in rows]))
    ends_at = time.monotonic() + BATCH_SECONDS
    check_again_at = time.monotonic() + CHECK_SECONDS
    refused: tuple[OutgoingEmail, ServerReply] | None = None
    with transport.open() as mail_connection:
        while remaining and refused is None and time.monotonic() < ends_at:
            if time.monotonic() > check_again_at:
                remaining, check_again_at = _mark(_allowed(remaining)), time.monotonic() + CHECK_SECONDS
                continue
            claimed = remaining.pop(0)
            try:
                reply = _send(claimed, mail_connection, await_turn)
            except _TurnMissed:
                remaining.insert(0, claimed)
                break
            if reply is None or reply.kind != "taken":
                check_again_at = 0.0  # The outcome may affect others of the batch, such as those to the same mailbox.
            if reply is not None and retry_policy.stops_every_mail(reply):
                refused = claimed.email, reply
    _release(remaining)
    if refused is not None:
        _delay_others(*refused)
    return True


def _allowed(claimed: Sequence[_Claimed]) -> list[_Claimed]:
    """Returns the mails that may be sent now. Saves the reason, or the error, of the others."""
    for kind in {each.email.kind for each in claimed}:
        composer = outbox.composer_or_none(kind)
        if composer is not None:
            composer.look_up([each.email for each in claimed if each.email.kind == kind])
    stops = mail_stops.live_stops(each.email for each in claimed if not outbox.is_to_staff(each.email))
    allowed = []
    for each in claimed:
        try:
            reason = outbox.composer_of(each.email.kind).refuse(each.email) or _reason_of(stops.get(each.email))
        except (OperationalError, InterfaceError):
            raise  # The database is unavailable, which is not an error of this mail.
        except Exception as error:  # noqa: BLE001  # Any error in one mail must not stop the others.
            _save_unsent(each, _failed(each.email, error))
            continue
        if reason is None:
            allowed.append(each)
        else:
            _save_unsent(each, retry_policy.dropped_outcome(reason, at=clock.now()))
    return allowed


def _reason_of(stop: MailStop | None) -> str | None:
    if stop is None:
        return None
    return _("No email is sent to this address. %(reason)s") % {"reason": stop.words}


def _mark(allowed: Sequence[_Claimed]) -> list[_Claimed]:
    """Marks the mails as being handed over; returns those whose lease is still ours.

    Committed before the first byte is sent: a worker killed from here on may have sent one of them.
    """
    at = clock.now()
    first_attempts = [each.email for each in allowed if each.earlier_attempt_at is None]
    # The lifetime of a link starts with the first attempt that may have been sent.
    repeated = [each.email for each in allowed if each.earlier_attempt_at is not None]
    held = leases.update_all_held(first_attempts, handing_over_at=at, lease_until=at + LEASE)
    held += leases.update_all_held(repeated, lease_until=at + LEASE)
    return [each for each in allowed if each.email in held]


def _release(unsent: Sequence[_Claimed]) -> None:
    """Releases mails that were not sent, as if they had not been claimed."""
    leases.release_all([each.email for each in unsent if each.earlier_attempt_at is None], handing_over_at=None)
    leases.release_all([each.email for each in unsent if each.earlier_attempt_at is not None])


def _send(
    claimed: _Claimed, mail_connection: MailConnection, await_turn: Callable[[], bool] | None
) -> ServerReply | None:
    """Builds and sends the mail; returns the server's reply, or None if building failed."""
    email = claimed.email
    try:
        built = _build(email, outbox.composer_of(email.kind))
    except (OperationalError, InterfaceError):
        raise  # As above.
    except Exception as error:  # noqa: BLE001  # As above.
        _save_unsent(claimed, _failed(email, error))
        return None
    transaction_guard.refuse_inside_transaction()
    if await_turn is not None and not await_turn():
        raise _TurnMissed
    reply = mail_connection.send(
        built.message,
        sender=report_tags.envelope_sender(email.ref, base=settings.EMAIL_RETURN_PATH),
        recipient=built.recipient,
        envelope_id=report_tags.tag_of(email.ref),
        plain_sender=settings.EMAIL_RETURN_PATH,
    )
    outcome = retry_policy.outcome_of(email, reply, at=clock.now())
    outcome.changes.update(subject=built.subject, body_text=built.text, body_html=built.html)
    if reply.kind in {"taken", "lost"}:
        _save(email, outcome)
    else:
        _save_unsent(claimed, outcome)
    return reply


def _save_unsent(claimed: _Claimed, outcome: Outcome) -> None:
    """Saves the outcome of an attempt that certainly did not send the mail; an earlier one may have."""
    outcome.changes["handing_over_at"] = claimed.earlier_attempt_at
    _save(claimed.email, outcome)


def _build(email: OutgoingEmail, composer: outbox.MailComposer) -> _Built:
    link = composer.link(email)
    secrets = composer.secrets(email)
    composed = composer.compose(email, link)
    recipient = mailboxes.deliverable(composer.recipient(email))
    return _Built(
        message=mime_messages.build_message(email, composed, recipient=recipient, at=clock.now()),
        recipient=recipient,
        subject=composed.subject,
        text=mime_messages.mask_secrets(composed.text, link, secrets),
        html=mime_messages.mask_secrets(composed.html, link, secrets),
    )


def _failed(email: OutgoingEmail, error: Exception) -> Outcome:
    location = error_locations.location_of(error)
    logger.warning("email.build_failed", extra={"email": email.pk, "kind": email.kind, "error": location})
    return retry_policy.failed_to_build(email, location, at=clock.now())


def _save(email: OutgoingEmail, outcome: Outcome) -> None:
    """Saves the outcome, with retries while the database is unavailable: a lost outcome would send the mail again."""
    give_up_at = time.monotonic() + PERSISTENCE_SECONDS
    while True:
        try:
            written = _save_once(email, outcome, notify_composer=True)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > give_up_at:
                raise
            connection.close()
            time.sleep(0.5)
        except Exception:
            # The composer's callback failed. That must crash, but the mail may be sent: it must not be sent twice.
            _save_once(email, outcome, notify_composer=False)
            raise
        else:
            break
    names = {"email": email.pk, "kind": email.kind, "state": email.state, "attempts": email.attempts}
    logger.info("email.attempted" if written else "email.outcome_discarded", extra=names)


def _save_once(email: OutgoingEmail, outcome: Outcome, *, notify_composer: bool) -> bool:
    """Saves the outcome, and stops the mailbox if it says so; returns False if another worker has taken over the row.

    Without `notify_composer`, only the mail itself is saved.
    """
    with transaction.atomic():
        if not leases.finish(email, **outcome.changes):
            return False
        failure = outcome.failure if notify_composer else None
        stops = failure_recording.record(email, failure) if failure is not None else False
        if outcome.event is not None:
            outbox.add_event(email, outcome.event, words=email.reason, detail=email.detail)
        if email.state == EmailState.DROPPED:
            audit_log.record(
                MailAction.DROPPED,
                practice=email.practice,
                client=email.client,
                about=email.ref,
                by=Actor.system(),
                reason=email.reason,
            )
        composer = outbox.composer_or_none(email.kind) if notify_composer else None
        if failure is not None:
            failure_recording.announce(email, failure, stops=stops)
        elif composer is not None and not email.is_waiting:
            composer.state_changed(email)
    return True


def _delay_others(email: OutgoingEmail, reply: ServerReply) -> None:
    """Delays the other mails of the queue: a server that is down or refuses us would refuse each of them.

    Otherwise a thousand mails would mean a thousand failed logins every half minute.
    """
    at = clock.now()
    others = leases.ready(OutgoingEmail.objects.free_to_leave().in_queue(email.queue)).exclude(pk=email.pk)
    others = others.filter(Q(state=EmailState.QUEUED) | Q(delayed_by=DelayCause.OURS)).order_by("id")
    columns = retry_policy.delay_columns(reply, DelayCause.OURS, since=at, at=at)
    with transaction.atomic():
        locked = list(others.select_for_update(no_key=True, skip_locked=True, of=("self",))[:DELAY_BATCH_SIZE])
        newly_delayed = [row for row in locked if row.delayed_at is None]
        rows = OutgoingEmail.objects.filter(pk__in=[row.pk for row in locked])
        rows.filter(delayed_at__isnull=False).update(
            not_before=email.not_before, reason=columns["reason"], detail=columns["detail"]
        )
        rows.filter(pk__in=[row.pk for row in newly_delayed]).update(**columns | {"not_before": email.not_before})
        EmailEvent.objects.bulk_create(
            EmailEvent(
                practice_id=row.practice_id,
                email=row,
                kind=EmailEventKind.DELAYED,
                words=columns["reason"],
                detail=columns["detail"],
            )
            for row in newly_delayed
        )
