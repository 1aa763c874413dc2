"""Near misses: finding the client whose address was probably meant when an unknown one was typed.

The worker searches after the request was answered, and only staff see the result: a stranger who types an address that
is nearly a client's learns nothing, and no email is sent.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Length

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import NearMiss, PortalAccess, PortalAccount, SignInRequest
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.mailbox_parts import LETTERS, MailboxHead, MailboxName, MailboxTail

# Letters that are wrong, missing, added or exchanged with their neighbor: in a short name only one, since many short
# names are similar.
MAX_DISTANCE, MAX_DISTANCE_OF_SHORT = 2, 1
SHORT_NAME = 6
# Of more similar mailboxes than this none is unmistakable.
MAX_CANDIDATES = 5_000
# A client who has signed in within this time needs no help.
QUIET_AFTER_SIGN_IN = timedelta(hours=24)


@dataclass(frozen=True)
class ShownNearMiss:
    """An address that was typed, and when."""

    address: str
    at: datetime


def record(practice: Practice, requests: Iterable[SignInRequest]) -> int:
    """Saves a row for each client whose address was nearly typed. Returns their number."""
    rows = [
        NearMiss(practice=practice, client_id=access.client_id, access=access, request=request, distance=distance)
        for request in requests
        if request.is_typed
        for distance, access in nearest(practice, request.mailbox_key)
    ]
    NearMiss.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def delete_of(requests: Iterable[int]) -> None:
    """Deletes the rows of these requests, which are about to be deleted."""
    NearMiss.objects.filter(request__in=requests).delete()


def similar_accounts(practice: Practice, key: str) -> QuerySet[PortalAccount, tuple[int, str]]:
    """Returns accounts with the same name at any domain, or with the same ends of the name at the same domain.

    Some of them may be returned twice.
    """
    parts = [(MailboxName, MailboxName.of(key)), (MailboxHead, MailboxHead.of(key))]
    if key.index("@") >= LETTERS:
        parts.append((MailboxTail, MailboxTail.of(key)))
    shortest, longest = len(key) - MAX_DISTANCE, len(key) + MAX_DISTANCE
    accounts = PortalAccount.objects.filter(practice=practice).alias(length=Length("mailbox_key"))
    # A query for each part: for alternatives SQLite would read each row of the table.
    first, *others = (
        accounts.alias(part=part("mailbox_key"))
        .filter(part=wanted, length__gte=shortest, length__lte=longest)
        .values_list("pk", "mailbox_key")
        for part, wanted in parts
    )
    return first.union(*others, all=True)[:MAX_CANDIDATES]


def nearest(practice: Practice, key: str) -> list[tuple[int, PortalAccess]]:
    """Returns the accesses of the only nearest mailbox that may be mailed and need help, with its distance."""
    distances = _distances(key, dict(similar_accounts(practice, key)))
    if not distances:
        return []
    at_distance = defaultdict[int, dict[int, list[PortalAccess]]](lambda: defaultdict(list))
    # An account that signs in for no client any more was left for another address.
    related = PortalAccess.objects.select_related("client", "address", "relationship")
    accesses = related.filter(account__in=distances).order_by("id")
    for access in accesses:
        if access.account_id is not None:
            at_distance[distances[access.account_id]][access.account_id].append(access)
    if not at_distance:
        return []
    least = min(at_distance)
    if len(at_distance[least]) > 1:
        return []
    (found,) = at_distance[least].values()
    return [(least, access) for access in found if _needs_help(access)]


def _distances(key: str, mailboxes: dict[int, str]) -> dict[int, int]:
    """Returns the distance of each mailbox that is near enough, by account."""
    from rapidfuzz import process  # noqa: PLC0415 - only the worker loads it
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - as above

    near = process.extract_iter(key, mailboxes, scorer=OSA.distance, processor=None, score_cutoff=MAX_DISTANCE)
    return {account: int(distance) for mailbox, distance, account in near if distance <= _max_distance(key, mailbox)}


def _max_distance(key: str, mailbox: str) -> int:
    is_short = min(key.index("@"), mailbox.index("@")) < SHORT_NAME
    return MAX_DISTANCE_OF_SHORT if is_short else MAX_DISTANCE


def _needs_help(access: PortalAccess) -> bool:
    last = access.last_signed_in_at
    has_just_signed_in = last is not None and last > clock.now() - QUIET_AFTER_SIGN_IN
    return eligibility.is_eligible(access, Purpose.PORTAL_STATE) and not has_just_signed_in


def with_newest(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Annotates clients with what `newest_of` reads about their own access."""
    newest = NearMiss.objects.filter(access=OuterRef("portal_access")).order_by("-id")
    return clients.annotate(
        near_miss_address=Subquery(newest.values("request__address")[:1]),
        near_miss_key=Subquery(newest.values("request__mailbox_key")[:1]),
        near_miss_at=Subquery(newest.values("at")[:1]),
    )


def newest_of(client: Client, access: PortalAccess | None) -> ShownNearMiss | None:
    """Returns the newest near miss of a client loaded by `with_newest`; None once they have signed in since."""
    found = client.__dict__
    return _unless_settled(access, found["near_miss_address"], found["near_miss_key"], found["near_miss_at"])


def newest_of_contact(access: PortalAccess | None) -> ShownNearMiss | None:
    """Returns the same for the access of a contact, in one query."""
    if access is None or access.pk is None:
        return None
    newest = access.near_misses.select_related("request").order_by("-id").first()
    if newest is None:
        return None
    return _unless_settled(access, newest.request.address, newest.request.mailbox_key, newest.at)


def accesses_by_typed(practice: Practice, keys: Iterable[str]) -> defaultdict[str, list[PortalAccess]]:
    """Returns the accesses that were probably meant by these typed mailboxes, unless settled since, in one query.

    Each has its client, address and relationship.
    """
    # An empty condition would be answered without a query, and the number of queries would depend on the rows.
    rows = NearMiss.objects.filter(practice=practice, request__mailbox_key__in={*keys, ""})
    related = ("request", "access__client", "access__account", "access__address", "access__relationship__contact")
    found = defaultdict[str, list[PortalAccess]](list)
    for row in rows.select_related(*related).order_by("id"):
        key, access = row.request.mailbox_key, row.access
        if access not in found[key] and _unless_settled(access, row.request.address, key, row.at) is not None:
            found[key].append(access)
    return found


def _unless_settled(access: PortalAccess | None, address: str, key: str, at: datetime | None) -> ShownNearMiss | None:
    if at is None or access is None or not access.is_on:
        return None
    last, account = access.last_signed_in_at, access.account
    # The address on file may have been changed to the one that was typed.
    is_settled = (last is not None and last >= at) or (account is None or account.mailbox_key == key)
    return None if is_settled else ShownNearMiss(address, at)
