"""The plumbing's own tables."""

from portico.plumbing.models.clocks import ClockDifference
from portico.plumbing.models.form_keys import FormKey
from portico.plumbing.models.inbox import InboxEvent, InboxState
from portico.plumbing.models.limits import LimitSpent
from portico.plumbing.models.outgoing import EmailEvent, EmailEventKind, EmailState, Lane, OutgoingEmail
from portico.plumbing.models.restorations import Restoration
from portico.plumbing.models.trail import TrailEntry, TrailHead, TrailSeal

__all__ = [
    "ClockDifference",
    "EmailEvent",
    "EmailEventKind",
    "EmailState",
    "FormKey",
    "InboxEvent",
    "InboxState",
    "Lane",
    "LimitSpent",
    "OutgoingEmail",
    "Restoration",
    "TrailEntry",
    "TrailHead",
    "TrailSeal",
]
