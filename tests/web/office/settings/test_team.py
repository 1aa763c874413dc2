"""`Settings` > `Team`: inviting, roles, deactivating; changes apply from the next request."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, Role, StaffMember, StaffSession
from portico.domain.practices.staff import authenticator_apps, second_factor, team
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db
TEAM = "/office/settings/team/"
LENA = {"name": "Lena Brandt", "email": "lena@alder.example", "role": "biller"}
# Session with colleague and practice, all staff, their factors, their links, the menu.
QUERIES = 5
# Session with colleague and practice, the colleague twice, factors, links, the number of clients, colleagues, the menu.
MEMBER_QUERIES = 8


@pytest.fixture
def elm(practice: Practice) -> StaffMember:
    return cast.elm(practice)


@pytest.fixture
def owner(client: Browser, elm: StaffMember) -> Browser:
    return cast.signed_in(client, elm)


def page(browser: Browser, address: str = TEAM) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def row(shown: str, name: str) -> str:
    found = re.search(rf'<tr data-testid="team-row"(?:(?!</tr>).)*{name}.*?</tr>', shown, re.DOTALL)
    assert found
    return found[0]


def test_the_page_lists_roles_and_states(owner: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    authenticator_apps.save(fay, authenticator_apps.new_secret(), first=True, by=fay.actor)
    cast.gus(practice)
    owner.post(TEAM, LENA)
    shown = page(owner)
    assert ("Front desk" in row(shown, "Fay"), "Authenticator" in row(shown, "Fay")) == (True, True)
    assert "Deactivated" in row(shown, "Gus")
    assert ("Invited" in row(shown, "Lena Brandt"), "Never" in row(shown, "Lena Brandt")) == (True, True)
    assert "You" in row(shown, "Dr. Naomi Elm")


def test_inviting_the_same_address_twice_is_refused(owner: Browser) -> None:
    assert owner.post(TEAM, LENA)["Location"] == TEAM
    assert "The invitation is on its way to lena@alder.example." in page(owner)
    again = owner.post(TEAM, LENA | {"name": "Lena B."})
    assert again.status_code == 409
    shown = again.content.decode()
    assert "lena@alder.example is already used by a staff member. Enter another address." in shown
    assert 'value="Lena B."' in shown
    assert OutgoingEmail.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "lena"},
        {"email": "'lena@alder.example"},
        {"email": "lena@localhost"},
        {"email": "lena@\ufb01x.example"},
        {"name": " "},
        {"role": "king"},
        {"name": "x" * 101},
    ],
)
def test_invalid_input_is_refused_and_kept(owner: Browser, wrong: dict[str, str]) -> None:
    answer = owner.post(TEAM, LENA | wrong)
    assert answer.status_code == 422
    assert "lena" in answer.content.decode()
    assert not OutgoingEmail.objects.exists()


def test_other_practices_staff_are_not_disclosed(owner: Browser) -> None:
    jo = cast.staff_member(cast.birch(), "Jolanda", Role.OWNER)
    answer = owner.post(TEAM, LENA | {"email": jo.email})
    assert answer.status_code == 409
    assert "Birch" not in answer.content.decode()
    assert "Jolanda" not in page(owner)


def test_a_new_role_applies_to_the_next_request(owner: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    desk = cast.signed_in(Browser(), fay)
    assert desk.get("/office/clients/new/").status_code == 200
    answer = owner.post(f"{TEAM}{fay.ref}/", {"role": "biller", "version": "1"})
    assert answer["Location"] == TEAM
    assert desk.get("/office/clients/new/").status_code == 403
    assert desk.get("/office/clients/").status_code == 200


def test_a_concurrent_change_overwrites_nothing(owner: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    team.change_role(fay, Role.BILLER, version=1, by=cast.DESK)
    address = f"{TEAM}{fay.ref}/"
    answer = owner.post(address, {"role": "owner", "version": "1"})
    shown = unescape(answer.content.decode())
    assert answer.status_code == 409
    assert "Current role: biller." in shown
    assert '<option value="owner" selected>' in shown
    version = re.search(r'name="version" value="(\d+)"', shown)
    assert version
    assert owner.post(address, {"role": "owner", "version": version[1]}).status_code == 302
    assert StaffMember.objects.get(pk=fay.pk).is_owner


def test_deactivated_staff_are_signed_out_at_once(owner: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    desk = cast.signed_in(Browser(), fay)
    answer = owner.post(f"{TEAM}{fay.ref}/leaving/", {"version": "1"})
    assert answer["Location"] == TEAM
    assert desk.get("/office/clients/").status_code == 302
    refused = Browser().post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD})
    assert refused.status_code == 422
    assert "That email and password don’t match." in refused.content.decode()
    owner.post(f"{TEAM}{fay.ref}/return/", {"version": "2"})
    assert desk.get("/office/clients/").status_code == 302
    assert Browser().post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD}).status_code == 302


@pytest.mark.parametrize("act", ["", "leaving/"])
def test_the_last_owner_cannot_step_down(owner: Browser, elm: StaffMember, act: str) -> None:
    answer = owner.post(f"{TEAM}{elm.ref}/{act}", {"role": "biller", "version": "1"})
    assert answer.status_code == 409
    assert "The practice needs an owner who can sign in." in answer.content.decode()
    assert owner.get(TEAM).status_code == 200


def test_an_owner_stepping_down_is_sent_to_clients(owner: Browser, elm: StaffMember, practice: Practice) -> None:
    cast.staff_member(practice, "Second", Role.OWNER)
    answer = owner.post(f"{TEAM}{elm.ref}/", {"role": "clinician", "version": "1"})
    assert answer["Location"] == "/office/clients/"
    assert "Your role is now clinician." in page(owner, "/office/clients/")
    assert owner.get(TEAM).status_code == 403


def test_an_owner_deactivating_self_is_signed_out(owner: Browser, elm: StaffMember, practice: Practice) -> None:
    cast.staff_member(practice, "Second", Role.OWNER)
    assert owner.post(f"{TEAM}{elm.ref}/leaving/", {"version": "1"})["Location"] == "/office/sign-in/?signed-out"
    assert owner.get(TEAM).status_code == 302
    assert not StaffSession.objects.filter(staff=elm).exists()


def test_a_lost_second_factor_can_be_reset(owner: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    authenticator_apps.save(fay, authenticator_apps.new_secret(), first=True, by=fay.actor)
    desk = cast.signed_in(Browser(), fay)
    assert owner.post(f"{TEAM}{fay.ref}/second-factor/").status_code == 302
    assert not second_factor.is_set_up(fay)
    assert desk.get("/office/clients/").status_code == 302


def test_an_invitation_is_sent_again(owner: Browser) -> None:
    owner.post(TEAM, LENA)
    lena = StaffMember.objects.get(email=LENA["email"])
    assert "Send invitation again" in page(owner, f"{TEAM}{lena.ref}/")
    assert owner.post(f"{TEAM}{lena.ref}/invitation/")["Location"] == TEAM
    assert OutgoingEmail.objects.filter(kind="staff_invite").count() == 2


@pytest.mark.parametrize("act", ["", "invitation/", "leaving/", "return/", "second-factor/"])
def test_changes_need_recent_authentication(
    owner: Browser, practice: Practice, stopped_clock: time_machine.Traveller, act: str
) -> None:
    fay = cast.fay(practice)
    stopped_clock.shift(timedelta(minutes=10, seconds=1))
    assert owner.get(TEAM).status_code == 200
    for address, fields in ((TEAM, LENA), (f"{TEAM}{fay.ref}/{act}", {"role": "biller", "version": "1"})):
        assert owner.post(address, fields)["Location"].startswith("/office/prove/?")
    assert not OutgoingEmail.objects.exists()
    assert StaffMember.objects.get(pk=fay.pk).version == 1


@pytest.mark.parametrize("colleague", [cast.hal, cast.fay, cast.ines])
def test_other_roles_are_refused(client: Browser, practice: Practice, colleague: object) -> None:
    browser = cast.signed_in(client, colleague(practice))  # type: ignore[operator]  # One of the cast.
    assert browser.get(TEAM).status_code == 403
    assert browser.post(TEAM, LENA).status_code == 403
    assert AuditEntry.objects.filter(action=AuditAction.DENIED_ROLE).count() == 2


@pytest.mark.parametrize("size", [1, 8])
def test_the_page_takes_a_fixed_number_of_queries(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, size: int
) -> None:
    for number in range(size):
        owner.post(TEAM, LENA | {"email": f"n{number}@alder.example"})
    owner.get(TEAM)
    with django_assert_num_queries(QUERIES):
        owner.get(TEAM)


def test_the_clients_of_a_leaver_move_to_a_colleague(
    owner: Browser, practice: Practice, elm: StaffMember, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    gus, ana = cast.gus(practice), cast.ana(practice)
    Client.objects.update(clinician=gus)
    address = f"{TEAM}{gus.ref}/"
    with django_assert_num_queries(MEMBER_QUERIES):
        shown = page(owner, address)
    assert f"/office/clients/?clinician={gus.ref}" in shown
    assert ana.ref in owner.get(f"/office/clients/?clinician={gus.ref}").text
    assert ana.ref not in owner.get(f"/office/clients/?clinician={elm.ref}").text
    assert owner.post(f"{address}reassignment/").status_code == 422
    assert owner.post(f"{address}reassignment/", {"to": elm.ref})["Location"] == address
    assert "1 client moved to Dr. Naomi Elm." in page(owner, address)
    assert Client.objects.get().clinician == elm
