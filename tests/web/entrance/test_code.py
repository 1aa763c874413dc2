"""The page after asking: the code signs in where it was asked for, and says nothing anywhere else."""

import pytest
from django.conf import settings

from portico.domain.access.models import PortalSession, SignInLink, SignInRequest
from portico.domain.access.sign_in import request_worker, sign_in_links
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.pressing import Browser

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


def test_a_code_signs_in_the_browser_that_asked(client: Browser, ana: Client) -> None:
    code = sign_in_links.code_of(asked(client, "ana@mail.example"))
    answer = client.post(CODE, {"code": code.lower().replace(" ", "-")}, follow=True)
    assert "Hello, Ana" in answer.content.decode()
    # Whoever comes next to this browser does not find the address.
    assert client.cookies[settings.ASKING_COOKIE_NAME].value == ""
    assert "A code works only where you asked for it" in client.get(CODE).content.decode()


def test_a_code_in_another_browser_is_told_where_it_works(client: Browser, ana: Client) -> None:
    code = sign_in_links.code_of(asked(client, "ana@mail.example"))
    answer = Browser().post(CODE, {"code": code})
    assert answer.status_code == 422
    assert "A code works only where you asked for it" in answer.content.decode()
    assert PortalSession.objects.count() == 0


def test_a_wrong_code_stays_typed_and_says_what_to_do(client: Browser, ana: Client) -> None:
    asked(client, "ana@mail.example")
    answer = client.post(CODE, {"code": "222 222"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "That code doesn’t match." in page
    assert 'value="222 222"' in page


def test_a_code_that_is_used_is_told_like_a_wrong_one(client: Browser, ana: Client) -> None:
    link = asked(client, "ana@mail.example")
    SignInLink.objects.update(used_at=link.created_at)
    used = client.post(CODE, {"code": sign_in_links.code_of(link)})
    wrong = client.post(CODE, {"code": "222222"})
    assert used.status_code == wrong.status_code == 422
    assert "That code doesn’t match." in used.content.decode()


def test_no_code_at_all_is_no_try(client: Browser, ana: Client) -> None:
    link = asked(client, "ana@mail.example")
    assert "Type the code from the email." in client.post(CODE, {"code": " "}).content.decode()
    link.refresh_from_db()
    assert link.code_tries == 0


def test_sent_again_the_first_mail_still_works(client: Browser, ana: Client) -> None:
    first = asked(client, "ana@mail.example")
    assert client.post(f"{DOOR}again/", {"by": "ask"})["Location"] == CODE
    request_worker.process_next()
    assert SignInLink.objects.count() == 2
    assert client.post(CODE, {"code": sign_in_links.code_of(first)}).status_code == 302
