"""A button acts on what its page shows, even if another link was opened in the browser since."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client as Browser

from portico.domain.access.models import PortalSession, SignInLink, SignInRequest
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.web.tabs import Answer, Tab

pytestmark = pytest.mark.django_db

DOOR = "/portal/alder-street/"
LINK, CODE = f"{DOOR}link/", f"{DOOR}code/"
OUT_OF_DATE = "<h1>This page is out of date</h1>"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def carol(practice: Practice) -> Client:
    return cast.carol(practice)


@pytest.fixture
def browser() -> Browser:
    return Browser()


def opened(browser: Browser, person: Client) -> Tab:
    """Opens a tab with a link that was sent to the client."""
    return Tab(browser, f"/portal/{person.practice.slug}/link/{cast.token_of(cast.invited(person))}/")


def expect_out_of_date(answer: Answer) -> None:
    assert (answer.status, OUT_OF_DATE in answer.text) == (409, True)
    assert "Open the link in your email again, or get a new one." in answer.text


def asked(browser: Browser, address: str) -> Tab:
    """Requests a link and returns the tab with the page for the code."""
    tab = Tab(browser, f"{DOOR}?other-email")
    tab.page = tab.press(email=address)
    assert tab.page.path == CODE
    return tab


def code_of(address: str) -> str:
    """Returns the code of the latest request for the address."""
    while request_worker.process_next():
        pass
    return sign_in_links.code_of(cast.handed_over(SignInRequest.objects.filter(address=address).latest("id")))


def test_each_tab_signs_in_its_own_mailbox(browser: Browser, ana: Client, carol: Client) -> None:
    anas, carols = opened(browser, ana), opened(browser, carol)
    assert "Hello, Ana" in anas.press().text
    assert PortalSession.objects.get().account == ana.portal_access.account
    assert "Hello, Carol" in carols.press().text


def test_links_of_two_practices_in_two_tabs_both_sign_in(browser: Browser, ana: Client) -> None:
    dora = cast.dora(cast.birch())
    anas, doras = opened(browser, ana), opened(browser, dora)
    assert "Hello, Ana" in anas.press().text
    assert "Hello, Dora" in doras.press().text


def test_each_practices_page_shows_the_link_opened_there(browser: Browser, ana: Client) -> None:
    opened(browser, ana)
    opened(browser, cast.dora(cast.birch()))
    assert "a…a@mail.example" in Tab(browser, LINK).page.text
    assert "d…a@mail.example" in Tab(browser, "/portal/birch-lane/link/").page.text


@pytest.mark.parametrize("how", ["used", "expired"])
def test_new_link_goes_to_the_mailbox_on_the_page(
    browser: Browser, ana: Client, carol: Client, stopped_clock: time_machine.Traveller, how: str
) -> None:
    tokens = [cast.token_of(cast.invited(person)) for person in (ana, carol)]
    if how == "used":
        for token in tokens:
            Tab(Browser(), f"{LINK}{token}/").press()
    else:
        stopped_clock.shift(timedelta(hours=25))
    anas, carols = (Tab(browser, f"{LINK}{token}/") for token in tokens)
    assert (anas.page.status, carols.page.status) == (410, 410)
    anas.press("again/")
    assert SignInRequest.objects.get().address == "ana@mail.example"
    carols.press("again/")
    assert SignInRequest.objects.latest("id").address == "carol@mail.example"


def test_link_expired_in_open_tab_is_named_by_next_page(browser: Browser, ana: Client, carol: Client) -> None:
    anas = opened(browser, ana)
    opened(browser, carol)
    SignInLink.objects.filter(address__client=ana).update(voided_at=SignInLink.objects.latest("id").created_at)
    anas.page = anas.press()
    assert anas.page.status == 410
    assert "a…a@mail.example" in anas.page.text
    anas.press("again/")
    assert SignInRequest.objects.get().address == "ana@mail.example"


def test_sixth_link_makes_the_first_page_out_of_date(browser: Browser, practice: Practice, ana: Client) -> None:
    anas = opened(browser, ana)
    others = [
        cast.client(practice, name, address=f"{name.lower()}@mail.example") for name in ("Bo", "Cy", "Di", "Ed", "Fi")
    ]
    tabs = [opened(browser, person) for person in others]
    expect_out_of_date(anas.press())
    assert not PortalSession.objects.exists()
    assert "Hello, Bo" in tabs[0].press().text


def test_link_opened_twice_is_stored_once(browser: Browser, ana: Client, carol: Client) -> None:
    carols = opened(browser, carol)
    token = cast.token_of(cast.invited(ana))
    for _ in range(6):
        Tab(browser, f"{LINK}{token}/")
    assert "Hello, Carol" in carols.press().text


def test_links_name_is_useless_without_the_cookie(browser: Browser, ana: Client) -> None:
    token = cast.token_of(cast.invited(ana))
    tab = Tab(browser, f"{LINK}{token}/")
    link = SignInLink.objects.get()
    assert token not in tab.page.text
    assert link.token_hash not in tab.page.text
    thief = Browser()
    answer = thief.post(LINK, tab.form().filled())
    assert (answer.status_code, OUT_OF_DATE in answer.content.decode()) == (409, True)
    name = tab.form().fields["subject"]
    assert thief.get(f"{LINK}{name}/", follow=True).status_code == 410
    link.refresh_from_db()
    assert link.used_at is None


@pytest.mark.parametrize("subject", [None, "", "nonsense"])
def test_form_without_a_link_redeems_none(browser: Browser, ana: Client, subject: str | None) -> None:
    opened(browser, ana)
    answer = browser.post(LINK, {} if subject is None else {"subject": subject})
    assert (answer.status_code, OUT_OF_DATE in answer.content.decode()) == (409, True)
    assert SignInLink.objects.get().used_at is None


def test_spent_page_names_the_signed_in_mailbox(browser: Browser, ana: Client, carol: Client) -> None:
    anas, carols = opened(browser, ana), opened(browser, carol)
    anas.press()
    carols.press()
    answer = anas.press()
    expect_out_of_date(answer)
    assert 'You’re now signed in as <span class="whole">c…l@mail.example</span>.' in answer.text


@pytest.mark.parametrize(
    "junk", ["", ".", "::", "alder-street", "alder-street:", "a:b.c:d:e", "alder-street:" + "x" * 5000]
)
def test_malformed_cookie_is_ignored(browser: Browser, practice: Practice, junk: str) -> None:
    browser.cookies[settings.LINK_COOKIE_NAME] = junk
    assert browser.get(LINK).status_code == 410
    assert browser.post(LINK, {"subject": "x"}).status_code == 409


# Requests and codes.


def test_resending_uses_the_address_on_the_page(browser: Browser, ana: Client, carol: Client) -> None:
    first = asked(browser, "ana@mail.example")
    asked(browser, "carol@mail.example")
    page = first.press("again/")
    assert SignInRequest.objects.latest("id").address == "ana@mail.example"
    assert "ana@mail.example" in page.text.replace("<wbr>", "")


def test_page_for_one_address_rejects_codes_of_another(browser: Browser, ana: Client, carol: Client) -> None:
    for person in (ana, carol):
        cast.with_access(person)
    anas, carols = asked(browser, "ana@mail.example"), asked(browser, "carol@mail.example")
    answer = anas.press(code=code_of("carol@mail.example"))
    assert "That code doesn’t match." in answer.text
    # The page still shows the same address.
    assert "ana@mail.example" in answer.text.replace("<wbr>", "")
    assert not PortalSession.objects.exists()
    assert "Hello, Ana" in anas.press(code=code_of("ana@mail.example")).text
    assert carols.press(code="222 222").status == 422


def test_masked_page_does_not_contain_the_address(browser: Browser, ana: Client, carol: Client) -> None:
    tokens = [cast.token_of(cast.invited(person)) for person in (ana, carol)]
    for token in tokens:
        Tab(Browser(), f"{LINK}{token}/").press()
    anas, carols = (Tab(browser, f"{LINK}{token}/") for token in tokens)
    anas.page, carols.page = anas.press("again/"), carols.press("again/")
    assert "ana@mail.example" not in anas.page.text.replace("<wbr>", "")
    anas.press("again/")
    assert SignInRequest.objects.latest("id").address == "ana@mail.example"


def test_request_of_another_browser_is_out_of_date(browser: Browser, ana: Client) -> None:
    cast.with_access(ana)
    asked(Browser(), "ana@mail.example")
    tab = asked(browser, "carol@mail.example")
    for button, fields in (("code/", {"code": "222 222"}), ("again/", {})):
        expect_out_of_date(tab.press(button, subject="ana@mail.example", **fields))
    assert SignInRequest.objects.count() == 2


def test_code_form_without_a_request_is_refused(browser: Browser, ana: Client) -> None:
    cast.with_access(ana)
    asked(browser, "ana@mail.example")
    answer = browser.post(CODE, {"code": code_of("ana@mail.example")})
    assert (answer.status_code, OUT_OF_DATE in answer.content.decode()) == (409, True)
    assert not PortalSession.objects.exists()


def test_new_link_after_timeout_goes_to_the_mailbox_on_the_page(
    browser: Browser, ana: Client, carol: Client, stopped_clock: time_machine.Traveller
) -> None:
    cast.in_the_portal(browser, ana)
    stopped_clock.shift(timedelta(minutes=31))
    anas = Tab(browser, DOOR)
    assert "a…a@mail.example" in anas.page.text
    cast.in_the_portal(browser, carol)
    stopped_clock.shift(timedelta(minutes=31))
    carols = Tab(browser, DOOR)
    expect_out_of_date(anas.press("again/"))
    assert not SignInRequest.objects.exists()
    carols.press("again/")
    assert SignInRequest.objects.get().address == "carol@mail.example"


def test_every_button_form_names_its_subject(
    browser: Browser, ana: Client, carol: Client, stopped_clock: time_machine.Traveller
) -> None:
    used = cast.token_of(cast.invited(ana))
    pages = [Tab(browser, f"{LINK}{used}/"), asked(browser, "ana@mail.example")]
    Tab(browser, f"{LINK}{used}/").press()
    pages.append(Tab(browser, f"{LINK}{used}/"))
    stopped_clock.shift(timedelta(minutes=31))
    pages.append(Tab(browser, DOOR))
    forms = [form for tab in pages for form in tab.forms]
    assert [form.action for form in forms] == [LINK, CODE, f"{DOOR}again/", f"{DOOR}again/", f"{DOOR}again/"]
    assert all(re.fullmatch(r"\S+", form.fields["subject"]) for form in forms)
