"""The list of what a new owner sets up, above the list of clients."""

import re
from collections.abc import Callable

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import service_items
from portico.domain.practices.models import CardState, Practice, Role, StaffMember
from portico.domain.practices.staff import set_up_links
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
FIRST_PAGE, CLOSING = "/office/clients/", "/office/clients/set-up/closing/"
# The session with its staff member; clients, their numbers by state, the steps; the counts of the menu.
QUERIES = 6


@pytest.fixture
def practice() -> Practice:
    """Returns a practice as `portico create-practice` makes it."""
    return Practice.objects.create(slug="alder-street", name="Alder Street Therapy", reply_to="elm@alder.example")


@pytest.fixture
def elm(practice: Practice) -> StaffMember:
    return cast.elm(practice)


@pytest.fixture
def owner(elm: StaffMember) -> Browser:
    return cast.signed_in(Browser(), elm)


def done_in(page: str) -> dict[str, bool]:
    found = re.findall(r'data-testid="set-up-step" data-step="(\w+)" data-done="(yes|no)"', page)
    return {step: done == "yes" for step, done in found}


def enter_details(elm: StaffMember) -> None:
    Practice.objects.update(phone="+12125550177", postal_address="1 Alder Street")


def send_an_email(elm: StaffMember) -> None:
    set_up_links.mail_reset_link(elm)
    OutgoingEmail.objects.update(state="handed_over", settled_at=clock.now())


def invite_a_colleague(elm: StaffMember) -> None:
    cast.fay(elm.practice)


def add_a_service(elm: StaffMember) -> None:
    service_items.save(elm.practice, code="S50", label="Session", price_minor=14_000, shown=None, by=elm.actor)


def connect_stripe(elm: StaffMember) -> None:
    Practice.objects.update(card_state=CardState.TEST)


def create_a_client(elm: StaffMember) -> None:
    cast.ana(elm.practice)


STEPS: dict[str, Callable[[StaffMember], None]] = {
    "details": enter_details,
    "emails": send_an_email,
    "team": invite_a_colleague,
    "services": add_a_service,
    "payments": connect_stripe,
    "client": create_a_client,
}


def test_a_new_owner_sees_six_steps_each_a_link(owner: Browser) -> None:
    page = owner.get(FIRST_PAGE).text
    assert done_in(page) == dict.fromkeys(STEPS, False)
    assert "0 of 6 steps done" in page
    for link in re.findall(r'data-done="no">.*?<a href="([^"]+)"', page, re.DOTALL):
        # Online Payments asks for the second factor again.
        assert owner.get(link).status_code in {200, 302}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_done_by_itself(owner: Browser, elm: StaffMember, step: str) -> None:
    STEPS[step](elm)
    assert done_in(owner.get(FIRST_PAGE).text) == {name: name == step for name in STEPS}


def test_an_email_that_was_not_accepted_does_not_count(owner: Browser, elm: StaffMember) -> None:
    set_up_links.mail_reset_link(elm)
    assert not done_in(owner.get(FIRST_PAGE).text)["emails"]
    send_an_email(elm)
    Practice.objects.update(reply_to="")
    assert not done_in(owner.get(FIRST_PAGE).text)["emails"]


def test_a_colleague_who_left_does_not_count(owner: Browser, practice: Practice) -> None:
    cast.gus(practice)
    assert not done_in(owner.get(FIRST_PAGE).text)["team"]


def test_nothing_of_another_practice_counts(owner: Browser) -> None:
    other = cast.elm(cast.birch())
    for do in (send_an_email, invite_a_colleague, add_a_service, create_a_client):
        do(other)
    assert done_in(owner.get(FIRST_PAGE).text) == dict.fromkeys(STEPS, False)


def test_the_list_ends_when_all_is_done(owner: Browser, elm: StaffMember) -> None:
    for do in STEPS.values():
        do(elm)
    assert 'data-testid="set-up"' not in owner.get(FIRST_PAGE).text


def test_the_list_of_an_owner_who_works_alone_ends_too(owner: Browser, elm: StaffMember) -> None:
    *first, last = STEPS.keys() - {"team"}
    for step in first:
        STEPS[step](elm)
    assert "Optional: invite your colleagues" in owner.get(FIRST_PAGE).text
    STEPS[last](elm)
    assert 'data-testid="set-up"' not in owner.get(FIRST_PAGE).text


def test_an_owner_closes_it_for_good(owner: Browser, elm: StaffMember) -> None:
    for _time in range(2):
        page = owner.post(CLOSING, follow=True).text
        assert "The list is closed. Everything in it is also in Settings." in page
        assert done_in(page) == {}
    assert AuditEntry.objects.filter(action=AuditAction.SET_UP_CLOSED, staff_id=elm.pk).count() == 1


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.FRONT_DESK, Role.BILLER])
def test_only_owners_see_and_close_it(practice: Practice, role: Role) -> None:
    browser = cast.signed_in(Browser(), cast.staff_member(practice, "Hal", role))
    assert 'data-testid="set-up"' not in browser.get(FIRST_PAGE).text
    assert browser.post(CLOSING).status_code == 403
    practice.refresh_from_db()
    assert practice.set_up_closed_at is None


@pytest.mark.parametrize("is_open", [True, False])
def test_it_costs_one_query_while_it_is_open(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, *, is_open: bool
) -> None:
    if not is_open:
        # The page after it shows the notice.
        owner.post(CLOSING, follow=True)
    for name in ("Nia", "Olu"):
        cast.client(practice, name)
        with django_assert_num_queries(QUERIES if is_open else QUERIES - 1):
            owner.get(FIRST_PAGE)
