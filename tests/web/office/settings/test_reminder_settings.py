"""The days of automatic reminders: for the practice in Settings, off for one client on the Billing tab."""

import re

import pytest
from django.test import Client as Browser

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db


def test_an_owner_chooses_the_days(client: Browser, practice: Practice) -> None:
    owner = cast.signed_in(client, cast.elm(practice))
    for days, expected in ((["30", "-3"], "-3,30"), ([], ""), (["4"], "")):
        owner.post("/office/settings/emails/reminders/", {"days": days, "shown": practice.reminder_days})
        practice.refresh_from_db()
        assert practice.reminder_days == expected
    assert AuditEntry.objects.filter(action=AuditAction.PRACTICE_EDITED).count() == 2


def test_the_page_ticks_the_days_of_the_practice(client: Browser, practice: Practice) -> None:
    page = cast.signed_in(client, cast.elm(practice)).get("/office/settings/emails/").text
    assert len(re.findall(r'name="days"[^>]* checked', page)) == 4


def test_reminders_are_turned_off_and_on_for_one_client(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    billing = f"/office/clients/{ana.ref}/billing/"
    for on, button in (("", "Turn on reminders"), ("1", "Turn off reminders")):
        office.post(f"{billing}reminders/", {"on": on})
        ana.refresh_from_db()
        assert (ana.reminders_off_at is None) is bool(on)
        assert button in office.get(billing).text


def test_an_owner_chooses_up_to_three_days_for_documents(client: Browser, practice: Practice) -> None:
    owner = cast.signed_in(client, cast.elm(practice))
    assert "Remind clients of incomplete documents" in owner.get("/office/settings/emails/").text
    for days, expected in ((["1", "7"], "1,7"), (["1", "2", "5", "7"], "1,7"), (["4"], "1,7"), ([], "")):
        form = {"document_days": days, "shown": practice.document_reminder_days}
        owner.post("/office/settings/emails/reminders/documents/", form)
        practice.refresh_from_db()
        assert practice.document_reminder_days == expected
