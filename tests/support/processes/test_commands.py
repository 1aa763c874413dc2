"""Real processes use the test's own database and end with the test."""

import pytest

from portico.domain.practices.models import Practice
from tests.support.processes.commands import Processes

pytestmark = pytest.mark.real_processes


def test_a_command_sees_the_tests_own_rows(processes: Processes) -> None:
    Practice.objects.create(slug="alder-street", name="Alder Street Therapy", time_zone="UTC", currency="USD")
    answer = processes.run("shell", "--verbosity=0", "--command", "print(Practice.objects.get().slug)")
    assert answer.stdout.strip() == "alder-street", answer.stderr


def test_a_process_that_ends_early_fails_the_test_with_its_output(processes: Processes) -> None:
    process = processes.start("typo", "no-such-command")
    with pytest.raises(AssertionError, match="no_such_command"):
        process.wait_for_line("never written")


def test_a_process_can_be_killed(processes: Processes) -> None:
    process = processes.start(
        "sleeper", "shell", "--verbosity=0", "--command", "import time; print('asleep'); time.sleep(60)"
    )
    process.wait_for_line("asleep")
    process.kill()
    assert not process.is_running


def test_processes_can_be_killed_while_they_start_and_end(processes: Processes) -> None:
    for number in range(10):
        process = processes.start("routes", "routes", "--json")
        if number % 2:
            process.wait_for_line("[")
        process.kill()
        assert not process.is_running
