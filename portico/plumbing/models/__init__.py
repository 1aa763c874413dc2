"""The plumbing's models."""

from portico.plumbing.models.audit import AuditChainHead, AuditEntry, AuditSeal
from portico.plumbing.models.clock_skew import ClockDifference
from portico.plumbing.models.delivery_reports import DeliveryReport, MailStop, ReportKind, ReportMailbox, StopKind
from portico.plumbing.models.files import FileChunk, FileKind, FileState, StoredFile, VirusCheck
from portico.plumbing.models.form_keys import FormKey
from portico.plumbing.models.inbound_events import InboundEvent, InboundEventState
from portico.plumbing.models.outgoing_emails import EmailEvent, EmailEventKind, EmailState, MailQueue, OutgoingEmail
from portico.plumbing.models.rate_limits import RateLimitCount
from portico.plumbing.models.restorations import Restoration

__all__ = [
    "AuditChainHead",
    "AuditEntry",
    "AuditSeal",
    "ClockDifference",
    "DeliveryReport",
    "EmailEvent",
    "EmailEventKind",
    "EmailState",
    "FileChunk",
    "FileKind",
    "FileState",
    "FormKey",
    "InboundEvent",
    "InboundEventState",
    "MailQueue",
    "MailStop",
    "OutgoingEmail",
    "RateLimitCount",
    "ReportKind",
    "ReportMailbox",
    "Restoration",
    "StopKind",
    "StoredFile",
    "VirusCheck",
]
