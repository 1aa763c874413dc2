"""The plumbing's own tables."""

from portico.plumbing.models.audit import TrailEntry, TrailHead, TrailSeal
from portico.plumbing.models.clock_skew import ClockDifference
from portico.plumbing.models.form_keys import FormKey
from portico.plumbing.models.inbound_events import InboundEventState, InboxEvent
from portico.plumbing.models.outgoing_emails import EmailEvent, EmailEventKind, EmailState, MailQueue, OutgoingEmail
from portico.plumbing.models.rate_limits import LimitSpent
from portico.plumbing.models.restorations import Restoration

__all__ = [
    "ClockDifference",
    "EmailEvent",
    "EmailEventKind",
    "EmailState",
    "FormKey",
    "InboundEventState",
    "InboxEvent",
    "LimitSpent",
    "MailQueue",
    "OutgoingEmail",
    "Restoration",
    "TrailEntry",
    "TrailHead",
    "TrailSeal",
]
