"""Writes the trail: who did or saw what, for which client, in the transaction that does it."""

from collections.abc import Iterable

from django.db.models import Model

from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.models.audit import AuditEntry


def record(
    action: str,
    *,
    practice: Model,
    by: Actor,
    client: Model | None = None,
    about: str = "",
    **details: str | int | bool | None,
) -> AuditEntry:
    """Adds one entry: a plain insert, no lock. The worker seals it once it is committed.

    `about` is the ref of the thing, or a short name for it. No secret goes in, and no address
    that a stranger typed.
    """
    written = entry(action, practice=practice, by=by, client=client, about=about, **details)
    written.save(force_insert=True)
    return written


def record_all(entries: Iterable[AuditEntry]) -> None:
    """Adds entries made by `entry`, in one statement."""
    AuditEntry.objects.bulk_create(entries)


def entry(
    action: str,
    *,
    practice: Model,
    by: Actor,
    client: Model | None = None,
    about: str = "",
    **details: str | int | bool | None,
) -> AuditEntry:
    """An entry as `record` would write it, not yet written."""
    return AuditEntry(
        practice_id=practice.pk,
        at=clock.now(),
        verb=str(action),
        actor_kind=by.kind,
        actor_name=by.name[:200],
        staff_id=by.staff_id,
        account_id=by.account_id,
        client_id=None if client is None else client.pk,
        about=about[:200],
        details=details,
    )
