"""Delivery reports: stored once each, in the transaction of the caller, for the worker to apply."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from portico.plumbing import clock
from portico.plumbing.models import DeliveryReport, OutgoingEmail, ReportKind
from portico.plumbing.models.delivery_reports import WORDS_LENGTH
from portico.plumbing.text import input_validation

# A report by mail, as opposed to an event of a provider.
DSN = "dsn"
# A bounce or an automatic reply that was recognized by its text: it has no standard form that states what happened.
UNSTRUCTURED = "unstructured"
# Of one mail. Its recipient knows its tag, and could fill the table with reports about it.
MAX_OF_ONE_EMAIL = 100
# Reports are kept after they were applied so that the same one is not applied again: providers send an event again for
# days, and a mailbox may be read from its beginning. What they said is part of the mail.
RETENTION = timedelta(days=90)
DELETION_BATCH_SIZE = 1_000


@dataclass(frozen=True)
class NewReport:
    """A report about the mail with this ref. `happened_at` is in UTC; `remote_server` is a domain, or empty."""

    ref: str
    source: str
    event_key: str
    kind: ReportKind
    happened_at: datetime
    status_code: str = ""
    words: str = ""
    remote_server: str = ""


def store(reports: Sequence[NewReport]) -> list[NewReport]:
    """Stores the reports about mails of this installation, each once, and about MAX_OF_ONE_EMAIL for each mail.

    Returns those that were not stored: they name no mail of ours or one that is too old, or are beyond the limit.
    """
    # The reports about older mails may be deleted, and would be taken for new ones.
    named = OutgoingEmail.objects.filter(ref__in={each.ref for each in reports})
    recent = named.exclude(handing_over_at__lte=clock.now() - RETENTION)
    mails = {ref: (pk, practice) for ref, pk, practice in recent.values_list("ref", "pk", "practice_id")}
    counts = _count_stored(pk for pk, _practice in mails.values())
    known, unmatched = [], []
    for each in reports:
        if each.ref in mails and counts[mails[each.ref][0]] < MAX_OF_ONE_EMAIL:
            counts[mails[each.ref][0]] += 1
            known.append(each)
        else:
            unmatched.append(each)
    rows = [
        DeliveryReport(
            practice_id=mails[each.ref][1],
            email_id=mails[each.ref][0],
            source=each.source,
            event_key=each.event_key,
            kind=each.kind,
            status_code=each.status_code,
            words=input_validation.clean_line(each.words)[:WORDS_LENGTH],
            remote_server=each.remote_server,
            happened_at=each.happened_at,
        )
        for each in known
    ]
    DeliveryReport.objects.bulk_create(rows, ignore_conflicts=True)
    return unmatched


def delete_old() -> int:
    """Deletes reports applied more than RETENTION ago, a batch of the oldest; a scheduled task. Returns how many."""
    applied = DeliveryReport.objects.filter(applied_at__isnull=False).order_by("id")
    oldest = list(applied.values_list("id", flat=True)[:DELETION_BATCH_SIZE])
    return DeliveryReport.objects.filter(clock.not_within("applied_at", RETENTION), id__in=oldest).delete()[0]


def _count_stored(emails: Iterable[int]) -> Counter[int]:
    """Returns the number of stored reports for each mail that has some."""
    rows = DeliveryReport.objects.filter(email_id__in=list(emails)).order_by()
    return Counter(dict(rows.values_list("email_id").annotate(number=Count("id"))))
