"""The list of runs that share documents, and the progress of one."""

import re

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import InvitationRun, PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest, Recipients
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
RUNS = "/office/documents/sharing/"
# Session with staff, the run, items, packets, people left out, packets not delivered, titles, outage, counts of the
# menu.
QUERIES = 9
# Session with staff, the page, items, packets, counts of the menu.
QUERIES_OF_LIST = 5


def people_of(practice: Practice, number: int) -> list[Client]:
    people = [cast.client(practice, f"P{place}", address=f"p{place}@mail.example") for place in range(number)]
    for person in people:
        cast.with_access(person)
    return people


def run_with(practice: Practice, people: list[Client]) -> InvitationRun:
    fay = StaffMember.objects.filter(practice=practice).first() or cast.fay(practice)
    return shared_documents.run_for(people, shared_documents.consent(practice), requested_by=fay)


def numbers(page: str) -> dict[str, int]:
    return {name: int(n) for name, n in re.findall(r'data-testid="run-number" data-state="(\w+)">(\d+)<', page)}


def test_the_page_follows_a_run_to_completion(office: Browser, practice: Practice) -> None:
    people = [*people_of(practice, 3), cast.client(practice, "Off", address="off@mail.example")]
    run = run_with(practice, people)
    page = office.get(f"{RUNS}{run.ref}/").text
    assert numbers(page)["waiting"] == 3
    assert 'hx-trigger="load delay:2s"' in page
    shared_documents.finish_run(run)
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    failed, opened, done = DocumentRequest.objects.select_related("client", "packet__email").order_by("id")
    OutgoingEmail.objects.filter(client=failed.client).update(state=EmailState.FAILED)
    DocumentRequest.objects.filter(pk=opened.pk).update(state="opened", opened_at=clock.now())
    cast.in_the_portal(Browser(), done.client)
    shared_documents.signed(done, PortalAccess.objects.get(own_client=done.client))
    page = office.get(f"{RUNS}{run.ref}/").text
    expected = {"waiting": 0, "shared": 3, "failed": 1, "opened": 2, "completed": 1, "stopped": 0, "left_out": 1}
    assert numbers(page) == expected
    assert "1 of 3 completed" in page
    assert "hx-trigger" not in page.split('data-testid="document-run"')[1].split(">")[0]
    problems = re.findall(r'data-testid="run-problem" data-ref="(\w+)"', page)
    assert problems == [people[3].ref, failed.client.ref]


def test_pause_resume_and_stop_return_to_the_page(office: Browser, practice: Practice) -> None:
    run = run_with(practice, people_of(practice, 1))
    for action in ("pause", "resume", "stop"):
        answer = office.post(f"/office/invitations/{run.ref}/{action}/")
        assert answer.headers["Location"] == f"{RUNS}{run.ref}/"
    assert "Stopped. The others get no documents." in office.get(f"{RUNS}{run.ref}/").text


def test_each_list_has_the_runs_of_its_kind(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    inviting = cast.invitation_run(ana, cast.elm(practice))
    sharing = run_with(practice, people_of(practice, 1))
    listed, invited = office.get(RUNS).text, office.get("/office/invitations/").text
    assert (sharing.ref in listed, inviting.ref in listed) == (True, False)
    assert (sharing.ref in invited, inviting.ref in invited) == (False, True)
    assert office.get(f"{RUNS}{inviting.ref}/").status_code == 404
    assert office.get(f"/office/invitations/{sharing.ref}/").status_code == 404


def test_another_practice_does_not_find_it(office: Browser, practice: Practice) -> None:
    run = run_with(practice, people_of(practice, 1))
    elsewhere = cast.signed_in(Browser(), cast.fay(cast.birch()))
    assert elsewhere.get(f"{RUNS}{run.ref}/").status_code == 404
    assert elsewhere.post(f"/office/invitations/{run.ref}/stop/").status_code == 404
    assert run.ref not in elsewhere.get(RUNS).text


@pytest.mark.parametrize("number", [1, 30])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    run = run_with(practice, people_of(practice, number))
    shared_documents.finish_run(run)
    with django_assert_num_queries(QUERIES):
        office.get(f"{RUNS}{run.ref}/")
    with django_assert_num_queries(QUERIES_OF_LIST):
        office.get(RUNS)


def test_a_contacts_problem_leads_to_the_contacts_access(office: Browser, practice: Practice) -> None:
    (ana,) = people_of(practice, 1)
    guardian = cast.guardian(ana)
    cast.with_contact_access(guardian)
    run = shared_documents.run_for(
        [ana],
        shared_documents.consent(practice),
        requested_by=StaffMember.objects.get(practice=practice),
        recipients=Recipients.BOTH,
    )
    contact_access = f"/office/clients/{ana.ref}/edit/portal/?access={guardian.ref}"
    shared_documents.finish_run(run)
    assert contact_access not in office.get(f"{RUNS}{run.ref}/").text
    OutgoingEmail.objects.update(state=EmailState.FAILED, settled_at=clock.now())
    page = office.get(f"{RUNS}{run.ref}/").text
    assert contact_access in page
    assert f'href="/office/clients/{ana.ref}/edit/portal/"' in page
    assert office.get(contact_access).status_code == 200
