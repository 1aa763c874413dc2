"""The short reason shown beside a client's portal state."""

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.access.models import PortalAccess
from portico.domain.access.portal_states import Reason
from portico.domain.clients.models import Client, PortalState
from portico.plumbing import clock
from portico.web import formatting


def reason_of(client: Client) -> str:
    """Returns the reason; empty if the state needs none. Reads `client.portal_access`, prefetched by the caller."""
    access: PortalAccess | None = getattr(client, "portal_access", None)
    if client.portal_state == PortalState.INVITED and access is not None and access.invited_at is not None:
        return _("Invited %(ago)s. Not signed in yet") % {
            "ago": formatting.time_ago(access.invited_at, now=clock.now(), language=get_language())
        }
    if client.portal_state != PortalState.NEEDS_ATTENTION:
        return ""
    match client.portal_reason:
        case Reason.MAIL_STOPPED if access is not None and access.mail_stopped_reason:
            return access.mail_stopped_reason
        case known if known in Reason.values:
            return str(Reason(known).label)
        case _:
            return ""
