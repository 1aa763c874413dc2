"""Records audit log entries: who did or viewed what, for which client, in the transaction of the action."""

from collections.abc import Iterable

from django.db.models import Model, QuerySet

from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database import insertion
from portico.plumbing.database.compiled import CompiledQuery, Parameter
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
    """Adds one entry, with a plain insert and no lock. The worker seals it after the commit.

    `about` is the ref of the object, or a short name for it. Secrets and addresses typed by visitors who are not
    signed in must not be passed.
    """
    new = entry(action, practice=practice, by=by, client=client, about=about, **details)
    insertion.insert(new)
    return new


def record_all(entries: Iterable[AuditEntry]) -> None:
    """Adds entries built by `entry`, in one statement."""
    AuditEntry.objects.bulk_create(entries)


def is_recorded(action: str, *, client: Model, about: str) -> bool:
    """Returns True if there is such an entry about the client."""
    return bool(_found.rows(action=str(action), client=client.pk, about=about))


@CompiledQuery
def _found(action: Parameter, client: Parameter, about: Parameter) -> QuerySet[AuditEntry, tuple[int]]:
    return AuditEntry.objects.filter(client=client, action=action, about=about).values_list("pk")[:1]


def entry(
    action: str,
    *,
    practice: Model,
    by: Actor,
    client: Model | None = None,
    about: str = "",
    **details: str | int | bool | None,
) -> AuditEntry:
    """Builds an entry without saving it."""
    return AuditEntry(
        practice_id=practice.pk,
        at=clock.now(),
        action=str(action),
        actor_kind=by.kind,
        actor_name=by.name[:200],
        staff_id=by.staff_id,
        account_id=by.account_id,
        client_id=None if client is None else client.pk,
        about=about[:200],
        details=details,
    )
