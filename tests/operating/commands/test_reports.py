"""`portico reports` shows the numbers of reports, the stopped mailboxes and the report mailbox."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.models import OutgoingEmail, ReportKind, ReportMailbox
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast


def said(*options: str) -> str:
    out = StringIO()
    call_command("reports", *options, stdout=out)
    return out.getvalue()


def reported(practice: Practice, code: str, key: str) -> None:
    email = cast.invited(cast.client(practice, key, address=f"{key}@mail.example")).email
    OutgoingEmail.objects.filter(pk=email.pk).update(
        state=EmailState.HANDED_OVER, settled_at=clock.now(), handed_over_at=clock.now()
    )
    delivery_reports.store([NewReport(email.ref, DSN, key, ReportKind.FAILED, clock.now(), status_code=code)])


def test_the_numbers_are_printed_as_json(practice: Practice) -> None:
    reported(practice, "5.1.1", "a")
    reported(practice, "5.7.26", "b")
    report_application.apply_next()
    reported(practice, "5.1.1", "c")
    ReportMailbox.objects.update_or_create(
        defaults={"last_uid": 7, "uid_validity": 3, "unmatched": 2, "problem": "Refused", "problem_since": clock.now()}
    )
    found = json.loads(said("--json"))
    assert (found["waiting"], found["applied"], found["unmatched"]) == (1, {"failed": 2}, 2)
    assert (found["rejected_by_policy"], found["live_stops"]) == (1, {"refused": 1})
    assert (found["mailbox"]["last_uid"], found["mailbox"]["problem"]) == (7, "Refused")


@pytest.mark.django_db
def test_an_installation_without_reports_says_so() -> None:
    text = said()
    assert "Waiting: 0" in text
    assert "Stopped mailboxes: none" in text
