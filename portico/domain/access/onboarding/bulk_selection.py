"""The clients chosen for a run of invitations, and the preview: who is invited, and who is left out and why."""

from collections import Counter, defaultdict
from collections.abc import Collection, Container
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from portico.domain.access import access_lookups, guardians, mail_stops
from portico.domain.access.models import (
    InvitationRun,
    InvitationRunItem,
    ItemState,
    LeftOutReason,
    PortalAccess,
    RunKind,
)
from portico.domain.access.onboarding import bulk_eligibility, invitations
from portico.domain.clients import client_list
from portico.domain.clients.client_list import ClientQuery
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.refusals import Refused

MAX_CLIENTS = 5_000


class SelectionRefused(Refused):
    """The selection itself cannot be used, whatever the clients' access."""


class NoClientChosen(SelectionRefused):
    message = _("Check at least one client.")


class EveryoneSignedIn(SelectionRefused):
    message = _("Everyone in this run has signed in.")


class TooManyClients(SelectionRefused):
    def __init__(self) -> None:
        text = _("At most %(number)s clients can be chosen at a time. Filter the list first.")
        super().__init__(text % {"number": f"{MAX_CLIENTS:,}"})


@dataclass(frozen=True)
class Selection:
    """The clients chosen for a run: those with the refs, all that a list shows, or those of a run not signed in."""

    kind: RunKind
    refs: tuple[str, ...] = ()
    listed: ClientQuery | None = None
    run: InvitationRun | None = None
    # Also the contacts of the clients, if their access is on; those of a run are included without it.
    with_contacts: bool = False

    @property
    def text(self) -> str:
        """The selection as text, equal for two submissions of one form."""
        listed = self.listed
        clinician = listed.clinician.ref if listed is not None and listed.clinician is not None else ""
        filters = None if listed is None else (listed.query, listed.state, listed.archived, clinician)
        run = self.run.ref if self.run is not None else ""
        return repr((str(self.kind), sorted(self.refs), filters, run, *(["contacts"] if self.with_contacts else [])))


@dataclass(frozen=True)
class InvitationPreview:
    """The effect of a run, by name: `turned_on` are those of `invited` whose access is turned on first.

    `contacts` are the accesses of contacts who are invited too, `offered` those who could be; `contacts_left_out` are
    those who would be if their mailbox could be mailed.
    """

    invited: list[Client]
    turned_on: list[Client]
    left_out: dict[LeftOutReason, list[Client]]
    contacts: list[PortalAccess]
    offered: list[PortalAccess]
    contacts_left_out: dict[LeftOutReason, list[PortalAccess]]

    @property
    def number(self) -> int:
        """The number of invitations."""
        return len(self.invited) + len(self.contacts)

    @property
    def languages(self) -> dict[str, int]:
        """The number of invitations in each language, the most frequent first."""
        languages = [client.language for client in self.invited] + [each.holder_language for each in self.contacts]
        return dict(Counter(languages).most_common())

    @property
    def digest(self) -> str:
        """Changes when other clients would be invited, or the access of others turned on."""
        ids = [sorted(client.pk for client in each) for each in (self.invited, self.turned_on)]
        ids += [sorted(access.pk for access in self.contacts)] if self.contacts else []
        return tokens.fingerprint(repr(ids), purpose="invitation run")


def preview(practice: Practice, selection: Selection) -> InvitationPreview:
    """Returns what a run with this selection would do now. Raises NoClientChosen, EveryoneSignedIn, TooManyClients."""
    ids = ids_of(practice, selection)
    contacts = _contacts_of(practice, selection, ids)
    if not ids and not contacts:
        raise NoClientChosen if selection.run is None else EveryoneSignedIn
    if len(ids) > MAX_CLIENTS:
        raise TooManyClients
    accesses = accesses_of(practice, ids)
    addresses = _addresses_of([access for access in accesses if not bulk_eligibility.is_set_up(access)])
    stopped = mail_stops.stops_of(address for of_client in addresses.values() for address in of_client)
    taken = access_lookups.mailboxes_of_contacts([client for client, of_client in addresses.items() if of_client])
    lacking = guardians.lacking(accesses)
    is_resend = selection.kind is RunKind.RESEND
    waiting = invitations.with_waiting_mail([*accesses, *contacts]) if is_resend else set[int]()
    invited, turned_on = list[Client](), list[Client]()
    left_out = defaultdict[LeftOutReason, list[Client]](list)
    for access in accesses:
        decision = bulk_eligibility.decide(
            access,
            addresses[access.client.pk],
            selection.kind,
            stopped=stopped,
            taken=taken,
            waiting=waiting,
            lacks_guardian=access.client.pk in lacking,
        )
        if decision.left_out is not None:
            left_out[decision.left_out].append(access.client)
            continue
        invited.append(access.client)
        if decision.turned_on is not None:
            turned_on.append(access.client)
    reachable, unreachable = _decide_contacts(contacts, selection.kind, waiting)
    is_wanted = selection.with_contacts or selection.run is not None
    return InvitationPreview(
        invited,
        turned_on,
        {each: left_out[each] for each in LeftOutReason if each in left_out},
        contacts=reachable if is_wanted else [],
        offered=[] if is_wanted else reachable,
        contacts_left_out=unreachable if is_wanted else {},
    )


def _decide_contacts(
    contacts: Collection[PortalAccess], kind: RunKind, waiting: Container[int]
) -> tuple[list[PortalAccess], dict[LeftOutReason, list[PortalAccess]]]:
    """Returns the contacts who can be invited, and by reason those whom no mail reaches.

    Those with whom there is nothing to do, such as who was invited already, are in neither.
    """
    reachable, unreachable = list[PortalAccess](), defaultdict[LeftOutReason, list[PortalAccess]](list)
    for access in contacts:
        decision = bulk_eligibility.decide(access, (), kind, stopped=(), waiting=waiting)
        if decision.left_out is None:
            reachable.append(access)
        elif decision.left_out in _UNREACHABLE:
            unreachable[decision.left_out].append(access)
    return reachable, dict(unreachable)


_UNREACHABLE = (LeftOutReason.NO_ADDRESS, LeftOutReason.NO_EMAIL_OK, LeftOutReason.MAIL_STOPPED)


def ids_of(practice: Practice, selection: Selection) -> Collection[int]:
    """Returns the ids of the practice's chosen clients, and one beyond MAX_CLIENTS if there are more."""
    if selection.listed is not None:
        return client_list.ids_of_all(practice, selection.listed, most=MAX_CLIENTS + 1)
    if selection.run is not None:
        items = InvitationRunItem.objects.filter(practice=practice, run=selection.run, state=ItemState.INVITED)
        unsigned = items.filter(relationship=None, client__portal_access__first_signed_in_at=None)
        return set(unsigned.values_list("client_id", flat=True))
    if not selection.refs:
        return ()
    refs = list(selection.refs[: MAX_CLIENTS + 1])
    return set(Client.objects.filter(practice=practice, ref__in=refs).values_list("pk", flat=True))


def accesses_of(practice: Practice, ids: Collection[int]) -> list[PortalAccess]:
    """Returns the accesses with their clients, by name; unsaved ones for clients without."""
    clients = Client.objects.filter(practice=practice, pk__in=list(ids)).select_related("portal_access__address")
    accesses = []
    for client in clients.order_by("sort_key", "id"):
        client.practice = practice
        access = getattr(client, "portal_access", None) or PortalAccess.of(client, practice=practice)
        access.client = client
        accesses.append(access)
    return accesses


def _contacts_of(practice: Practice, selection: Selection, ids: Collection[int]) -> list[PortalAccess]:
    """Returns the accesses of contacts of these clients that are on, by the client's name; of a run, those in it."""
    rows = PortalAccess.objects.filter(practice=practice, enabled_at__isnull=False, relationship__ended_at=None)
    if selection.run is None:
        found = rows.filter(own_client=None, client__in=list(ids))
    else:
        items = InvitationRunItem.objects.filter(practice=practice, run=selection.run, state=ItemState.INVITED)
        found = rows.filter(relationship__in=items.values("relationship"), first_signed_in_at=None)
    contacts = list(
        found.select_related("client", "address", "relationship__contact").order_by("client__sort_key", "pk")
    )
    for access in contacts:
        access.client.practice = practice
    return contacts


def _addresses_of(accesses: Collection[PortalAccess]) -> dict[int, list[EmailAddress]]:
    """Returns the open addresses by the id of the client."""
    addresses = defaultdict[int, list[EmailAddress]](list)
    for address in EmailAddress.objects.open().filter(client__in=[access.client.pk for access in accesses]):
        if address.client_id is not None:
            addresses[address.client_id].append(address)
    return addresses
