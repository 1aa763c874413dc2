"""Mailboxes that sign in, what each may see, and the rows by which they get in."""

from portico.domain.access.models.accounts import PortalAccess, PortalAccount
from portico.domain.access.models.bursts import Burst, BurstKind
from portico.domain.access.models.invitations import Invitation
from portico.domain.access.models.links import (
    CODE_LIFETIME,
    LIVE_LINKS,
    TRIES_PER_CODE,
    AskOutcome,
    SignInAsk,
    SignInLink,
    link_lifetime,
)
from portico.domain.access.models.pins import TRIES_PER_PIN, Pin, pin_lifetime
from portico.domain.access.models.saved_forms import PortalKeptPost
from portico.domain.access.models.sessions import SESSIONS_PER_ACCOUNT, KnownBrowser, PortalSession, Way

__all__ = [
    "CODE_LIFETIME",
    "LIVE_LINKS",
    "SESSIONS_PER_ACCOUNT",
    "TRIES_PER_CODE",
    "TRIES_PER_PIN",
    "AskOutcome",
    "Burst",
    "BurstKind",
    "Invitation",
    "KnownBrowser",
    "Pin",
    "PortalAccess",
    "PortalAccount",
    "PortalKeptPost",
    "PortalSession",
    "SignInAsk",
    "SignInLink",
    "Way",
    "link_lifetime",
    "pin_lifetime",
]
