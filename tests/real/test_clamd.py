"""clamd itself: it lets clean files pass, finds the EICAR test file, and its limit is ours."""

import pytest

from portico.domain.practices.models import Practice
from portico.gateways import clamd
from portico.gateways.clamd import ContentRefused
from portico.plumbing.files import inspection, virus_checks
from portico.plumbing.models import StoredFile, VirusCheck
from sandbox.clamd.server import EICAR
from tests.support import files
from tests.support.servers.clamd import VIRUS, RunningClamd

pytestmark = [
    pytest.mark.real_processes,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.django_db(transaction=True),
    pytest.mark.real_time,
]
PART = 256 * 1024


def test_clamd_finds_eicar_and_lets_the_largest_file_pass(practice: Practice, running_clamd: RunningClamd) -> None:
    infected = files.stored(practice, files.pdf(EICAR), needs_virus_check=True)
    largest = files.stored(practice, files.pdf(size=inspection.MAX_BYTES), needs_virus_check=True)
    found: list[StoredFile] = []
    while virus_checks.check_next(clamd.parse(running_clamd.url), found.append):
        pass
    assert found == [infected]
    infected.refresh_from_db()
    largest.refresh_from_db()
    assert (infected.virus_check, infected.virus_name) == (VirusCheck.INFECTED, VIRUS)
    assert largest.virus_check == VirusCheck.CLEAN


def test_clamd_is_asked_over_a_socket_and_refuses_what_is_too_long(running_clamd: RunningClamd) -> None:
    scanner = clamd.parse(running_clamd.socket_url)
    assert scanner.scan([EICAR[:30], EICAR[30:]]) == VIRUS
    with pytest.raises(ContentRefused, match="size limit"):
        scanner.scan([bytes(PART)] * 120)
