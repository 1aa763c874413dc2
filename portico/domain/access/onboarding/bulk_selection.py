"""The clients chosen for a run of invitations, and the preview: who is invited, and who is left out and why."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from portico.domain.access import access_grants, guardians, mail_stops
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
from portico.domain.clients.client_list import ListQuery
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
    listed: ListQuery | None = None
    run: InvitationRun | None = None

    @property
    def text(self) -> str:
        """The selection as text, equal for two submissions of one form."""
        listed = self.listed
        clinician = listed.clinician.ref if listed is not None and listed.clinician is not None else ""
        filters = None if listed is None else (listed.query, listed.state, listed.archived, clinician)
        return repr((str(self.kind), sorted(self.refs), filters, self.run.ref if self.run is not None else ""))


@dataclass(frozen=True)
class InvitationPreview:
    """The effect of a run, by name: `turned_on` are those of `invited` whose access is turned on first."""

    invited: list[Client]
    turned_on: list[Client]
    left_out: dict[LeftOutReason, list[Client]]

    @property
    def languages(self) -> dict[str, int]:
        """The number of invitations in each language, the most frequent first."""
        return dict(Counter(client.language for client in self.invited).most_common())

    @property
    def digest(self) -> str:
        """Changes when other clients would be invited, or the access of others turned on."""
        ids = [sorted(client.pk for client in each) for each in (self.invited, self.turned_on)]
        return tokens.fingerprint(repr(ids), purpose="invitation run")


def preview(practice: Practice, selection: Selection) -> InvitationPreview:
    """Returns what a run with this selection would do now. Raises NoClientChosen, EveryoneSignedIn, TooManyClients."""
    ids = ids_of(practice, selection)
    if not ids:
        raise NoClientChosen if selection.run is None else EveryoneSignedIn
    if len(ids) > MAX_CLIENTS:
        raise TooManyClients
    accesses = accesses_of(practice, ids)
    addresses = _addresses_of([access for access in accesses if not bulk_eligibility.is_set_up(access)])
    stopped = mail_stops.stops_of(address for of_client in addresses.values() for address in of_client)
    taken = access_grants.mailboxes_of_contacts([client for client, of_client in addresses.items() if of_client])
    lacking = guardians.lacking(accesses)
    is_resend = selection.kind is RunKind.RESEND
    waiting = invitations.clients_with_waiting_mail(ids) if is_resend else set[int]()
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
    return InvitationPreview(invited, turned_on, {each: left_out[each] for each in LeftOutReason if each in left_out})


def ids_of(practice: Practice, selection: Selection) -> Collection[int]:
    """Returns the ids of the practice's chosen clients, and one beyond MAX_CLIENTS if there are more."""
    if selection.listed is not None:
        return client_list.ids_of_all(practice, selection.listed, most=MAX_CLIENTS + 1)
    if selection.run is not None:
        items = InvitationRunItem.objects.filter(practice=practice, run=selection.run, state=ItemState.INVITED)
        unsigned = items.filter(client__portal_access__first_signed_in_at=None)
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


def _addresses_of(accesses: Collection[PortalAccess]) -> dict[int, list[EmailAddress]]:
    """Returns the open addresses by the id of the client."""
    addresses = defaultdict[int, list[EmailAddress]](list)
    for address in EmailAddress.objects.open().filter(client__in=[access.client.pk for access in accesses]):
        if address.client_id is not None:
            addresses[address.client_id].append(address)
    return addresses
