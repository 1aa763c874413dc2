"""The page for the code: signs in only in the browser that requested it."""

import pytest
from django.conf import settings

from portico.domain.access.models import PortalSession, SignInLink, SignInRequest
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
DOOR, CODE = "/portal/alder-street/", "/portal/alder-street/code/"


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def asked(browser: Browser, address: str) -> SignInLink:
    browser.post(DOOR, {"email": address})
    request_worker.process_next()
    return cast.handed_over(SignInRequest.objects.latest("id"))


def test_code_signs_in_the_requesting_browser(client: Browser, ana: Client) -> None:
    code = sign_in_links.code_of(asked(client, "ana@mail.example"))
    answer = client.post(CODE, {"code": code.lower().replace(" ", "-")}, follow=True)
    assert "Hello, Ana" in answer.content.decode()
    # The next person at this browser must not see the address.
    assert client.cookies[settings.ASKING_COOKIE_NAME].value == ""
    assert "Use the code in the browser where you requested it" in client.get(CODE).content.decode()


def test_another_browser_learns_where_the_code_works(client: Browser, ana: Client) -> None:
    code = sign_in_links.code_of(asked(client, "ana@mail.example"))
    answer = Browser().post(CODE, {"code": code})
    assert answer.status_code == 422
    assert "Use the code in the browser where you requested it" in answer.content.decode()
    assert PortalSession.objects.count() == 0


def test_wrong_code_stays_in_the_form_with_an_error(client: Browser, ana: Client) -> None:
    asked(client, "ana@mail.example")
    answer = client.post(CODE, {"code": "222 222"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "That code doesn’t match." in page
    assert 'value="222 222"' in page


def test_used_code_gets_the_error_of_a_wrong_one(client: Browser, ana: Client) -> None:
    link = asked(client, "ana@mail.example")
    SignInLink.objects.update(used_at=link.created_at)
    used = client.post(CODE, {"code": sign_in_links.code_of(link)})
    wrong = client.post(CODE, {"code": "222222"})
    assert used.status_code == wrong.status_code == 422
    assert "That code doesn’t match." in used.content.decode()


def test_empty_code_counts_as_no_attempt(client: Browser, ana: Client) -> None:
    link = asked(client, "ana@mail.example")
    assert "Enter the code from the email." in client.post(CODE, {"code": " "}).content.decode()
    link.refresh_from_db()
    assert link.code_attempts == 0


def test_first_code_still_works_after_a_second_request(client: Browser, ana: Client) -> None:
    first = asked(client, "ana@mail.example")
    assert client.post(f"{DOOR}again/", {"by": "ask"})["Location"] == CODE
    request_worker.process_next()
    assert SignInLink.objects.count() == 2
    assert client.post(CODE, {"code": sign_in_links.code_of(first)}).status_code == 302
