"""The actions of outgoing mail that the audit log records."""

from enum import StrEnum


class MailAction(StrEnum):
    DROPPED = "email.dropped"
    RESTARTED = "email.restarted"
    MAILBOX_STOPPED = "mailbox.stopped"
    STOP_LIFTED = "mailbox.stop_lifted"
