"""The practice's `Documents`: staff find what waits, what is stuck and what is to be reviewed."""

import csv
import io
import re
from datetime import date, timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.access import client_changes, contact_changes
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents import due_again
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.submissions import paper_signatures, reviews
from portico.domain.documents.submissions.paper_signatures import PaperSignature
from portico.domain.documents.templates import template_editing
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
LIST = "/office/documents/"
# Session with the staff member and the practice, the requests, and the counts of the menu.
QUERIES = 3
# Beside them: the periods after which documents are due again.
QUERIES_OF_DUE_AGAIN = 4


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    client = cast.ana(practice)
    cast.in_the_portal(Browser(), client)
    return PortalAccess.objects.get(own_client=client)


def shared(access: PortalAccess, number: int = 1) -> list[DocumentRequest]:
    versions = [shared_documents.consent(access.client.practice) for _ in range(number)]
    return shared_documents.shared(access, *versions)


def refs_on(office: Browser, show: str, *requests: DocumentRequest) -> list[bool]:
    """Returns for each request whether the list shows it."""
    page = office.get(LIST, {"show": show}).text
    return [f'data-ref="{each.ref}"' in page for each in requests]


def test_each_filter_shows_its_documents(office: Browser, access: PortalAccess) -> None:
    new, old, done, reviewed = shared(access, 4)
    may_be_declined = shared_documents.consent(access.client.practice, may_be_declined=True)
    (declined,) = shared_documents.shared(access, may_be_declined)
    DocumentRequest.objects.filter(pk=old.pk).update(sent_at=clock.now() - timedelta(days=5))
    shared_documents.signed(done, access)
    shared_documents.signed(reviewed, access)
    reviews.review(reviewed, note="", by=cast.hal(access.client.practice).actor)
    request_states.decline(declined, reason="I want to ask first.", by=cast.DESK)
    everything = (new, old, done, reviewed, declined)
    assert refs_on(office, "waiting", *everything) == [True, True, False, False, False]
    assert refs_on(office, "stuck", *everything) == [False, True, False, False, False]
    assert refs_on(office, "review", *everything) == [False, False, True, False, False]
    assert refs_on(office, "reviewed", *everything) == [False, False, False, True, False]
    assert refs_on(office, "declined", *everything) == [False, False, False, False, True]
    assert "I want to ask first." in office.get(LIST, {"show": "declined"}).text


def test_nothing_waits_for_archived_clients_and_former_contacts(office: Browser, access: PortalAccess) -> None:
    guardian = cast.guardian(access.client)
    (own,), (of_contact,) = shared(access), shared(cast.with_contact_access(guardian))
    DocumentRequest.objects.update(sent_at=clock.now() - timedelta(days=6))
    contact_changes.end(guardian, by=cast.DESK)
    for show in ("waiting", "stuck"):
        assert refs_on(office, show, own, of_contact) == [True, False]
        assert len(office.get(f"{LIST}file/", {"show": show}).getvalue().decode().splitlines()) == 2
    client_changes.archive(access.client, by=cast.DESK)
    assert refs_on(office, "waiting", own, of_contact) == [False, False]
    client_changes.restore(access.client, by=cast.DESK)
    assert refs_on(office, "waiting", own, of_contact) == [True, False]


def test_another_practice_sees_none_of_them(client: Browser, access: PortalAccess) -> None:
    (request,) = shared(access)
    birch = cast.birch()
    assert refs_on(cast.signed_in(client, cast.elm(birch)), "waiting", request) == [False]


def test_the_next_page_begins_after_the_last(office: Browser, access: PortalAccess) -> None:
    requests = shared(access, 26)
    assert refs_on(office, "waiting", requests[0], requests[-1]) == [False, True]
    page = office.get(LIST, {"show": "waiting", "before": requests[1].ref}).text
    assert f'data-ref="{requests[0].ref}"' in page
    assert f'data-ref="{requests[1].ref}"' not in page


@pytest.mark.parametrize("number", [1, 6])
def test_the_number_of_queries_is_fixed(
    office: Browser, access: PortalAccess, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    shared(access, number)
    with django_assert_num_queries(QUERIES):
        office.get(LIST)


def completed(access: PortalAccess, days_ago: int, *, months: int = 6, **more: object) -> DocumentRequest:
    """Has the access sign a consent, to be asked for again after some months, so many days ago."""
    version = shared_documents.consent(access.client.practice, repeat_after_months=months, **more)
    (request,) = shared_documents.shared(access, version)
    shared_documents.signed(request, access)
    at = clock.now() - timedelta(days=days_ago)
    DocumentRequest.objects.filter(pk=request.pk).update(completed_at=at)
    return request


def test_due_again_is_what_its_months_have_passed_for(office: Browser, access: PortalAccess) -> None:
    due, reviewed, later, never = (
        completed(access, days, months=months) for days, months in ((185, 6), (370, 12), (170, 6), (900, 0))
    )
    reviews.review(reviewed, note="", by=cast.hal(access.client.practice).actor)
    assert refs_on(office, "due", due, reviewed, later, never) == [True, True, False, False]


def test_what_was_asked_for_again_is_no_longer_due(office: Browser, access: PortalAccess) -> None:
    request = completed(access, 200)
    page = office.get(LIST, {"show": "due"}).text
    (key,) = re.findall(r'name="form_key" value="([^"]+)"', page)
    address = f"/office/clients/{access.client.ref}/documents/{request.ref}/asking-again/"
    for _ in range(2):
        answer = office.post(address, {"form_key": key, "then": "due"}, follow=True)
        assert answer.redirect_chain[-1][0] == f"{LIST}?show=due"
    assert DocumentRequest.objects.count() == 2
    assert refs_on(office, "due", request) == [False]
    again = DocumentRequest.objects.latest("id")
    request_states.withdraw(again, by=cast.DESK)
    assert refs_on(office, "due", request) == [True]


def test_archived_clients_and_documents_are_not_due(office: Browser, access: PortalAccess) -> None:
    request = completed(access, 200)
    template_editing.archive(request.version.template, by=cast.DESK)
    assert refs_on(office, "due", request) == [False]
    template_editing.restore(request.version.template, by=cast.DESK)
    client_changes.archive(access.client, by=cast.DESK)
    assert refs_on(office, "due", request) == [False]


def test_due_again_counts_from_the_date_on_the_paper(access: PortalAccess, stopped_clock: Traveller) -> None:
    practice = access.client.practice
    version = shared_documents.consent(practice, repeat_after_months=12)
    paper = PaperSignature(clock.today(practice.time_zone), "Ana Abreu", "Self", "", "en")
    stopped_clock.shift(timedelta(days=364))
    paper_signatures.record_unshared(access, version, paper, scan=None, form_key="k" * 43, by=cast.DESK)
    assert not due_again.due(practice).exists()
    stopped_clock.shift(timedelta(days=1))
    assert due_again.due(practice).exists()


def test_those_who_may_no_longer_sign_are_not_due(practice: Practice) -> None:
    ana = cast.ana(practice)
    former, unable = (cast.guardian(ana, name, address=f"{name}@mail.example") for name in ("Ed", "Una"))
    for each in (former, unable):
        cast.contact_in_the_portal(Browser(), each)
        completed(PortalAccess.objects.get(relationship=each), 200)
    assert due_again.due(practice).count() == 2
    PortalAccess.objects.filter(relationship=unable).update(signs_documents=False)
    assert due_again.due(practice).get().access.relationship == former
    contact_changes.end(former, by=cast.DESK)
    assert not due_again.due(practice).exists()


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 30), 9, date(2026, 2, 28)),
        (date(2026, 3, 15), 3, date(2025, 12, 15)),
        (date(2026, 1, 31), 12, date(2025, 1, 31)),
    ],
)
def test_months_before(day: date, months: int, expected: date) -> None:
    assert due_again.months_before(day, months) == expected


def test_the_file_has_all_of_the_filter_and_no_formula(office: Browser, access: PortalAccess) -> None:
    requests = shared(access, 26)
    DocumentRequest.objects.filter(pk=requests[0].pk).update(sent_at=clock.now() - timedelta(days=6))
    Client.objects.filter(pk=access.client.pk).update(first_name="=HYPERLINK(1)", preferred_name="")
    answer = office.get(f"{LIST}file/", {"show": "waiting"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="documents-alder-street-2026-11-23.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert len(rows) == 26
    assert rows[0]["Client"].startswith("'=HYPERLINK(1)")
    assert (rows[0]["Document"], rows[0]["Kind"], rows[0]["Status"]) == (
        "Consent to treatment",
        "Consent form",
        "Sent",
    )
    assert (rows[0]["Shared"], rows[1]["Shared"], rows[1]["Completed"]) == ("2026-11-17", "2026-11-23", "")
    stuck = office.get(f"{LIST}file/", {"show": "stuck"})
    assert len(stuck.getvalue().decode().splitlines()) == 2
    entries = AuditEntry.objects.filter(action=AuditAction.DOCUMENTS_EXPORTED).order_by("id")
    details = [entry.details for entry in entries]
    assert details == [{"show": "waiting", "number": 26}, {"show": "stuck", "number": 1}]


@pytest.mark.parametrize("number", [1, 6])
def test_the_number_of_queries_of_due_again_is_fixed(
    office: Browser, access: PortalAccess, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for months in range(1, number + 1):
        completed(access, 400, months=months)
    with django_assert_num_queries(QUERIES_OF_DUE_AGAIN):
        page = office.get(LIST, {"show": "due"}).text
    assert page.count('data-testid="listed-document"') == number
