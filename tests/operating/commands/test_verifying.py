"""The verify commands name what is wrong and exit with 1."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from time_machine import Traveller

from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.audit import sealing
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.database import clean_up

pytestmark = pytest.mark.both_databases


def run(command: str, *options: str) -> tuple[int, str]:
    """Runs a command; returns its exit code and output."""
    output = StringIO()
    try:
        call_command(command, *options, stdout=output)
    except SystemExit as error:
        return int(str(error.code)), output.getvalue()
    return 0, output.getvalue()


def test_an_intact_audit_log_is_sound(practice: Practice) -> None:
    cast.ana(practice)
    sealed = sealing.seal_all()
    code, output = run("verify_trail", "--json")
    assert (code, json.loads(output)["sound"]) == (0, True)
    assert run("verify_trail") == (0, f"alder-street: intact, {sealed} entries sealed\n")


@pytest.mark.django_db(transaction=True)
def test_the_first_altered_entry_is_named() -> None:
    cast.ana(cast.alder())
    sealing.seal_all()
    with clean_up.triggers_off():
        AuditEntry.objects.filter(pk=AuditEntry.objects.order_by("id")[1].pk).update(actor_name="Somebody else")
    code, output = run("verify_trail", "--json")
    (report,) = json.loads(output)["practices"]
    assert (code, report["first_bad"], report["sound"]) == (1, 2, False)
    assert "entry 2 is invalid: The entry is not what was sealed." in run("verify_trail")[1]


def test_unsealed_entries_are_reported(practice: Practice, stopped_clock: Traveller) -> None:
    cast.ana(practice)
    stopped_clock.shift(timedelta(minutes=2))
    code, output = run("verify_trail")
    assert code == 1
    assert "are not sealed. Check that a worker is running." in output


def test_correct_states_pass(practice: Practice) -> None:
    cast.invited(cast.ana(practice))
    assert run("verify_states") == (0, "All 1 stored states are correct.\n")


def test_a_wrong_state_is_named(practice: Practice) -> None:
    ana = cast.ana(practice)
    Client.objects.update(portal_state="signed_in")
    code, output = run("verify_states", "--json")
    assert (code, json.loads(output)["mismatches"]) == (
        1,
        [{"client_ref": ana.ref, "stored": "signed_in", "computed": "no_access"}],
    )
    assert f"Client {ana.ref}: stored signed_in, computed no_access" in run("verify_states")[1]


@pytest.mark.django_db
def test_an_empty_installation_is_sound() -> None:
    assert run("verify_trail") == (0, "")
    assert run("verify_states")[0] == 0
