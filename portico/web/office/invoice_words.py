"""How an invoice stands, in words and tones; and why a client does not see it or cannot be told."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from portico.domain.billing.models import Invoice, InvoiceStatus
from portico.domain.billing.reaching import Obstacle, Reach
from portico.domain.clients.models import Client
from portico.plumbing import clock

TONES = {
    InvoiceStatus.DRAFT: ("quiet", "pencil"),
    InvoiceStatus.UNPAID: ("wait", "hourglass"),
    InvoiceStatus.PAST_DUE: ("bad", "clock-alert"),
    InvoiceStatus.PROCESSING: ("accent", "loader-circle"),
    InvoiceStatus.PAID: ("good", "check"),
    InvoiceStatus.VOID: ("quiet", "ban"),
}
# What stands in the way, in one sentence, and which of the client's pages mends it.
_OBSTACLES = {
    Obstacle.ARCHIVED: (gettext_lazy("%(name)s is archived."), "office:client"),
    Obstacle.NO_ACCESS: (gettext_lazy("Client Portal Access is off for %(name)s."), "office:client_portal"),
    Obstacle.NO_ADDRESS: (gettext_lazy("No address is chosen for %(name)s’s portal."), "office:client_portal"),
    Obstacle.NO_BILLING_DOCUMENTS: (
        gettext_lazy("Access billing documents is not ticked for %(name)s."),
        "office:client_portal",
    ),
    Obstacle.NO_EMAIL_OK: (gettext_lazy("%(address)s has no Email ok."), "office:client_info"),
    Obstacle.MAIL_STOPPED: (gettext_lazy("The last email to %(address)s was refused."), "office:client_info"),
}


@dataclass(frozen=True)
class Standing:
    """An invoice's status with the look it has everywhere."""

    status: InvoiceStatus
    tone: str
    icon: str

    @property
    def label(self) -> str:
        return str(self.status.label)


def standing(invoice: Invoice) -> Standing:
    """As of today in the practice's zone."""
    status = invoice.status_on(clock.today(invoice.practice.time_zone))
    return Standing(status, *TONES[status])


@dataclass(frozen=True)
class Telling:
    """Why something does not reach the client; the page that mends it."""

    words: str
    page: str


def why_not_seen(client: Client, reach: Reach) -> Telling | None:
    return _telling(client, reach, reach.sees)


def why_not_told(client: Client, reach: Reach) -> Telling | None:
    """None when a mail goes out."""
    return _telling(client, reach, reach.mail)


def _telling(client: Client, reach: Reach, obstacle: Obstacle) -> Telling | None:
    if obstacle is Obstacle.NONE:
        return None
    words, page = _OBSTACLES[obstacle]
    address = reach.address.address if reach.address else ""
    return Telling(str(words) % {"name": client.called, "address": address}, page)
