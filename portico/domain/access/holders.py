"""Holders of accesses: whose access an audit entry or a mail is about, and who acts in a session."""

from portico.domain.access.models import PortalAccess
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.models import AuditEntry, OutgoingEmail


def details_of(access: PortalAccess) -> dict[str, str]:
    """Returns the details with which an entry names the contact whose access it is about; none for the client's own."""
    if access.relationship is None:
        return {}
    return {"access": access.relationship.ref, "holder": access.holder_name()}


def is_about(entry: AuditEntry, access: PortalAccess | None) -> bool:
    """Returns True if the entry is about this access: the client's own, or that of one contact."""
    relationship = access.relationship if access is not None else None
    return bool(entry.details.get("access", "") == (relationship.ref if relationship is not None else ""))


def actor_for(access: PortalAccess) -> Actor:
    """Returns the person who signs in as an actor, never named by an address."""
    return Actor(ActorKind.CLIENT, access.holder_name(), account_id=access.account_id)


def content_of(access: PortalAccess) -> dict[str, str]:
    """Returns the content with which a mail names the contact whose access it is about; none for the client's own."""
    return {} if access.relationship is None else {"relationship": access.relationship.ref}


def access_of_email(email: OutgoingEmail) -> PortalAccess | None:
    """Returns the access that a mail with `content_of` is about, loaded with all that eligibility reads."""
    rows = PortalAccess.objects.select_related("client", "account", "address", "relationship__contact")
    relationship = email.content.get("relationship", "")
    if relationship:
        return rows.filter(practice=email.practice_id, relationship__ref=relationship).first()
    return rows.filter(own_client=email.client_id).first()
