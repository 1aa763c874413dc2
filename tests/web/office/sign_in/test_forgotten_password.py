"""`Forgot your password?`: the same response for every address, and no way around the second factor."""

import re

import pytest
from django.test import Client as Browser

from portico.domain.practices.models import SetUpLink, StaffMember, StaffSession
from portico.domain.practices.staff import password_reset, set_up_links
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, SENT = "/office/forgotten-password/", "/office/forgotten-password/sent/"
GOOD = "four green boats at dawn"


@pytest.fixture
def fay() -> StaffMember:
    return cast.fay(cast.alder())


def ask(browser: Browser, email: str) -> tuple[int, str, str]:
    """Returns status, redirect and the next page, without the CSRF token."""
    answer = browser.post(PAGE, {"email": email})
    page = browser.get(answer["Location"]).content.decode() if answer.status_code == 302 else answer.content.decode()
    return answer.status_code, answer.get("Location", ""), re.sub(r"value=\"\w{64}\"", "", page)


def test_sign_in_page_links_to_it(client: Browser, fay: StaffMember) -> None:
    assert f'href="{PAGE}"' in client.get("/office/sign-in/").content.decode()
    assert client.get(PAGE).status_code == 200


def test_its_pages_name_the_only_practice_and_none_of_several(client: Browser, fay: StaffMember) -> None:
    pages = [client.get(address).content.decode() for address in (PAGE, SENT)]
    assert all(fay.practice.name in page for page in pages)
    cast.birch()
    assert not any(fay.practice.name in client.get(address).content.decode() for address in (PAGE, SENT))


def test_the_answer_is_the_same_for_every_address(client: Browser, fay: StaffMember) -> None:
    answers = [ask(client, email) for email in (fay.email, "unknown@elsewhere.example")]
    assert answers[0] == answers[1]
    assert answers[0][:2] == (302, SENT)
    assert not OutgoingEmail.objects.exists()


@pytest.mark.parametrize("typed", ["", "no address", "a@b", f"{'x' * 300}@y.example", "a\x00@y.example"])
def test_malformed_address_shows_an_error(client: Browser, fay: StaffMember, typed: str) -> None:
    status, _where, page = ask(client, typed)
    assert status == 422
    assert 'id="id_email_error"' in page


def test_too_many_requests_get_429(client: Browser, fay: StaffMember) -> None:
    answers = [client.post(PAGE, {"email": f"n{number}@x.example"}) for number in range(31)]
    assert [answer.status_code for answer in answers] == [302] * 30 + [429]
    # Without a practice there is no time zone to show a time in.
    assert "You can try again in 10 minutes." in answers[-1].content.decode()


def test_new_password_leads_to_the_sign_in_page(client: Browser, fay: StaffMember) -> None:
    ask(client, fay.email)
    password_reset.process_next()
    link = SetUpLink.objects.select_related("email").get()
    arrival = set_up_links.url_in_mail(link).removeprefix("http://localhost:8000")
    page = client.get(arrival, follow=True).content.decode()
    assert "Choose a new password" in page
    answer = client.post("/office/set-up/", {"subject": fay.ref, "password": GOOD})
    assert answer["Location"] == "/office/sign-in/?changed"
    assert not StaffSession.objects.filter(staff__isnull=False).exists()
    assert "Your new password is set" in client.get(answer["Location"]).content.decode()
    assert client.post("/office/sign-in/", {"email": fay.email, "password": GOOD}).status_code == 302
    assert StaffSession.objects.filter(staff=fay).exists()


def test_link_of_staff_who_left_is_spent(client: Browser, fay: StaffMember) -> None:
    ask(client, fay.email)
    password_reset.process_next()
    link = SetUpLink.objects.select_related("email").get()
    StaffMember.objects.update(deactivated_at=clock.now())
    arrival = set_up_links.url_in_mail(link).removeprefix("http://localhost:8000")
    assert client.get(arrival, follow=True).status_code == 410
