"""Help requests: created by visitors and clients, listed and closed by staff, deleted later."""

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portico.domain.access import holders
from portico.domain.access.models import HelpRequest, PortalAccess, PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.plumbing.refusals import Refused
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from portico.plumbing.text.mailboxes import mailbox_key

FORM_PURPOSE = "help request"
# As long as the bodies of emails are kept by default.
RETENTION = timedelta(days=400)
# Requests beyond the limit of their address are mostly noise.
RETENTION_BEYOND_LIMIT = timedelta(days=30)
DELETE_BATCH_SIZE = 1_000
PAGE_SIZE = 25
# An open request is deleted with the answered ones of its age, unless it was written or announced in this time.
UNTOUCHED_FOR = timedelta(days=90)


class AlreadyDone(Refused):
    """A colleague closed the request first; their note stays."""

    message = _("%(name)s already marked this request as done.")

    def __init__(self, name: str) -> None:
        super().__init__(self.message % {"name": name})


@dataclass(frozen=True)
class HelpRequestInput:
    """The validated input of the form; `address` is empty unless the visitor stated one at the entrance."""

    name: str
    contact: str
    message: str
    language: str
    address: str = ""


def create_at_entrance(practice: Practice, entry: HelpRequestInput, *, form_key: str, ip: str) -> None:
    """Saves the request of a visitor, once for each form key and content. The same work for every address.

    The row is marked beyond the limit of an address (5 an hour, 10 a day), of a network (15 a day) or of the practice
    (60 a day): a visitor who types another contact each time stays within the first. Raises RateLimitExceeded beyond
    the limit that refuses a network (10 in 10 minutes), and ValueError for an invalid address.
    """
    key = mailbox_key(entry.address) if entry.address else ""
    network = rate_limits.network_of(ip)
    rate_limits.spend(
        Limit.on("help-of-network", network, max_attempts=10, window=timedelta(minutes=10), stays_spent=True)
    )
    is_beyond_limit = _is_beyond_limit(practice, key or entry.contact.casefold(), network)
    _save(practice, entry, form_key=form_key, by=Actor.anonymous(), mailbox_key=key, is_beyond_limit=is_beyond_limit)


def create_in_portal(
    access: PortalAccess, entry: HelpRequestInput, *, account: PortalAccount, form_key: str, by: Actor
) -> None:
    """Saves the request of the client or contact who is signed in, once for each form key and content.

    `account` is that of the session. Raises RateLimitExceeded beyond the limit of the mailbox (10 an hour).
    """
    rate_limits.spend(Limit.on("help-of-account", account.ref, max_attempts=10, window=timedelta(hours=1)))
    client = access.client
    _save(client.practice, replace(entry, address=""), form_key=form_key, by=by, client=client, access=access)


def close(help_request: HelpRequest, *, note: str, by: Actor) -> HelpRequest:
    """Marks the request as done. Raises AlreadyDone if a colleague was first.

    Repeating it changes nothing; another note under the same name is added to the first.
    """
    with transaction.atomic():
        related = HelpRequest.objects.locked().select_related("practice", "client", "access__relationship__contact")
        row = related.get(pk=help_request.pk)
        if row.done_at is not None and row.done_by != by.name:
            raise AlreadyDone(row.done_by)
        notes = row.note.splitlines()
        if row.done_at is not None and (not note or note in notes):
            return row
        row.done_at, row.done_by = row.done_at or clock.now(), by.name
        row.note = "\n".join([*notes, note])
        row.save(update_fields=["done_at", "done_by", "note"])
        _record(AuditAction.HELP_REQUEST_DONE, row, by=by)
    return row


def open_requests(practice: Practice, *, after: str) -> KeysetPage[HelpRequest]:
    """Returns a page of the open requests, newest first, those beyond a limit last, each as `with_people` loads it.

    `after` is the ref of the last row before it, which may be done since.
    """
    rows = HelpRequest.objects.filter(practice=practice)
    last = rows.filter(ref=after).values_list("is_beyond_limit", "pk").first() if after else None
    if last is None:
        found = _newest_open.rows(practice=practice.pk)
    else:
        is_beyond_limit, pk = last
        later = Q(is_beyond_limit=is_beyond_limit, pk__lt=pk) | Q(is_beyond_limit__gt=is_beyond_limit)
        found = list(_in_order(rows.filter(later))[: PAGE_SIZE + 1])
    return keyset_pagination.page_of(found, is_first=last is None, size=PAGE_SIZE)


@CompiledQuery
def _newest_open(practice: Parameter) -> QuerySet[HelpRequest]:
    return _in_order(HelpRequest.objects.filter(practice=practice))[: PAGE_SIZE + 1]


def _in_order(rows: QuerySet[HelpRequest]) -> QuerySet[HelpRequest]:
    return with_people(rows.filter(done_at=None)).order_by("is_beyond_limit", "-id")


def with_people(rows: QuerySet[HelpRequest]) -> QuerySet[HelpRequest]:
    """Loads what `matching_clients.match` reads of a request from the portal."""
    return rows.select_related("client__portal_access__address", "access__address", "access__relationship__contact")


def done_requests(practice: Practice, *, after: str) -> KeysetPage[HelpRequest]:
    """Returns a page of the requests that are done, newest first; `after` is the ref of the last row before it."""
    rows = HelpRequest.objects.filter(practice=practice, done_at__isnull=False)
    position = keyset_pagination.position_of(rows, after)
    return keyset_pagination.newest_first(with_people(rows), after=position, size=PAGE_SIZE)


def delete_old() -> int:
    """Deletes batches of requests that were done more than RETENTION ago; a scheduled task. Returns their number.

    Open ones are deleted when they are as old and UNTOUCHED_FOR, those beyond a limit after RETENTION_BEYOND_LIMIT.
    """
    now = clock.now()
    touched = Q(announced_at__gte=now - UNTOUCHED_FOR)
    forgotten = HelpRequest.objects.open().filter(~touched, asked_at__lt=now - RETENTION).order_by("asked_at")
    done = HelpRequest.objects.filter(done_at__lt=now - RETENTION).order_by("done_at")
    noise = HelpRequest.objects.filter(is_beyond_limit=True, asked_at__lt=now - RETENTION_BEYOND_LIMIT).order_by("id")
    batch = [pk for rows in (done, forgotten, noise) for pk in rows.values_list("pk", flat=True)[:DELETE_BATCH_SIZE]]
    return HelpRequest.objects.filter(pk__in=batch).delete()[0]


def _save(
    practice: Practice,
    entry: HelpRequestInput,
    *,
    form_key: str,
    by: Actor,
    **columns: Any,  # Any: a column's value.
) -> None:
    """Saves the row. Without a form key, which every page of ours sends, no other request counts as the same."""
    content = repr((form_key or tokens.new_token(), entry))
    with transaction.atomic():
        row, is_new = HelpRequest.objects.get_or_create(
            practice=practice,
            form_digest=tokens.keyed_digest(content, purpose=FORM_PURPOSE),
            defaults=asdict(entry) | columns,
        )
        if is_new:
            _record(AuditAction.HELP_REQUESTED, row, by=by)


def _record(action: AuditAction, row: HelpRequest, *, by: Actor) -> None:
    named = holders.details_of(row.access) if row.access is not None else {}
    audit_log.record(action, practice=row.practice, client=row.client, by=by, about=row.ref, **named)


def _is_beyond_limit(practice: Practice, subject: str, network: str) -> bool:
    """Counts one request for the network, the practice, and the typed address or, if none was typed, the contact."""
    try:
        rate_limits.spend(
            Limit.on("help-of-network", network, max_attempts=15, window=timedelta(days=1), stays_spent=True),
            Limit.on("help-for-practice", practice.ref, max_attempts=60, window=timedelta(days=1)),
            Limit.on("help-for-address", practice.ref, subject, max_attempts=5, window=timedelta(hours=1)),
            Limit.on("help-for-address", practice.ref, subject, max_attempts=10, window=timedelta(days=1)),
        )
    except RateLimitExceeded:
        return True
    return False
