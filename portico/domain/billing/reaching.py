"""Whether a client sees what is shared, and can be told of it by mail; if not, why."""

from dataclasses import dataclass
from enum import StrEnum

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, EmailAddress


class Obstacle(StrEnum):
    """What stands in the way, the first that does; NONE when nothing does."""

    NONE = ""
    ARCHIVED = "archived"
    NO_ACCESS = "no_access"
    NO_ADDRESS = "no_address"
    NO_BILLING_DOCUMENTS = "no_billing_documents"
    NO_EMAIL_OK = "no_email_ok"
    # The mailbox itself refused the last mail.
    MAIL_STOPPED = "mail_stopped"


@dataclass(frozen=True)
class Reach:
    """`sees` and `mail` say why not; `address` is where a mail would go."""

    sees: Obstacle
    mail: Obstacle
    address: EmailAddress | None

    @property
    def is_seen(self) -> bool:
        return self.sees is Obstacle.NONE

    @property
    def is_mailable(self) -> bool:
        return self.mail is Obstacle.NONE


def of(client: Client) -> Reach:
    """Asked of the database as it is now."""
    access = PortalAccess.objects.select_related("address").filter(client=client).first()
    sees = _sees(client, access)
    address = access.address if access is not None else None
    mail = sees
    if sees is Obstacle.NONE and access is not None and address is not None:
        mail = _mail(access, address)
    return Reach(sees, mail, address)


def _sees(client: Client, access: PortalAccess | None) -> Obstacle:
    if client.is_archived_now:
        return Obstacle.ARCHIVED
    if access is None or not access.is_on:
        return Obstacle.NO_ACCESS
    if access.address is None or access.address.closed_at is not None:
        return Obstacle.NO_ADDRESS
    if not access.access_billing_documents:
        return Obstacle.NO_BILLING_DOCUMENTS
    return Obstacle.NONE


def _mail(access: PortalAccess, address: EmailAddress) -> Obstacle:
    if not address.email_ok:
        return Obstacle.NO_EMAIL_OK
    if access.mail_stopped_at is not None:
        return Obstacle.MAIL_STOPPED
    return Obstacle.NONE
