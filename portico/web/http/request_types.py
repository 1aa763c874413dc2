"""What a guarded page is handed: the request, and whom it speaks for."""

from django.http import HttpRequest

from portico.domain.access.models import PortalAccess, PortalAccount, PortalSession
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing.actors import Actor


class OpenRequest(HttpRequest):
    """A page at a practice's portal for whoever comes."""

    practice: Practice


class OfficeRequest(HttpRequest):
    """A page for a staff member who is signed in."""

    session: SessionStore
    practice: Practice
    staff: StaffMember
    actor: Actor


class PortalRequest(HttpRequest):
    """A page for a mailbox that is signed in and looks at one client."""

    practice: Practice
    account: PortalAccount
    portal_session: PortalSession
    # What the session opens at this moment, by name; never empty.
    accesses: list[PortalAccess]
    # Whether it is settled whom the person looks at; if not, `client` is the first.
    has_chosen: bool
    client: Client
    # What lets the person see that client; its options are asked at each request.
    access: PortalAccess
    actor: Actor
