"""Models of portal access: accounts, access grants, invitations and their runs, links, PINs and sessions."""

from portico.domain.access.models.accounts import PortalAccess, PortalAccount
from portico.domain.access.models.bursts import Burst, BurstKind
from portico.domain.access.models.client_views import ClientView, ViewEnd
from portico.domain.access.models.help_requests import HelpRequest
from portico.domain.access.models.invitation_runs import (
    INVITING,
    InvitationRun,
    InvitationRunItem,
    ItemState,
    LeftOutReason,
    RunKind,
)
from portico.domain.access.models.invitations import Invitation
from portico.domain.access.models.links import (
    ATTEMPTS_PER_CODE,
    CODE_LIFETIME,
    MAX_LIVE_LINKS,
    RequestOutcome,
    SignInLink,
    SignInRequest,
    link_lifetime,
)
from portico.domain.access.models.near_misses import NearMiss
from portico.domain.access.models.pins import ATTEMPTS_PER_PIN, Pin, pin_lifetime
from portico.domain.access.models.saved_forms import PortalSavedForm
from portico.domain.access.models.sessions import (
    SESSIONS_PER_ACCOUNT,
    KnownBrowser,
    PortalSession,
    SignInMethod,
    bounds_of_life,
)

__all__ = [
    "ATTEMPTS_PER_CODE",
    "ATTEMPTS_PER_PIN",
    "CODE_LIFETIME",
    "INVITING",
    "MAX_LIVE_LINKS",
    "SESSIONS_PER_ACCOUNT",
    "Burst",
    "BurstKind",
    "ClientView",
    "HelpRequest",
    "Invitation",
    "InvitationRun",
    "InvitationRunItem",
    "ItemState",
    "KnownBrowser",
    "LeftOutReason",
    "NearMiss",
    "Pin",
    "PortalAccess",
    "PortalAccount",
    "PortalSavedForm",
    "PortalSession",
    "RequestOutcome",
    "RunKind",
    "SignInLink",
    "SignInMethod",
    "SignInRequest",
    "ViewEnd",
    "bounds_of_life",
    "link_lifetime",
    "pin_lifetime",
]
