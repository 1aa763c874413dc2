"""Evidence for a diagnosis: the loaded rows of a client, and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from portico.domain.access import eligibility, eligibility_steps, portal_states
from portico.domain.access.diagnosis.portal_history import PortalHistory, SentLink
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalSession, SignInMethod, pin_lifetime
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, DeliveryReport, MailStop
from portico.plumbing.models.outgoing_emails import FAILED_STATES, OUR_CAUSES, EmailState

# A mail in one of these states is not on its way, even if it was handed over once.
NOT_SENT = (EmailState.QUEUED, EmailState.DELAYED, EmailState.DROPPED)
_NEVER = datetime.min.replace(tzinfo=UTC)
# Acceptances are reported if one was within this time: mail may have been sent by another server before.
REPORTING_PERIOD = timedelta(days=30)
# A report arrives within this time, or perhaps never.
REPORT_PATIENCE = timedelta(minutes=5)
# A mail that has been queued for longer waits for the worker, or behind many others.
QUEUE_PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class MailFacts:
    """The kind of the mailbox's stop, and whether accepted mails of the practice are reported at all."""

    stop_kind: str = ""
    reports_arrive: bool = False


def with_mail_facts(clients: QuerySet[Client], *, reported_since: object) -> QuerySet[Client]:
    """Annotates clients with what `mail_facts_of` reads; `reported_since` is a time, or a parameter for one."""
    stops = MailStop.objects.live().filter(
        practice=OuterRef("practice"), mailbox_key=OuterRef("portal_access__address__mailbox_key")
    )
    # Bounces are reported everywhere; what is waited for is the report of an acceptance.
    reports = DeliveryReport.objects.acceptances().filter(practice=OuterRef("practice"), written_at__gt=reported_since)
    return clients.annotate(stop_kind=Subquery(stops.values("kind")[:1]), reports_arrive=Exists(reports))


def reported_since() -> datetime:
    """Returns the time since which an acceptance must have been reported so that further ones are expected."""
    return clock.now() - REPORTING_PERIOD


def mail_facts_of(client: Client) -> MailFacts:
    """Returns the facts of a client that was loaded by `with_mail_facts`."""
    return MailFacts(client.__dict__["stop_kind"] or "", bool(client.__dict__["reports_arrive"]))


@dataclass(frozen=True)
class Evidence:
    """The rows that the checks read. `access` is unsaved if none was ever saved."""

    client: Client
    access: PortalAccess
    history: PortalHistory
    mail: SentLink | None
    facts: MailFacts
    sessions: Sequence[PortalSession]
    has_addresses: bool
    at: datetime

    @property
    def has_signed_in(self) -> bool:
        """Returns True if the client has signed in with the present address."""
        return self.access.first_signed_in_at is not None

    @property
    def last_failure(self) -> AuditEntry | None:
        """Returns the entry of the last sign-in attempt if it failed lately; None otherwise."""
        return self.history.last_failure(self.at)

    @property
    def is_link_used(self) -> bool:
        return self.mail is not None and self.mail.link.used_at is not None

    @property
    def is_mail_proven(self) -> bool:
        """Returns True if the mail's link or code was used, or the client signed in by mail after the mail was sent.

        A sign-in proves nothing about a mail that was sent, or rejected, after it.
        """
        if self.is_link_used:
            return True
        proven_at = self._signed_in_by_mail_at
        if proven_at is None or self.mail is None:
            return proven_at is not None
        email = self.mail.email
        if email.state in NOT_SENT or (email.state == EmailState.FAILED and not email.failure_cause):
            return False
        times = [at for at in (email.handed_over_at, email.failed_at) if at is not None]
        return bool(times) and proven_at >= max(times)

    @property
    def _signed_in_by_mail_at(self) -> datetime | None:
        """Returns the time of the last sign-in with a link or a code at the present address; None if there is none."""
        if not self.has_signed_in:
            return None
        if self.history.last_method is None:
            # The audit entries that were loaded do not go back to the last sign-in.
            return self.access.last_signed_in_at
        at, first_at = self.history.last_signed_in_by_mail_at, self.access.first_signed_in_at
        return at if at is not None and first_at is not None and at >= first_at else None

    @property
    def is_mail_superseded(self) -> bool:
        """Returns True if the client signed in after the mail was created, by whatever means."""
        last = self.access.last_signed_in_at
        return self.has_signed_in and self.mail is not None and last is not None and self.mail.email.written_at <= last

    @property
    def is_still_tried(self) -> bool:
        """Returns True if the recipient's server reported that it is still trying to deliver the mail."""
        # A reason is stored beside this state by that report only.
        return (
            self.mail is not None and self.mail.email.state == EmailState.HANDED_OVER and bool(self.mail.email.reason)
        )

    @property
    def is_rejected(self) -> bool:
        """Returns True if the mailbox rejected the mail, at once or later, or a server on its way did.

        If the mail itself was rejected at once, for any recipient, it never left.
        """
        email = self.mail.email if self.mail is not None else None
        if email is None or not email.failure_cause:
            return False
        return email.handed_over_at is not None or email.failure_cause not in OUR_CAUSES

    @property
    def is_failed(self) -> bool:
        """Returns True if the mail was rejected, bounced or marked as spam."""
        return self.is_rejected or (self.mail is not None and self.mail.email.state in FAILED_STATES)

    @property
    def is_mail_stopped(self) -> bool:
        return bool(self.facts.stop_kind) or not eligibility_steps.MAIL_NOT_STOPPED.holds(self.access)

    @property
    def can_request_mail(self) -> bool:
        """Returns True if the client can sign in with an email requested on the sign-in page."""
        return eligibility.is_eligible(self.access, Purpose.SIGN_IN_BY_MAIL) and not self.is_mail_stopped

    @property
    def is_pin_live(self) -> bool:
        """Returns True if the last PIN may still work: generated within its lifetime, and no sign-in since."""
        given_at = self.access.pin_given_at
        if given_at is None or self.is_pin_needless:
            return False
        return clock.is_within(given_at, pin_lifetime(), at=self.at)

    @property
    def is_pin_needless(self) -> bool:
        """Returns True if the client has signed in since the last PIN was generated."""
        last, given_at = self.access.last_signed_in_at, self.access.pin_given_at
        return self.has_signed_in and last is not None and (given_at is None or last >= given_at)

    @property
    def is_by_pin(self) -> bool:
        """Returns True if the client signs in with a PIN rather than by mail."""
        given_at, broken = self.access.pin_given_at, eligibility.first_broken(self.access, Purpose.SIGN_IN_BY_MAIL)
        if given_at is None:
            return False
        if broken is not None:
            return portal_states.is_replaced_by_pin(self.access, broken)
        if any(session.method == SignInMethod.PIN for session in self.sessions):
            return True
        if self.is_pin_live and given_at > max(self._mailed_at, self._stopped_at):
            return True
        if self.is_mail_stopped:
            return False
        if self.has_signed_in:
            is_last_by_pin = self.history.last_method is SignInMethod.PIN
            return is_last_by_pin and (self.mail is None or self.is_mail_superseded)
        return self.mail is None and self.access.invited_at is None

    @property
    def _mailed_at(self) -> datetime:
        """Returns the time at which the newest mail was created; the beginning of time if there is none."""
        return (self.mail.email.written_at if self.mail is not None else self.access.invited_at) or _NEVER

    @property
    def _stopped_at(self) -> datetime:
        """Returns the time since which mail to the client is stopped; the beginning of time if it is not."""
        return self.access.mail_stopped_at or _NEVER
