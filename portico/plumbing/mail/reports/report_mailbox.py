"""Receives delivery reports by mail: from a mailbox that the worker reads, or one by one from the mail server."""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from portico.plumbing import clock
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.mail.reports import delivery_reports, report_parsing, returned_mails
from portico.plumbing.mail.reports.delivery_reports import NewReport
from portico.plumbing.mail.returned_mail import ReturnedMail
from portico.plumbing.models import ReportMailbox
from portico.plumbing.models.delivery_reports import WORDS_LENGTH
from portico.plumbing.queue import leases

logger = logging.getLogger(__name__)

# The only row.
ROW = 1
# Longer than the longest connection (gateways.imap).
LEASE = timedelta(seconds=60)
# A worker does not read what another one has just read.
MIN_PAUSE = timedelta(seconds=20)
BATCH_SIZE = 20
# A full mailbox is read in several connections.
READING_SECONDS = 20.0


@dataclass(frozen=True)
class _Received:
    """A mail from the mailbox: the reports in it; or it is one of ours that came back, with its ref."""

    raw: bytes
    reports: list[NewReport]
    returned: tuple[str, ReturnedMail] | None


class MailBatch(Protocol):
    """Mails with their UIDs, lowest first, and the UID up to which there are no others."""

    @property
    def mails(self) -> Sequence[tuple[int, bytes]]: ...
    @property
    def read_to(self) -> int: ...
    @property
    def is_last(self) -> bool: ...


class MailFolder(Protocol):
    """An open folder. Raises OSError, with a sentence, if it cannot be read."""

    @property
    def uid_validity(self) -> int: ...
    def fetch(self, *, after_uid: int, limit: int, max_bytes: int) -> MailBatch: ...


class Mailbox(Protocol):
    """A mailbox on a server; gateways.imap has the implementation."""

    @property
    def key(self) -> str:
        """Identifies the mailbox, in at most 64 characters."""

    def open(self) -> AbstractContextManager[MailFolder]: ...


def receive(raw: bytes) -> None:
    """Stores the reports in one mail; a mail that is of no use is counted."""
    received = _parse(raw, at=clock.now())
    row, _is_new = ReportMailbox.objects.get_or_create(pk=ROW)
    with transaction.atomic():
        _store_received(ReportMailbox.objects.filter(pk=row.pk), [received])


def read_new(mailbox: Mailbox) -> bool:
    """Reads new mails, unless another worker does or has just done it. Returns True if there may be more.

    Nothing is changed in the mailbox. A mailbox that cannot be read is recorded with the reason.
    """
    row = _claim()
    if row is None:
        return False
    try:
        with mailbox.open() as folder:
            has_more = _read(row, folder, mailbox.key)
    except OSError as error:
        _record_problem(row, str(error))
        return False
    at = clock.now()
    _held(row).update(lease_until=None, read_at=None if has_more else at, problem="", problem_since=None)
    return has_more


def _claim() -> ReportMailbox | None:
    """Leases the mailbox; returns None if that is another worker's, or it was read within MIN_PAUSE."""
    row, _is_new = ReportMailbox.objects.get_or_create(pk=ROW)
    now = clock.now()
    is_leased = row.lease_until is not None and now < row.lease_until <= now + leases.LONGEST_LEASE + clock.SKEW
    if is_leased or (row.read_at is not None and clock.is_within(row.read_at, MIN_PAUSE)):
        return None
    claimed = _held(row).update(lease_until=now + LEASE, attempts=F("attempts") + 1)
    row.attempts += 1
    return row if claimed else None


def _read(row: ReportMailbox, folder: MailFolder, key: str) -> bool:
    """Reads batches for READING_SECONDS at most. Returns True if there may be more."""
    if (row.folder, row.uid_validity) != (key, folder.uid_validity):
        # All mails have new UIDs. Those that were read are read again, and their reports found to be stored already.
        row.folder, row.uid_validity, row.last_uid = key, folder.uid_validity, 0
    ends_at = time.monotonic() + READING_SECONDS
    while True:
        batch = folder.fetch(after_uid=row.last_uid, limit=BATCH_SIZE, max_bytes=report_parsing.MAX_BYTES)
        if not _store(row, batch):
            return False
        if batch.is_last:
            return False
        if time.monotonic() > ends_at:
            return True


def _store(row: ReportMailbox, batch: MailBatch) -> bool:
    """Stores the reports and the position together. Returns False, storing nothing, without the lease."""
    at = clock.now()
    found = [_parse(raw, at=at) for _uid, raw in batch.mails]
    with transaction.atomic():
        # First, so that a worker without the lease waits for this transaction and then stores nothing.
        is_held = _held(row).update(
            folder=row.folder, uid_validity=row.uid_validity, last_uid=batch.read_to, lease_until=at + LEASE
        )
        if not is_held:
            return False
        unmatched = _store_received(_held(row), found)
    row.last_uid = batch.read_to
    if found:
        logger.info("reports.read", extra={"mails": len(found), "unmatched": unmatched})
    return True


def _parse(raw: bytes, *, at: datetime) -> _Received:
    reports = report_parsing.parse(raw, received_at=at)
    return _Received(raw, reports, None if reports else returned_mails.find(raw))


def _store_received(row: RowQuerySet[ReportMailbox], found: Sequence[_Received]) -> int:
    """Stores the reports in each mail, and passes on the mails of ours that came back.

    Counts the mails of which nothing was stored or passed on; returns their number.
    """
    left_out = set(delivery_reports.store([report for each in found for report in each.reports]))
    passed_on = returned_mails.pass_on(dict(each.returned for each in found if each.returned is not None))
    returned_mails.pass_on_reports({report.ref: each.raw for each in found for report in each.reports})
    unmatched = sum(
        left_out.issuperset(each.reports) and not (each.returned and each.returned[0] in passed_on) for each in found
    )
    if unmatched:
        row.update(unmatched=F("unmatched") + unmatched)
    return unmatched


def _record_problem(row: ReportMailbox, words: str) -> None:
    now = clock.now()
    since = Coalesce(F("problem_since"), Value(now))
    _held(row).update(lease_until=None, read_at=now, problem=words[:WORDS_LENGTH], problem_since=since)
    logger.warning("reports.mailbox_unreadable", extra={"error": words[:WORDS_LENGTH]})


def _held(row: ReportMailbox) -> RowQuerySet[ReportMailbox]:
    """Returns the row unless another worker has claimed it since."""
    return ReportMailbox.objects.filter(pk=ROW, attempts=row.attempts)
