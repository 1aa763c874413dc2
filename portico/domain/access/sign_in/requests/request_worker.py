"""Worker for sign-in requests: queues the sign-in mails and stores the outcome of each request."""

import logging
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from django.db import InterfaceError, OperationalError, transaction

from portico.domain.access import holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount, RequestOutcome, SignInRequest, link_lifetime
from portico.domain.access.sign_in import sign_in_links, sign_in_mail
from portico.domain.access.sign_in.requests import bursts, near_misses
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock, error_locations, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import outbox
from portico.plumbing.models.outgoing_emails import MailQueue
from portico.plumbing.queue import leases
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit

logger = logging.getLogger(__name__)

KIND = "sign_in"
LEASE = timedelta(seconds=60)
MAILS_PER_HOUR = 2_000
# Most of the cost is in the number of statements, not in the number of rows.
BATCH_SIZE = 20
LONGEST_WAIT = timedelta(minutes=5)

type Outcomes = dict[SignInRequest, RequestOutcome]


def process_next() -> bool:
    """Answers the oldest requests, grouped by practice. Returns False if none is waiting."""
    requests = leases.claim_some(
        SignInRequest.objects.waiting().select_related("practice"), limit=BATCH_SIZE, lease=LEASE
    )
    unknown: dict[Practice, list[SignInRequest]] = {}
    for practice, of_practice in groupby(sorted(requests, key=attrgetter("practice_id")), key=attrgetter("practice")):
        unknown[practice] = _with(RequestOutcome.UNKNOWN, _answer(practice, list(of_practice)))
    # After every practice has its answers, which no error in the search may delay.
    for practice, unanswerable in unknown.items():
        _record_near_misses(practice, unanswerable)
    return bool(requests)


def _answer(practice: Practice, requests: list[SignInRequest]) -> Outcomes:
    """Answers the requests and returns their outcomes, without those of requests that could not be answered."""
    try:
        answered = _outcomes(practice, requests)
    except (OperationalError, InterfaceError):
        raise  # The database is unavailable, which is not an error of these requests.
    except Exception as error:  # noqa: BLE001  # An error in one request must not stop the others.
        if len(requests) > 1:
            return {request: each for one in requests for request, each in _answer(practice, [one]).items()}
        _postpone(requests[0], error)
        return {}
    for request, outcome in answered.items():
        logger.info("sign_in_request.processed", extra={"sign_in_request": request.pk, "outcome": outcome.value})
    return answered


def _record_near_misses(practice: Practice, requests: list[SignInRequest]) -> None:
    if not requests:
        return
    try:
        near_misses.record(practice, requests)
    except (OperationalError, InterfaceError):
        raise  # The database is unavailable, which is not an error of these requests.
    except Exception as error:  # noqa: BLE001  # The requests are answered; only a hint to staff is lost.
        names = {"practice": practice.pk, "error": error_locations.location_of(error)}
        logger.warning("near_miss.failed", extra=names)


def _postpone(request: SignInRequest, error: Exception) -> None:
    # The error's text may contain what a person typed, so only its type and place are logged.
    location = error_locations.location_of(error)
    logger.warning("sign_in_request.failed", extra={"sign_in_request": request.pk, "error": location})
    leases.finish(request, not_before=clock.now() + min(timedelta(seconds=2**request.attempts), LONGEST_WAIT))


def mail_limit(practice: Practice) -> Limit:
    """Returns the limit of sign-in mails that a practice sends within an hour."""
    return Limit.on("sign-in-mails", practice.ref, max_attempts=MAILS_PER_HOUR, window=timedelta(hours=1))


def _outcomes(practice: Practice, requests: list[SignInRequest]) -> Outcomes:
    """Determines and stores the outcomes.

    Looks the mailboxes up outside any transaction first, so that only mails that will be queued count against the
    hourly limit.
    """
    opened = _opened(practice, requests)
    known = _known(practice, [request for request in requests if request.mailbox_key not in opened])
    outcomes = {
        request: _outcome(request, is_opened=request.mailbox_key in opened, is_known=request.mailbox_key in known)
        for request in requests
    }
    to_mail = _with(RequestOutcome.MAILED, outcomes)
    limit = mail_limit(practice)
    allowed = rate_limits.spend_up_to(limit, len(to_mail)) if to_mail else 0
    try:
        return _save_outcomes(practice, outcomes | dict.fromkeys(to_mail[allowed:], RequestOutcome.BEYOND_CAP))
    except Exception:
        rate_limits.give_back(*[limit] * allowed)
        raise


def _outcome(request: SignInRequest, *, is_opened: bool, is_known: bool) -> RequestOutcome:
    if clock.now() - request.written_at >= link_lifetime():
        return RequestOutcome.TOO_LATE
    if request.is_beyond_limit:
        return RequestOutcome.BEYOND_LIMIT
    if is_opened:
        return RequestOutcome.NOT_ALLOWED if request.practice.is_suspended else RequestOutcome.MAILED
    return RequestOutcome.NOT_ALLOWED if is_known else RequestOutcome.UNKNOWN


def _opened(practice: Practice, requests: list[SignInRequest]) -> dict[str, list[PortalAccess]]:
    """Returns the eligible accesses by mailbox key, with clients, addresses and accounts."""
    accesses = PortalAccess.objects.filter(
        account__practice=practice, account__mailbox_key__in={request.mailbox_key for request in requests}
    ).eligible(Purpose.SIGN_IN_BY_MAIL)
    opened: dict[str, list[PortalAccess]] = {}
    related = ("client", "address", "account", "relationship__contact")
    for access in accesses.select_related(*related).order_by("client_id"):
        if access.account is not None:
            opened.setdefault(access.account.mailbox_key, []).append(access)
    return opened


def _known(practice: Practice, requests: list[SignInRequest]) -> set[str]:
    """Returns the mailbox keys of the requests that belong to a client's address."""
    keys = {request.mailbox_key for request in requests}
    known = EmailAddress.objects.open().filter(practice=practice, mailbox_key__in=keys)
    return set(known.values_list("mailbox_key", flat=True)) if keys else set()


@retry_on_deadlock
def _save_outcomes(practice: Practice, outcomes: Outcomes) -> Outcomes:
    """Queues the mails with their links and codes, and marks the requests as answered, in one transaction.

    Returns the outcomes that were saved: without those of requests that another worker has claimed since.
    """
    with transaction.atomic():
        to_mail = _with(RequestOutcome.MAILED, outcomes)
        keys = {request.mailbox_key for request in to_mail}
        if to_mail:
            list(PortalAccount.objects.locked().filter(practice=practice, mailbox_key__in=keys).order_by("pk"))
        opened = _opened(practice, to_mail) if to_mail else {}
        changed = [request for request in to_mail if request.mailbox_key not in opened]  # Since the first lookup.
        outcomes = outcomes | dict.fromkeys(changed, RequestOutcome.NOT_ALLOWED)
        saved: Outcomes = {}
        for outcome in sorted(set(outcomes.values())):
            finished = leases.finish_all(_with(outcome, outcomes), outcome=outcome, answered_at=clock.now())
            saved |= dict.fromkeys(finished, outcome)
        _queue_mails(
            practice, {request: opened[request.mailbox_key] for request in _with(RequestOutcome.MAILED, saved)}
        )
        for _request in _with(RequestOutcome.BEYOND_CAP, saved):
            bursts.record_mail_cap(practice)
    return saved


def _with(outcome: RequestOutcome, outcomes: Outcomes) -> list[SignInRequest]:
    return sorted((request for request, each in outcomes.items() if each is outcome), key=attrgetter("pk"))


def _queue_mails(practice: Practice, opened: dict[SignInRequest, list[PortalAccess]]) -> None:
    emails = outbox.queue_new([_draft(practice, request, accesses) for request, accesses in opened.items()])
    anonymous, links, entries = Actor.anonymous(), [], []
    for (request, accesses), email in zip(opened.items(), emails, strict=True):
        account, address = accesses[0].account, accesses[0].address
        if account is None or address is None:
            raise AssertionError("An access that is mailable has an account and an address.")
        links.append(sign_in_links.build(account, address, email, request=request))
        entries += [
            audit_log.entry(
                AuditAction.LINK_SENT,
                practice=practice,
                client=access.client,
                by=anonymous,
                about=email.ref,
                **holders.details_of(access),
            )
            for access in accesses
        ]
    sign_in_links.create_all(links)
    audit_log.record_all(entries)


def _draft(practice: Practice, request: SignInRequest, opened: list[PortalAccess]) -> outbox.Draft:
    first = opened[0]
    if first.account is None or first.address is None:
        raise AssertionError("An access that is mailable has an account and an address.")
    language = first.account.language or first.holder_language
    return {
        "practice": practice,
        "kind": KIND,
        "key": f"{KIND}:{request.ref}",
        "to_address": first.address.address,
        "to_name": first.holder.name if len(opened) == 1 else "",
        "subject": sign_in_mail.subject_for(practice, request.written_at, language),
        "content": {"asked_at": request.written_at.isoformat(), "language": language},
        "by": Actor.anonymous(),
        "client": first.client,
        "queue": MailQueue.ENTRANCE,
        "link_nonce": tokens.new_nonce(),
    }
