"""Failures of mails: the same for a server's answer and for a delivery report, judged by `report_rules`."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.mail import mail_stops, outbox
from portico.plumbing.mail.reports import report_rules
from portico.plumbing.mail.reports.report_rules import Rule
from portico.plumbing.models import OutgoingEmail, StopKind
from portico.plumbing.models.outgoing_emails import EmailState, FailureCause

logger = logging.getLogger(__name__)

_STOP_KINDS = {FailureCause.COMPLAINED: StopKind.COMPLAINED}


@dataclass(frozen=True)
class MailFailure:
    """A failure of one mail.

    `code` is an enhanced status code or empty; `server` the domain that rejected the mail, empty if only our own server
    has answered; `waited` the time for which the mail was tried. `words` replace the reason that follows from the rule.
    """

    rule: Rule
    at: datetime
    code: str = ""
    server: str = ""
    waited: timedelta = timedelta()
    words: str = ""

    def reason(self, *, earlier: int) -> str:
        """Returns the failure in words for staff; `earlier` is the number of earlier failures of that kind."""
        return self.words or report_rules.reason_for(
            self.rule, code=self.code, server=self.server, waited=self.waited, earlier=earlier
        )


def record(email: OutgoingEmail, failure: MailFailure) -> bool:
    """Saves state, reason, detail, time and cause of the failure; returns True if it stops the mailbox.

    In the caller's transaction, with the mail locked. Locks the mailbox, so that of two failures at once one counts
    the other, and before the composer locks rows of the mailbox in another order.
    """
    mail_stops.lock(email.practice_id, mail_stops.key_of(email))
    earlier = _count_earlier(email, failure)
    stops = failure.rule.stops_after(earlier)
    email.state = EmailState.BOUNCED if stops and failure.rule.state == EmailState.FAILED else failure.rule.state
    email.reason = failure.reason(earlier=earlier)[: outbox.REASON_LENGTH]
    email.failed_at, email.failure_cause = failure.at, failure.rule.cause
    email.save(update_fields=["state", "reason", "detail", "failed_at", "failure_cause"])
    return stops


def announce(email: OutgoingEmail, failure: MailFailure, *, stops: bool) -> None:
    """Stops the mailbox if `stops`, else calls the mail's composer; after `record`, in the same transaction."""
    if failure.rule.is_ours:
        # It says nothing about the mailbox, so the client stays as it is.
        logger.warning("email.rejected_by_policy", extra={"email": email.pk, "code": failure.code})
        return
    if mail_stops.was_lifted_since(email):
        return
    if failure.rule.state != EmailState.COMPLAINED and _is_later_accepted(email):
        return
    kind = _STOP_KINDS.get(failure.rule.cause, StopKind.REFUSED)
    if stops and not outbox.is_to_staff(email) and mail_stops.stop(email, kind, email.reason):
        return  # Everything that depends on the mailbox is marked.
    composer = outbox.composer_or_none(email.kind)
    if composer is not None:
        composer.state_changed(email)


def _count_earlier(email: OutgoingEmail, failure: MailFailure) -> int:
    """Returns the number of other mails to the address that failed alike, within the period of the rule."""
    rule = failure.rule
    causes: tuple[FailureCause, ...]
    if rule.stops_when_repeated:
        causes, period = (rule.cause,), report_rules.UNEXPLAINED_PERIOD
    elif rule.cause in report_rules.AWAY:
        causes, period = report_rules.AWAY, report_rules.AWAY_PERIOD
    else:
        return 0
    others = OutgoingEmail.objects.filter(practice=email.practice_id, to_address=email.to_address).exclude(pk=email.pk)
    recent = others.filter(failed_at__range=(failure.at - period, failure.at + period))
    return recent.filter(failure_cause__in=causes).count()


def _is_later_accepted(email: OutgoingEmail) -> bool:
    """Returns True if a later mail to the same address was accepted: the failure says nothing about it any more."""
    return _later_accepted.first(practice=email.practice_id, address=email.to_address, email=email.pk) is not None


@CompiledQuery
def _later_accepted(practice: Parameter, address: Parameter, email: Parameter) -> QuerySet[OutgoingEmail, tuple[int]]:
    later = OutgoingEmail.objects.filter(practice=practice, to_address=address, pk__gt=email)
    return later.filter(accepted_at__isnull=False, failure_cause="").values_list("pk")[:1]
