"""What the worker makes of an ask: a sign-in mail when somebody may come in there, else nothing but the outcome."""

import logging
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction

from portico.domain.access import bursts, links, mail_words
from portico.domain.access.models import AskOutcome, PortalAccess, PortalAccount, SignInAsk, link_lifetime
from portico.domain.clients.models import EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock, emails, limits, queue, tokens, trail
from portico.plumbing.actors import Actor
from portico.plumbing.deadlocks import once_more
from portico.plumbing.limits import Limit, TooMany
from portico.plumbing.models.outgoing import Lane
from portico.plumbing.verbs import Verb

logger = logging.getLogger(__name__)

KIND = "sign_in"
LEASE = timedelta(seconds=60)
MAILS_AN_HOUR = 2_000
LONGEST_WAIT = timedelta(minutes=5)


def answer_next() -> bool:
    """Answers the oldest ask. False when none waits."""
    ask = queue.claim(SignInAsk.objects.waiting().select_related("practice"), lease=LEASE)
    if ask is None:
        return False
    try:
        outcome = _answer(ask)
    except (OperationalError, InterfaceError):
        raise  # The database is away: that is nothing about this ask.
    except Exception as mistake:  # noqa: BLE001  # Whatever is wrong with one ask must not stop the others.
        # Its text may hold what somebody typed: only the kind of error is told.
        logger.warning("ask.not_answered", extra={"ask": ask.pk, "mistake": type(mistake).__name__})
        queue.finish(ask, not_before=clock.now() + min(timedelta(seconds=2**ask.tries), LONGEST_WAIT))
        return True
    logger.info("ask.answered", extra={"ask": ask.pk, "outcome": outcome.value})
    return True


def mails_of(practice: Practice) -> Limit:
    """How many sign-in mails leave for a practice's clients in an hour, whoever asks for them."""
    return Limit.on("sign-in-mails", practice.ref, most=MAILS_AN_HOUR, window=timedelta(hours=1))


def _answer(ask: SignInAsk) -> AskOutcome:
    """Asked outside any transaction first, so that only a mail that will be written counts against the hour."""
    against = _against(ask)
    if against is not None:
        return _close(ask, against)
    try:
        limits.spend(mails_of(ask.practice))
    except TooMany:
        bursts.note_cap(ask.practice)
        return _close(ask, AskOutcome.BEYOND_CAP)
    return _mail(ask)


def _against(ask: SignInAsk) -> AskOutcome | None:
    """Why nothing is mailed; None when somebody may come in."""
    if clock.now() - ask.written_at >= link_lifetime():
        return AskOutcome.TOO_LATE
    if ask.is_beyond_limit:
        return AskOutcome.BEYOND_LIMIT
    if _opened(ask):
        return None if not ask.practice.is_suspended else AskOutcome.NOT_ALLOWED
    is_known = EmailAddress.objects.open().filter(practice=ask.practice, mailbox_key=ask.mailbox_key).exists()
    return AskOutcome.NOT_ALLOWED if is_known else AskOutcome.UNKNOWN


def _opened(ask: SignInAsk) -> list[PortalAccess]:
    """What the mailbox opens at this moment; each with its client and address."""
    accesses = PortalAccess.objects.filter(
        account__practice_id=ask.practice_id, account__mailbox_key=ask.mailbox_key
    ).mailable()
    return list(accesses.select_related("client", "address").order_by("client_id"))


@once_more
def _mail(ask: SignInAsk) -> AskOutcome:
    """Writes the mail with its link and code, and that the ask is answered, all or nothing."""
    with transaction.atomic():
        account = PortalAccount.objects.locked().get(practice_id=ask.practice_id, mailbox_key=ask.mailbox_key)
        opened = _opened(ask)
        if not opened:  # Changed within the last moments.
            return _close(ask, AskOutcome.NOT_ALLOWED)
        if _close(ask, AskOutcome.MAILED) is AskOutcome.WAITING:
            return AskOutcome.WAITING
        _write(ask, account, opened)
    return AskOutcome.MAILED


def _write(ask: SignInAsk, account: PortalAccount, opened: list[PortalAccess]) -> None:
    first, practice = opened[0], ask.practice
    if first.address is None:
        raise AssertionError("An access that is mailable has an address.")
    language = account.language or first.client.language
    email = emails.queue(
        practice=practice,
        kind=KIND,
        key=f"{KIND}:{ask.ref}",
        to_address=first.address.address,
        to_name=first.client.name if len(opened) == 1 else "",
        subject=mail_words.sign_in_subject(practice, ask.written_at, language),
        content={"asked_at": ask.written_at.isoformat(), "language": language},
        by=Actor.nobody(),
        client=first.client,
        lane=Lane.ENTRANCE,
        link_nonce=tokens.new_nonce(),
    )
    links.write(account, first.address, email, ask=ask)
    for access in opened:
        trail.record(Verb.LINK_SENT, practice=practice, client=access.client, by=Actor.nobody(), about=email.ref)


def _close(ask: SignInAsk, outcome: AskOutcome) -> AskOutcome:
    """Writes the outcome; WAITING when somebody else has taken the ask over meanwhile and has the word."""
    closed = queue.finish(ask, outcome=outcome, answered_at=clock.now())
    return outcome if closed else AskOutcome.WAITING
