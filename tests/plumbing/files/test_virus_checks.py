"""Stored files are checked for viruses by the worker; an infected one is never opened."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.gateways.clamd import ContentRefused, ScannerAway
from portico.plumbing.files import file_content, virus_checks
from portico.plumbing.models import StoredFile, VirusCheck
from tests.plumbing.sample_rows import a_practice
from tests.support import files

pytestmark = pytest.mark.django_db


class Scanner:
    """Answers as a test tells it."""

    def __init__(self, virus: str = "", error: Exception | None = None) -> None:
        self.virus, self.error = virus, error
        self.scanned: list[bytes] = []

    def scan(self, parts: Iterable[bytes]) -> str:
        if self.error:
            raise self.error
        self.scanned.append(b"".join(parts))
        return self.virus


def check(scanner: Scanner) -> tuple[bool, list[StoredFile]]:
    found: list[StoredFile] = []
    return virus_checks.check_next(scanner, found.append), found


def waiting_file() -> StoredFile:
    file = files.stored(a_practice(), needs_virus_check=True)
    assert not file.may_be_opened
    return file


def test_a_clean_file_may_be_opened() -> None:
    file, scanner = waiting_file(), Scanner()
    assert check(scanner) == (True, [])
    file.refresh_from_db()
    assert (file.virus_check, file.may_be_opened, scanner.scanned) == (VirusCheck.CLEAN, True, [files.pdf()])
    assert check(scanner) == (False, [])


def test_an_infected_file_is_never_opened_and_its_content_is_deleted() -> None:
    file = waiting_file()
    assert check(Scanner("Eicar")) == (True, [file])
    file.refresh_from_db()
    assert (file.virus_check, file.virus_name, file.may_be_opened) == (VirusCheck.INFECTED, "Eicar", False)
    assert (file_content.delete_unused(), file.chunks.count()) == (1, 0)


def test_a_scanner_that_is_away_is_asked_again_a_minute_later(stopped_clock: Traveller) -> None:
    file = waiting_file()
    assert check(Scanner(error=ScannerAway("clamd cannot be reached")))[0]
    assert check(Scanner()) == (False, [])
    stopped_clock.shift(timedelta(minutes=1))
    assert check(Scanner()) == (True, [])
    file.refresh_from_db()
    assert file.may_be_opened


def test_a_file_that_the_scanner_refuses_counts_as_not_checked() -> None:
    file = waiting_file()
    check(Scanner(error=ContentRefused("INSTREAM size limit exceeded. ERROR")))
    file.refresh_from_db()
    assert (file.virus_check, file.may_be_opened) == (VirusCheck.NOT_CHECKED, True)


def test_a_corrupt_file_is_not_taken_for_a_refused_one(caplog: pytest.LogCaptureFixture) -> None:
    file = waiting_file()
    StoredFile.objects.update(sha256="0" * 64)
    check(Scanner())
    file.refresh_from_db()
    assert file.virus_check == VirusCheck.NOT_CHECKED
    assert [(each.message, each.levelname) for each in caplog.records] == [("file.corrupt", "ERROR")]


def test_a_file_without_a_scanner_is_not_checked() -> None:
    file = files.stored(a_practice())
    assert (file.virus_check, file.may_be_opened) == (VirusCheck.NOT_CHECKED, True)
    assert check(Scanner()) == (False, [])
