"""Portal states of clients: computing the state, and storing it in every transaction that may change it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import models
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _

from portico.domain.access import eligibility, eligibility_steps
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import CheckedFact, Step
from portico.domain.access.models import PortalAccess
from portico.domain.clients import client_details
from portico.domain.clients.models import Client, PortalState


class Reason(models.TextChoices):
    """The reason that a client needs attention."""

    NO_ADDRESS = "no_address", eligibility_steps.ADDRESS_CHOSEN.problem
    NO_EMAIL_OK = "no_email_ok", _("Email ok is not checked. No email can be sent")
    NOT_INVITED = "not_invited", _("Not invited yet")
    MAIL_STOPPED = "mail_stopped", _("We stopped emailing this address")


_REASONS = {
    CheckedFact.ADDRESS_CHOSEN: Reason.NO_ADDRESS,
    CheckedFact.ADDRESS_OPEN: Reason.NO_ADDRESS,
    CheckedFact.EMAIL_OK: Reason.NO_EMAIL_OK,
    CheckedFact.MAIL_NOT_STOPPED: Reason.MAIL_STOPPED,
}
_WITHOUT_EMAIL = (CheckedFact.ADDRESS_CHOSEN, CheckedFact.EMAIL_OK)


@dataclass(frozen=True)
class StateWithReason:
    state: PortalState
    reason: str = ""


def state_of(access: PortalAccess | None) -> StateWithReason:
    """Returns the state that follows from the access; the first matching rule wins."""
    broken = eligibility.first_broken(access, Purpose.PORTAL_STATE)
    if access is None or (broken is not None and broken.fact not in _REASONS):
        return StateWithReason(PortalState.NO_ACCESS)
    if broken is not None and not is_replaced_by_pin(access, broken):
        return StateWithReason(PortalState.NEEDS_ATTENTION, _REASONS[broken.fact].value)
    if access.first_signed_in_at is not None:
        return StateWithReason(PortalState.SIGNED_IN)
    if access.invited_at is None and access.pin_given_at is None:
        return StateWithReason(PortalState.NEEDS_ATTENTION, Reason.NOT_INVITED.value)
    return StateWithReason(PortalState.INVITED)


def is_replaced_by_pin(access: PortalAccess, broken: Step) -> bool:
    """Returns True if staff gave a PIN after there was no email: a client who wants none needs no attention."""
    if broken.fact not in _WITHOUT_EMAIL:
        return False
    withdrawn_at = access.address.email_ok_withdrawn_at if access.address is not None else None
    return access.pin_given_at is not None and (withdrawn_at is None or access.pin_given_at >= withdrawn_at)


def state_of_client(accesses: Iterable[PortalAccess]) -> StateWithReason:
    """Returns the state that follows from all accesses of a client, their own and those of contacts.

    What needs attention comes first, of several contacts the first reason in the order of `Reason`; then the client's
    own state, if their access is on; then the furthest of contacts. The order of the accesses does not matter.
    """
    states = [(access, state_of(access)) for access in accesses]
    on = [(access, each) for access, each in states if each.state is not PortalState.NO_ACCESS]
    needing = [(access, each) for access, each in on if each.state is PortalState.NEEDS_ATTENTION]
    if needing:
        return min(needing, key=lambda pair: (not pair[0].is_own, Reason.values.index(pair[1].reason)))[1]
    own = next((each for access, each in on if access.is_own), None)
    if own is not None or not on:
        return own or StateWithReason(PortalState.NO_ACCESS)
    is_signed_in = any(each.state is PortalState.SIGNED_IN for _access, each in on)
    return StateWithReason(PortalState.SIGNED_IN if is_signed_in else PortalState.INVITED)


def recompute(client: Client) -> None:
    """Computes and stores the state of a locked client. Runs in the caller's transaction, after the access is saved."""
    accesses = list(_related().filter(client=client))
    for access in accesses:
        access.client = client
    _store({client.pk: client}, {client.pk: accesses})


def store(access: PortalAccess) -> None:
    """Stores the client's state, computed from a locked access in memory and from the client's other accesses."""
    store_all([access])


def store_all(accesses: Iterable[PortalAccess], *, are_all: bool = False) -> None:
    """Stores the states of several clients as `store` does, with one statement for each state.

    Each access has its client, address and relationship loaded. `are_all`: the clients have no others.
    """
    given = list(accesses)
    clients = {access.client.pk: access.client for access in given}
    of_client = defaultdict[int, list[PortalAccess]](list)
    for access in given:
        of_client[access.client.pk].append(access)
    with_others = [] if are_all else [pk for pk, client in clients.items() if client_details.has_contacts(client)]
    if with_others:
        others = _related().filter(client__in=with_others).exclude(pk__in=[each.pk for each in given if each.pk])
        for access in others:
            access.client = clients[access.client_id]
            of_client[access.client_id].append(access)
    _store(clients, of_client)


def _related() -> QuerySet[PortalAccess]:
    return PortalAccess.objects.select_related("address", "relationship")


def _store(clients: Mapping[int, Client], accesses: Mapping[int, Collection[PortalAccess]]) -> None:
    changed = defaultdict[StateWithReason, list[int]](list)
    for pk, client in clients.items():
        computed = state_of_client(accesses[pk])
        if (client.portal_state, client.portal_reason) != (computed.state, computed.reason):
            client.portal_state, client.portal_reason = computed.state, computed.reason
            changed[computed].append(pk)
    for computed, ids in changed.items():
        Client.objects.filter(pk__in=ids).update(portal_state=computed.state, portal_reason=computed.reason)


@dataclass(frozen=True)
class StateMismatch:
    client_ref: str
    stored: str
    computed: str


def mismatches() -> Iterator[StateMismatch]:
    """Yields every client whose stored state differs from the computed one; each of them is a bug."""
    clients = Client.objects.prefetch_related(Prefetch("accesses", _related())).order_by("id")
    for client in clients.iterator(chunk_size=1000):
        computed = state_of_client(client.accesses.all())
        if (client.portal_state, client.portal_reason) != (computed.state, computed.reason):
            yield StateMismatch(
                client.ref,
                f"{client.portal_state} {client.portal_reason}".strip(),
                f"{computed.state} {computed.reason}".strip(),
            )
