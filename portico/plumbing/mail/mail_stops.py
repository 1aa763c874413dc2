"""Mail stops: suppressing a mailbox at a practice, and lifting that again.

The rows that depend on a mailbox belong to the domain, which registers a `MailboxOwner`. They are locked before the
stop, in every transaction that changes one.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.mail.audit_actions import MailAction
from portico.plumbing.models import MailStop, OutgoingEmail, StopKind
from portico.plumbing.models.delivery_reports import WORDS_LENGTH
from portico.plumbing.text import mailboxes


class MailboxOwner(Protocol):
    """The domain's rows that depend on a mailbox of a practice."""

    def lock(self, practice_id: int, mailbox_key: str) -> None:
        """Locks the rows until the transaction ends."""

    def stop_changed(self, practice_id: int, mailbox_key: str, stop: MailStop | None) -> None:
        """Applies the mailbox's live stop, None if it has none any more, to the locked rows."""


_owners: list[MailboxOwner] = []


def register(owner: MailboxOwner) -> None:
    _owners.append(owner)


def lock(practice_id: int, mailbox_key: str) -> None:
    """Locks the domain's rows of the mailbox. Needed before its stop is changed, or other rows of it are locked."""
    for owner in _owners:
        owner.lock(practice_id, mailbox_key)


def live_stop(practice_id: int, mailbox_key: str) -> MailStop | None:
    """Returns the stop of the mailbox; None if mail may be sent to it."""
    return _live.first(practice=practice_id, mailbox=mailbox_key)


@CompiledQuery
def _live(practice: Parameter, mailbox: Parameter) -> QuerySet[MailStop]:
    return MailStop.objects.live().filter(practice=practice, mailbox_key=mailbox)


def live_stops(emails: Iterable[OutgoingEmail]) -> dict[OutgoingEmail, MailStop]:
    """Returns the stops of the mails' mailboxes, in one query."""
    keys = {email: (email.practice_id, key_of(email)) for email in emails}
    if not keys:
        return {}
    practices, mailbox_keys = {practice for practice, _key in keys.values()}, {key for _practice, key in keys.values()}
    live = MailStop.objects.live().filter(practice__in=practices, mailbox_key__in=mailbox_keys)
    stops = {(stop.practice_id, stop.mailbox_key): stop for stop in live}
    return {email: stops[key] for email, key in keys.items() if key in stops}


def key_of(email: OutgoingEmail) -> str:
    """Returns the key of the mail's mailbox; empty if its address is malformed, as an imported one may be."""
    try:
        return mailboxes.mailbox_key(email.to_address)
    except ValueError:
        return ""


def stop(email: OutgoingEmail, kind: StopKind, words: str) -> bool:
    """Stops the mailbox of a mail, in the caller's transaction, which has locked the mail and called `lock`.

    A complaint replaces a refusal. Returns False, changing nothing, if the mailbox is stopped as seriously already, or
    the address is malformed.
    """
    practice_id, mailbox_key = email.practice_id, key_of(email)
    if not mailbox_key:
        return False
    columns = {"kind": kind, "email": email, "words": words[:WORDS_LENGTH], "stopped_at": clock.now()}
    found, is_new = _locked_live(practice_id, mailbox_key), False
    if found is None:
        found, is_new = _create_or_get(practice_id, mailbox_key, columns)
    if not is_new:
        if found.kind == StopKind.COMPLAINED or kind == StopKind.REFUSED:
            return False
        for name, value in columns.items():
            setattr(found, name, value)
        found.save(update_fields=list(columns))
    audit_log.record(
        MailAction.MAILBOX_STOPPED,
        practice=email.practice,
        client=email.client,
        about=found.ref,
        by=Actor.system(),
        kind=kind.value,
        reason=words[:WORDS_LENGTH],
    )
    _announce(practice_id, mailbox_key, found)
    return True


def _create_or_get(practice_id: int, mailbox_key: str, columns: dict[str, Any]) -> tuple[MailStop, bool]:
    """Creates the stop, and returns it with True; with False the one that another worker has just created.

    Without rows of the domain there was nothing to lock, so that another worker could.
    """
    try:
        with transaction.atomic():
            return MailStop.objects.create(practice_id=practice_id, mailbox_key=mailbox_key, **columns), True
    except IntegrityError:
        return MailStop.objects.live().locked().get(practice=practice_id, mailbox_key=mailbox_key), False


def was_lifted_since(email: OutgoingEmail) -> bool:
    """Returns True if the mailbox is not stopped, since its stop was lifted after the mail had been handed over.

    What a report says about the mail is out of date then. The caller has called `lock`.
    """
    practice_id, mailbox_key = email.practice_id, key_of(email)
    if email.handed_over_at is None:
        return False
    lifted = _lifted_since.first(practice=practice_id, mailbox=mailbox_key, at=email.handed_over_at)
    return lifted is not None and live_stop(practice_id, mailbox_key) is None


@CompiledQuery
def _lifted_since(practice: Parameter, mailbox: Parameter, at: Parameter) -> QuerySet[MailStop, tuple[int]]:
    return MailStop.objects.filter(practice=practice, mailbox_key=mailbox, lifted_at__gte=at).values_list("pk")[:1]


def accepted(email: OutgoingEmail) -> None:
    """Lifts a `refused` stop after a mail that is later than the stop's was accepted. In the caller's transaction."""
    found = live_stop(email.practice_id, key_of(email))
    if found is not None and found.kind == StopKind.REFUSED and email.pk > found.email_id:
        system = Actor.system()
        if lifted := lift(email.practice_id, found.mailbox_key, by=system):
            audit_log.record(
                MailAction.STOP_LIFTED,
                practice=email.practice,
                client=email.client,
                about=lifted.ref,
                by=system,
                kind=lifted.kind,
            )


def lift(practice_id: int, mailbox_key: str, *, by: Actor, is_complaint_settled: bool = False) -> MailStop | None:
    """Lifts the mailbox's live stop, in the caller's transaction, and returns it; None if there is none to lift.

    A complaint is lifted only if `is_complaint_settled`. The caller records the audit entry.
    """
    lock(practice_id, mailbox_key)
    found = _locked_live(practice_id, mailbox_key)
    if found is None or (found.kind == StopKind.COMPLAINED and not is_complaint_settled):
        return None
    found.lifted_at, found.lifted_by = clock.now(), by.name[:100]
    found.save(update_fields=["lifted_at", "lifted_by"])
    _announce(practice_id, mailbox_key, None)
    return found


def _locked_live(practice_id: int, mailbox_key: str) -> MailStop | None:
    return _locked.first(practice=practice_id, mailbox=mailbox_key)


@CompiledQuery
def _locked(practice: Parameter, mailbox: Parameter) -> QuerySet[MailStop]:
    return MailStop.objects.live().locked().filter(practice=practice, mailbox_key=mailbox)


def _announce(practice_id: int, mailbox_key: str, stop: MailStop | None) -> None:
    for owner in _owners:
        owner.stop_changed(practice_id, mailbox_key, stop)
