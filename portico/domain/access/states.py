"""Where a client stands with the portal: one function, stored in every transaction that may change it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, PortalState


class Reason(models.TextChoices):
    """Why a client needs attention; empty otherwise."""

    NO_ADDRESS = "no_address", _("No email address is chosen")
    NO_EMAIL_OK = "no_email_ok", _("Email ok is not ticked")
    NOT_INVITED = "not_invited", _("Not invited yet")
    MAIL_STOPPED = "mail_stopped", _("The last email was refused")


@dataclass(frozen=True)
class Standing:
    state: PortalState
    reason: str = ""


def of(access: PortalAccess | None) -> Standing:
    """The standing that follows from the facts, first match in this order."""
    if access is None or not access.is_on:
        return Standing(PortalState.NO_ACCESS)
    if access.address is None:
        return Standing(PortalState.NEEDS_ATTENTION, Reason.NO_ADDRESS.value)
    if not access.address.email_ok:
        return Standing(PortalState.NEEDS_ATTENTION, Reason.NO_EMAIL_OK.value)
    if access.mail_stopped_at is not None:
        return Standing(PortalState.NEEDS_ATTENTION, Reason.MAIL_STOPPED.value)
    if access.first_signed_in_at is not None:
        return Standing(PortalState.SIGNED_IN)
    if access.invited_at is None and access.pin_given_at is None:
        return Standing(PortalState.NEEDS_ATTENTION, Reason.NOT_INVITED.value)
    return Standing(PortalState.INVITED)


def recompute(client: Client) -> None:
    """Stores the client's standing. Inside the caller's transaction, after the facts are written."""
    access = PortalAccess.objects.select_related("address").filter(client=client).first()
    standing = of(access)
    client.portal_state, client.portal_reason = standing.state, standing.reason
    Client.objects.filter(pk=client.pk).update(portal_state=standing.state, portal_reason=standing.reason)


@dataclass(frozen=True)
class Mismatch:
    client_ref: str
    stored: str
    computed: str


def mismatches() -> Iterator[Mismatch]:
    """Every client whose stored state is not what the facts say; none, unless there is a bug."""
    clients = Client.objects.select_related("portal_access__address").order_by("id")
    for client in clients.iterator(chunk_size=1000):
        standing = of(getattr(client, "portal_access", None))
        if (client.portal_state, client.portal_reason) != (standing.state, standing.reason):
            yield Mismatch(
                client.ref,
                f"{client.portal_state} {client.portal_reason}".strip(),
                f"{standing.state} {standing.reason}".strip(),
            )
