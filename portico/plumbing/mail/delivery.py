"""Handing waiting mails to the mail server: claim a few, ask, mark; then for each build, send, write down."""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q

from portico.plumbing import clock, error_locations
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database import transaction_guard
from portico.plumbing.mail import mime_messages, outbox, retry_policy
from portico.plumbing.mail.audit_actions import MailAction
from portico.plumbing.mail.retry_policy import Outcome, ServerReply
from portico.plumbing.models import EmailEvent, OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailEventKind, EmailState
from portico.plumbing.queue import leases
from portico.plumbing.text import mailboxes

logger = logging.getLogger(__name__)

# Longer than the longest conversation with a mail server (gateways.smtp), so that a live worker keeps its mail.
LEASE = timedelta(seconds=60)
# How long the outcome of a try is kept in hand while the database is away.
PERSISTENCE_SECONDS = 30.0
HELD_BACK_BATCH_SIZE = 500
# Claimed, asked about, marked and sent in one connection together: each costs nearly as much for one as for a few.
BATCH_SIZE = 10
# What a slow server has not been offered by then, another worker may take up.
BATCH_SECONDS = 2.0
# Whether a mail may leave, and is still ours, is asked anew when the answer is older.
ANSWER_SECONDS = 0.25


class MailConnection(Protocol):
    """What takes a mail out of the house; never raises for what a server does."""

    def send(self, message: bytes, *, sender: str, recipient: str) -> ServerReply: ...


class MailTransport(Protocol):
    """Where mails leave by; those sent while it is open share a connection."""

    def open(self) -> AbstractContextManager[MailConnection]: ...


@dataclass(frozen=True)
class _Claimed:
    """A mail that this worker holds."""

    email: OutgoingEmail
    # The mark of an earlier try whose outcome is not known.
    began_before: datetime | None


@dataclass(frozen=True)
class _Built:
    message: bytes
    recipient: str
    # As they are kept: without the secret.
    text: str
    html: str


def deliver_next(lane: str, transport: MailTransport) -> bool:
    """Works on the oldest few mails of the lane that are due. False when there are none."""
    waiting = OutgoingEmail.objects.free_to_leave().of_lane(lane).select_related("practice")
    rows = leases.claim_some(waiting, most=BATCH_SIZE, lease=LEASE)
    if not rows:
        return False
    left = _mark(_allowed([_Claimed(email, email.handing_over_at) for email in rows]))
    until = time.monotonic() + BATCH_SECONDS
    ask_again_at = time.monotonic() + ANSWER_SECONDS
    refused: tuple[OutgoingEmail, ServerReply] | None = None
    with transport.open() as line:
        while left and refused is None and time.monotonic() < until:
            if time.monotonic() > ask_again_at:
                left, ask_again_at = _mark(_allowed(left)), time.monotonic() + ANSWER_SECONDS
                continue
            claimed = left.pop(0)
            answer = _send(claimed, line)
            if answer is None or answer.kind != "taken":
                ask_again_at = 0.0  # What became of it may matter to others in hand, such as those to the same mailbox.
            if answer is not None and retry_policy.stops_every_mail(answer):
                refused = claimed.email, answer
    _give_back(left)
    if refused is not None:
        _hold_others_back(*refused)
    return True


def _allowed(claimed: Sequence[_Claimed]) -> list[_Claimed]:
    """Those that may leave at this moment. Of the others the reason is written down, or the mistake."""
    for kind in {each.email.kind for each in claimed}:
        composer = outbox.composer_or_none(kind)
        if composer is not None:
            composer.look_up([each.email for each in claimed if each.email.kind == kind])
    allowed = []
    for each in claimed:
        try:
            reason = outbox.composer(each.email.kind).refuse(each.email)
        except (OperationalError, InterfaceError):
            raise  # The database is away: that is no mistake of this mail.
        except Exception as mistake:  # noqa: BLE001  # Whatever is wrong with one mail must not stop the others.
            _write_down_unsent(each, _mistaken(each.email, mistake))
            continue
        if reason is None:
            allowed.append(each)
        else:
            _write_down_unsent(each, retry_policy.dropped(reason, at=clock.now()))
    return allowed


def _mark(allowed: Sequence[_Claimed]) -> list[_Claimed]:
    """Marks those of the mails that are still ours.

    Committed before the first byte leaves: a worker killed from here on may have handed one of them over.
    """
    at = clock.now()
    fresh = [each.email for each in allowed if each.began_before is None]
    # The times of a link run from the first try that may have been a hand-over.
    again = [each.email for each in allowed if each.began_before is not None]
    held = leases.update_all_held(fresh, handing_over_at=at, lease_until=at + LEASE)
    held += leases.update_all_held(again, lease_until=at + LEASE)
    return [each for each in allowed if each.email in held]


def _give_back(left: Sequence[_Claimed]) -> None:
    """What was not offered to the server is as if nobody had claimed it."""
    leases.release_all([each.email for each in left if each.began_before is None], handing_over_at=None)
    leases.release_all([each.email for each in left if each.began_before is not None])


def _send(claimed: _Claimed, line: MailConnection) -> ServerReply | None:
    """What the server said, when the mail came so far."""
    email = claimed.email
    try:
        built = _build(email, outbox.composer(email.kind))
    except (OperationalError, InterfaceError):
        raise  # As above.
    except Exception as mistake:  # noqa: BLE001  # As above.
        _write_down_unsent(claimed, _mistaken(email, mistake))
        return None
    transaction_guard.refuse_inside_transaction()
    answer = line.send(built.message, sender=settings.EMAIL_FROM, recipient=built.recipient)
    outcome = retry_policy.outcome(email, answer, at=clock.now())
    outcome.changes.update(body_text=built.text, body_html=built.html)
    if answer.kind in {"taken", "lost"}:
        _write_down(email, outcome)
    else:
        _write_down_unsent(claimed, outcome)
    return answer


def _write_down_unsent(claimed: _Claimed, outcome: Outcome) -> None:
    """This try is known not to have been a hand-over; the one before may have been."""
    outcome.changes["handing_over_at"] = claimed.began_before
    _write_down(claimed.email, outcome)


def _build(email: OutgoingEmail, composer: outbox.MailComposer) -> _Built:
    link = composer.link(email)
    secrets = composer.secrets(email)
    letter = composer.compose(email, link)
    recipient = mailboxes.deliverable(email.to_address)
    return _Built(
        message=mime_messages.message(email, letter, recipient=recipient, at=clock.now()),
        recipient=recipient,
        text=mime_messages.masked(letter.text, link, secrets),
        html=mime_messages.masked(letter.html, link, secrets),
    )


def _mistaken(email: OutgoingEmail, mistake: Exception) -> Outcome:
    place = error_locations.location_of(mistake)
    logger.warning("email.not_built", extra={"email": email.pk, "kind": email.kind, "mistake": place})
    return retry_policy.failed_to_build(email, place, at=clock.now())


def _write_down(email: OutgoingEmail, outcome: Outcome) -> None:
    """Also when the database is away for a moment: a forgotten outcome would send the mail again."""
    give_up_at = time.monotonic() + PERSISTENCE_SECONDS
    while True:
        try:
            written = _write_down_once(email, outcome, tell_composer=True)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > give_up_at:
                raise
            connection.close()
            time.sleep(0.5)
        except Exception:
            # The composer stumbled. That must crash, but the mail may have left: it must not leave again.
            _write_down_once(email, outcome, tell_composer=False)
            raise
        else:
            break
    names = {"email": email.pk, "kind": email.kind, "state": email.state, "tries": email.tries}
    logger.info("email.worked_on" if written else "email.fenced_off", extra=names)


def _write_down_once(email: OutgoingEmail, outcome: Outcome, *, tell_composer: bool) -> bool:
    """False when the row was taken over meanwhile: then its new holder has the word."""
    with transaction.atomic():
        if not leases.finish(email, **outcome.changes):
            return False
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
        composer = outbox.composer_or_none(email.kind) if tell_composer else None
        if composer is not None and not email.is_waiting:
            composer.state_changed(email)
    return True


def _hold_others_back(email: OutgoingEmail, answer: ServerReply) -> None:
    """A server that is away or refuses us would refuse each waiting mail; one try speaks for all of the lane.

    Otherwise a thousand mails would mean a thousand refused sign-ins every half minute.
    """
    at = clock.now()
    others = leases.ready(OutgoingEmail.objects.free_to_leave().of_lane(email.lane)).exclude(pk=email.pk)
    others = others.filter(Q(state=EmailState.QUEUED) | Q(delayed_by=DelayCause.OURS)).order_by("id")
    fresh = retry_policy.delayed(answer, DelayCause.OURS, since=at, at=at)
    with transaction.atomic():
        held = list(others.select_for_update(no_key=True, skip_locked=True, of=("self",))[:HELD_BACK_BATCH_SIZE])
        news = [row for row in held if row.delayed_at is None]
        rows = OutgoingEmail.objects.filter(pk__in=[row.pk for row in held])
        rows.filter(delayed_at__isnull=False).update(
            not_before=email.not_before, reason=fresh["reason"], detail=fresh["detail"]
        )
        rows.filter(pk__in=[row.pk for row in news]).update(**fresh | {"not_before": email.not_before})
        EmailEvent.objects.bulk_create(
            EmailEvent(
                practice_id=row.practice_id,
                email=row,
                kind=EmailEventKind.DELAYED,
                words=fresh["reason"],
                detail=fresh["detail"],
            )
            for row in news
        )
