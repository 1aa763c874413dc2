"""Reminders of documents that staff send to one person or to many, and who gets none."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from portico.domain.access import eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.onboarding import bulk_selection
from portico.domain.access.onboarding.bulk_selection import TooManyClients
from portico.domain.access.onboarding.invitation_runs import SelectionChanged
from portico.domain.audit_actions import AuditAction
from portico.domain.documents import practice_documents
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.practice_documents import Filter
from portico.domain.documents.refusals import NoRecipientEligible
from portico.domain.documents.sharing import bulk_preview, reminder_mail
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import MailQueue, OutgoingEmail


@dataclass(frozen=True)
class ChosenDocuments:
    """Open documents: those with the refs, or all that a filter of the practice's list shows."""

    refs: tuple[str, ...] = ()
    show: Filter | None = None


@dataclass(frozen=True)
class ReminderRecipient:
    """A person with the number of the chosen documents that they have still to complete.

    `reason` says why they get no reminder now; it is empty if they do.
    """

    access: PortalAccess
    number: int
    reason: str


def recipients_of(practice: Practice, chosen: ChosenDocuments) -> list[ReminderRecipient]:
    """Returns the people who have to complete the chosen documents, by the name of the client.

    Runs three queries. Raises TooManyClients.
    """
    if chosen.show is None:
        rows = DocumentRequest.objects.open().filter(practice=practice, ref__in=chosen.refs)
    else:
        rows = practice_documents.open_requests(practice, chosen.show)
    counted = rows.order_by().values_list("access").annotate(number=Count("pk"))
    numbers = dict(counted[: bulk_selection.MAX_CLIENTS + 1])
    if len(numbers) > bulk_selection.MAX_CLIENTS:
        raise TooManyClients
    related = ("client", "account", "address", "relationship__contact")
    accesses = list(PortalAccess.objects.filter(pk__in=list(numbers)).select_related(*related))
    for access in accesses:
        access.client.practice = practice
    accesses.sort(key=lambda each: (each.client.sort_key, each.client.pk, each.pk))
    reminded = reminder_mail.keys_of_reminded(accesses)
    return [ReminderRecipient(each, numbers[each.pk], _reason(each, reminded)) for each in accesses]


def mailboxes_of(recipients: list[ReminderRecipient]) -> set[str]:
    """Returns the keys of the emails that would be sent: one for each mailbox."""
    return {reminder_mail.key_of(each.access) for each in recipients if not each.reason}


def digest_of(recipients: list[ReminderRecipient]) -> str:
    """Returns a digest that changes when other people would get a reminder."""
    return tokens.fingerprint(repr(sorted(each.access.pk for each in recipients if not each.reason)), purpose="remind")


@retry_on_deadlock
def send(
    practice: Practice, chosen: ChosenDocuments, *, texts: Mapping[str, MailText], shown: str, by: Actor
) -> list[OutgoingEmail]:
    """Queues a reminder for each mailbox that may get one and has had none today; repeating it queues none.

    `texts` has the text in each language, with placeholders, and `shown` the digest of the recipients that staff saw.
    Raises NoRecipientEligible, SelectionChanged, TooManyClients.
    """
    with transaction.atomic():
        accounts = {each.access.account_id for each in _able(practice, chosen) if each.access.account_id is not None}
        list(PortalAccount.objects.locked().filter(pk__in=accounts).order_by("pk"))
        # Read again under the lock: a reminder may have been queued in between.
        able = [each for each in _able(practice, chosen) if each.access.account_id in accounts]
        if not able:
            raise NoRecipientEligible(_("None of these people can get a reminder now."))
        if digest_of(able) != shown:
            raise SelectionChanged
        mail_queue = MailQueue.REST if len(able) == 1 else MailQueue.BULK
        emails = reminder_mail.queue([each.access for each in able], by=by, texts=texts, mail_queue=mail_queue)
        audit_log.record_all(
            audit_log.entry(
                AuditAction.DOCUMENTS_REMINDED,
                practice=practice,
                client=each.access.client,
                by=by,
                number=each.number,
                **holders.details_of(each.access),
            )
            for each in able
        )
    return emails


def _able(practice: Practice, chosen: ChosenDocuments) -> list[ReminderRecipient]:
    return [each for each in recipients_of(practice, chosen) if not each.reason]


def _reason(access: PortalAccess, reminded: set[str]) -> str:
    broken = eligibility.first_broken(access, Purpose.DOCUMENT_MAIL)
    if broken is not None:
        return str(bulk_preview.REASONS[broken.fact].label)
    return _("Already reminded today") if reminder_mail.key_of(access) in reminded else ""
