"""Types of the requests that guards pass to views."""

from django.http import HttpRequest

from portico.domain.access.models import ClientView, PortalAccess, PortalAccount, PortalSession
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing.actors import Actor


class OpenRequest(HttpRequest):
    """A request for a public page of a practice's portal."""

    practice: Practice


class OfficeRequest(HttpRequest):
    """A request by a staff member who is signed in."""

    session: SessionStore
    practice: Practice
    staff: StaffMember
    actor: Actor


class PortalRequest(HttpRequest):
    """A request by a mailbox that is signed in, about one of its clients; or by staff who view the portal as one."""

    practice: Practice
    # Set if staff view the page as the client: GET only, `actor` is the staff member, and nothing may be changed.
    client_view: ClientView | None
    account: PortalAccount
    # Not set in a view: staff have no session of the client.
    portal_session: PortalSession
    # The accesses that the session has now, by client name; never empty.
    accesses: list[PortalAccess]
    # False if the mailbox has several clients and none was chosen; `client` is the first one then.
    has_chosen: bool
    client: Client
    # The access to `client`, read afresh for each request.
    access: PortalAccess
    actor: Actor
