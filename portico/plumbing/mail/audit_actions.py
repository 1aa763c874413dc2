"""The actions of outgoing mail that the audit log records."""

from enum import StrEnum


class MailAction(StrEnum):
    DROPPED = "email.dropped"
    RESTARTED = "email.restarted"
