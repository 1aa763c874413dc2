"""Has stored files checked for viruses, by the worker."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol

from django.db import transaction

from portico.plumbing import clock
from portico.plumbing.files import file_content
from portico.plumbing.files.file_content import FileCorrupt
from portico.plumbing.models.files import FileState, StoredFile, VirusCheck
from portico.plumbing.queue import leases

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
RETRY_AFTER = timedelta(minutes=1)
# Staff are told about files that wait for longer.
PATIENCE = timedelta(hours=1)


class Scanner(Protocol):
    """A virus scanner."""

    def scan(self, parts: Iterable[bytes]) -> str:
        """Returns the name of the virus in the content, empty if there is none.

        Raises OSError if the scanner cannot be reached, and ValueError if it refuses this content.
        """


def check_next(scanner: Scanner, virus_found: Callable[[StoredFile], None]) -> bool:
    """Checks the file that has waited longest. Returns False if none is due.

    `virus_found` is called in the transaction that marks the file as infected. A scanner that cannot be reached is
    tried again a minute later.
    """
    file = leases.claim(StoredFile.objects.to_check(), lease=LEASE)
    if file is None:
        return False
    try:
        virus = scanner.scan(file_content.read(file))
    except OSError as error:
        logger.warning("virus_scanner.away", extra={"file": file.pk, "says": str(error)[:200]})
        leases.finish(file, not_before=clock.now() + RETRY_AFTER)
        return True
    except ValueError as error:
        logger.warning("virus_scanner.refused", extra={"file": file.pk, "says": str(error)[:200]})
        leases.finish(file, virus_check=VirusCheck.NOT_CHECKED, checked_at=clock.now())
        return True
    except FileCorrupt:
        # A fault of the database or its disk. `verify-documents` and each download find it, too.
        logger.exception("file.corrupt", extra={"file": file.pk})
        leases.finish(file, virus_check=VirusCheck.NOT_CHECKED, checked_at=clock.now())
        return True
    _save(file, virus, virus_found)
    return True


def stop_waiting() -> int:
    """Marks all files that wait for a scanner as not checked, where none is configured any more. Returns their number.

    A check that is under way still saves its result.
    """
    number = StoredFile.objects.to_check().update(virus_check=VirusCheck.NOT_CHECKED)
    if number:
        logger.warning("virus_scanner.removed", extra={"files": number})
    return number


def is_late(file: StoredFile) -> bool:
    """Returns True if the file has waited for the scanner for longer than PATIENCE."""
    if file.virus_check != VirusCheck.CHECKING or file.completed_at is None:
        return False
    return file.completed_at <= clock.now() - PATIENCE


def is_overdue() -> bool:
    """Returns True if any file has waited for the scanner for longer than PATIENCE."""
    return StoredFile.objects.to_check().filter(completed_at__lte=clock.now() - PATIENCE).exists()


def _save(file: StoredFile, virus: str, virus_found: Callable[[StoredFile], None]) -> None:
    with transaction.atomic():
        if not virus:
            leases.finish(file, virus_check=VirusCheck.CLEAN, checked_at=clock.now())
            return
        changes = {"virus_check": VirusCheck.INFECTED, "virus_name": virus[:200], "checked_at": clock.now()}
        # Its content is deleted: a virus has no place in the database and its back-ups.
        if leases.finish(file, state=FileState.REMOVED, **changes):
            virus_found(file)
