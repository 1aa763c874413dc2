"""What the worker makes of an ask: a sign-in mail when somebody may come in there, else nothing but the outcome."""

import logging
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from django.db import InterfaceError, OperationalError, transaction

from portico.domain.access import mail_context
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount, RequestOutcome, SignInRequest, link_lifetime
from portico.domain.access.sign_in import bursts, sign_in_links
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
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
# Answered together: most of the cost is in the number of statements, not of rows.
BATCH_SIZE = 20
LONGEST_WAIT = timedelta(minutes=5)

type Outcomes = dict[SignInRequest, RequestOutcome]


def process_next() -> bool:
    """Answers the oldest asks, those of a practice together. False when none waits."""
    asks = leases.claim_some(SignInRequest.objects.waiting().select_related("practice"), most=BATCH_SIZE, lease=LEASE)
    for practice, of_practice in groupby(sorted(asks, key=attrgetter("practice_id")), key=attrgetter("practice")):
        _answer(practice, list(of_practice))
    return bool(asks)


def _answer(practice: Practice, asks: list[SignInRequest]) -> None:
    try:
        answered = _outcomes(practice, asks)
    except (OperationalError, InterfaceError):
        raise  # The database is away: that is nothing about these asks.
    except Exception as mistake:  # noqa: BLE001  # Whatever is wrong with one ask must not stop the others.
        if len(asks) > 1:
            for ask in asks:
                _answer(practice, [ask])
            return
        _put_off(asks[0], mistake)
        return
    for ask, outcome in answered.items():
        logger.info("ask.answered", extra={"ask": ask.pk, "outcome": outcome.value})


def _put_off(ask: SignInRequest, mistake: Exception) -> None:
    # Its text may hold what somebody typed: only the kind of error is told.
    logger.warning("ask.not_answered", extra={"ask": ask.pk, "mistake": type(mistake).__name__})
    leases.finish(ask, not_before=clock.now() + min(timedelta(seconds=2**ask.tries), LONGEST_WAIT))


def mails_of(practice: Practice) -> Limit:
    """How many sign-in mails leave for a practice's clients in an hour, whoever asks for them."""
    return Limit.on("sign-in-mails", practice.ref, most=MAILS_PER_HOUR, window=timedelta(hours=1))


def _outcomes(practice: Practice, asks: list[SignInRequest]) -> Outcomes:
    """Asked outside any transaction first, so that only mails that will be written count against the hour."""
    opened = _opened(practice, asks)
    known = _known(practice, [ask for ask in asks if ask.mailbox_key not in opened])
    outcomes = {
        ask: _outcome(ask, is_opened=ask.mailbox_key in opened, is_known=ask.mailbox_key in known) for ask in asks
    }
    wanted = _with(RequestOutcome.MAILED, outcomes)
    limit = mails_of(practice)
    allowed = rate_limits.spend_up_to(limit, len(wanted)) if wanted else 0
    try:
        return _write_down(practice, outcomes | dict.fromkeys(wanted[allowed:], RequestOutcome.BEYOND_CAP))
    except Exception:
        rate_limits.give_back(*[limit] * allowed)
        raise


def _outcome(ask: SignInRequest, *, is_opened: bool, is_known: bool) -> RequestOutcome:
    if clock.now() - ask.written_at >= link_lifetime():
        return RequestOutcome.TOO_LATE
    if ask.is_beyond_limit:
        return RequestOutcome.BEYOND_LIMIT
    if is_opened:
        return RequestOutcome.NOT_ALLOWED if ask.practice.is_suspended else RequestOutcome.MAILED
    return RequestOutcome.NOT_ALLOWED if is_known else RequestOutcome.UNKNOWN


def _opened(practice: Practice, asks: list[SignInRequest]) -> dict[str, list[PortalAccess]]:
    """What each mailbox that opens something opens at this moment, with clients, addresses and accounts."""
    accesses = PortalAccess.objects.filter(
        account__practice=practice, account__mailbox_key__in={ask.mailbox_key for ask in asks}
    ).eligible(Purpose.SIGN_IN_BY_MAIL)
    opened: dict[str, list[PortalAccess]] = {}
    for access in accesses.select_related("client", "address", "account").order_by("client_id"):
        if access.account is not None:
            opened.setdefault(access.account.mailbox_key, []).append(access)
    return opened


def _known(practice: Practice, asks: list[SignInRequest]) -> set[str]:
    """Those of the mailboxes that some client has given."""
    keys = {ask.mailbox_key for ask in asks}
    known = EmailAddress.objects.open().filter(practice=practice, mailbox_key__in=keys)
    return set(known.values_list("mailbox_key", flat=True)) if keys else set()


@retry_on_deadlock
def _write_down(practice: Practice, outcomes: Outcomes) -> Outcomes:
    """Writes the mails with their links and codes, and that the asks are answered, all or nothing.

    Gives the outcomes that were written: not those of asks that somebody else has taken over meanwhile.
    """
    with transaction.atomic():
        to_mail = _with(RequestOutcome.MAILED, outcomes)
        keys = {ask.mailbox_key for ask in to_mail}
        if to_mail:
            list(PortalAccount.objects.locked().filter(practice=practice, mailbox_key__in=keys).order_by("pk"))
        opened = _opened(practice, to_mail) if to_mail else {}
        changed = [ask for ask in to_mail if ask.mailbox_key not in opened]  # Within the last moments.
        outcomes = outcomes | dict.fromkeys(changed, RequestOutcome.NOT_ALLOWED)
        written: Outcomes = {}
        for outcome in sorted(set(outcomes.values())):
            closed = leases.finish_all(_with(outcome, outcomes), outcome=outcome, answered_at=clock.now())
            written |= dict.fromkeys(closed, outcome)
        _write_mails(practice, {ask: opened[ask.mailbox_key] for ask in _with(RequestOutcome.MAILED, written)})
        for _ask in _with(RequestOutcome.BEYOND_CAP, written):
            bursts.record_mail_cap(practice)
    return written


def _with(outcome: RequestOutcome, outcomes: Outcomes) -> list[SignInRequest]:
    return sorted((ask for ask, its in outcomes.items() if its is outcome), key=attrgetter("pk"))


def _write_mails(practice: Practice, opened: dict[SignInRequest, list[PortalAccess]]) -> None:
    written = outbox.queue_new([_draft(practice, ask, accesses) for ask, accesses in opened.items()])
    nobody, drawn, entries = Actor.anonymous(), [], []
    for (ask, accesses), email in zip(opened.items(), written, strict=True):
        account, address = accesses[0].account, accesses[0].address
        if account is None or address is None:
            raise AssertionError("An access that is mailable has an account and an address.")
        drawn.append(sign_in_links.build(account, address, email, ask=ask))
        for access in accesses:
            client = access.client
            entries.append(
                audit_log.entry(AuditAction.LINK_SENT, practice=practice, client=client, by=nobody, about=email.ref)
            )
    sign_in_links.create_all(drawn)
    audit_log.record_all(entries)


def _draft(practice: Practice, ask: SignInRequest, opened: list[PortalAccess]) -> outbox.Draft:
    first = opened[0]
    if first.account is None or first.address is None:
        raise AssertionError("An access that is mailable has an account and an address.")
    language = first.account.language or first.client.language
    return {
        "practice": practice,
        "kind": KIND,
        "key": f"{KIND}:{ask.ref}",
        "to_address": first.address.address,
        "to_name": first.client.name if len(opened) == 1 else "",
        "subject": mail_context.sign_in_subject(practice, ask.written_at, language),
        "content": {"asked_at": ask.written_at.isoformat(), "language": language},
        "by": Actor.anonymous(),
        "client": first.client,
        "lane": MailQueue.ENTRANCE,
        "link_nonce": tokens.new_nonce(),
    }
