"""The portal: home, client chooser, sessions and signing out."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import KnownBrowser, PortalSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
PORTAL = "/portal/alder-street/"
HOME = f"{PORTAL}home/"
CHOOSER = f"{PORTAL}who/"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def anas(client: Browser, ana: Client) -> Browser:
    return cast.in_the_portal(client, ana)


def text(browser: Browser, address: str) -> str:
    return browser.get(address, follow=True).content.decode()


def test_home_says_hello_and_what_will_appear(anas: Browser) -> None:
    page = text(anas, HOME)
    assert "Hello, Ana" in page
    assert "You’re all caught up" in page
    assert "When there is a new bill, you’ll see it here. We can send you an email too." in page
    for words in ("(212) 555-0177", "Mon–Fri, 9 to 5"):
        assert words in page
    for words in ("terms", "agree", "Next", "password"):
        assert words not in page


@pytest.mark.parametrize("page", ["home/", "profile/"])
def test_each_page_has_a_fixed_query_count(
    anas: Browser, page: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2 if page == "profile/" else 4):
        assert anas.get(PORTAL + page).status_code == 200


def test_pages_without_session_redirect_to_the_entrance(client: Browser, ana: Client) -> None:
    for page in ("home/", "profile/", "who/"):
        answer = client.get(PORTAL + page)
        assert (answer.status_code, answer["Location"]) == (302, f"{PORTAL}?next={quote(PORTAL + page, safe='')}")
    page = text(client, PORTAL)
    assert "Enter your email" in page
    assert "Alder Street Therapy" in page
    assert "(212) 555-0177" in page


def test_choosing_a_client_leads_to_the_requested_page(client: Browser, practice: Practice) -> None:
    bea, bruno = cast.bea(practice), cast.bruno(practice)
    cast.with_access(bea)
    link = cast.token_of(cast.invited(bruno))
    client.get(f"{PORTAL}link/{link}/")
    client.post(f"{PORTAL}link/")
    chooser = client.get(f"{PORTAL}profile/?from=mail")["Location"]
    assert chooser == f"{PORTAL}who/?next={quote(PORTAL, safe='')}profile%2F%3Ffrom%3Dmail"
    asking = client.get(chooser).content.decode()
    assert f'action="{chooser}"' in asking
    assert client.post(chooser, {"client": bea.ref})["Location"] == f"{PORTAL}profile/?from=mail"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/office/", "/portal/birch-lane/home/", f"{PORTAL}nowhere/"],
)
def test_choosing_a_client_stays_in_this_portal(client: Browser, practice: Practice, elsewhere: str) -> None:
    cast.with_access(cast.bea(practice))
    bruno = cast.bruno(practice)
    cast.in_the_portal(client, bruno)
    chooser = f"{PORTAL}who/?next={quote(elsewhere, safe='')}"
    assert "evil" not in client.get(chooser).content.decode()
    assert client.post(chooser, {"client": bruno.ref})["Location"] == HOME


def test_chooser_shows_each_clients_amount_due(client: Browser, practice: Practice) -> None:
    bea = cast.bea(practice)
    cast.with_access(bea)
    cast.bill(bea)
    cast.bill(bea)
    cast.in_the_portal(client, cast.bruno(practice))
    page = client.get(CHOOSER).content.decode()
    assert re.search(r"Bea Berg</b>[^/]*2 bills to pay", page)
    assert re.search(r"Bruno Berg</b>[^/]*All caught up", page)


def test_language_chosen_at_the_chooser_is_kept(client: Browser, practice: Practice) -> None:
    bea = cast.bea(practice)
    cast.with_access(bea)
    cast.in_the_portal(client, cast.bruno(practice))
    asking = f"{CHOOSER}?next={quote(PORTAL, safe='')}profile%2F"
    asked = client.get(asking).content.decode()
    assert "Who is this for?" in asked
    assert f'href="{asking}&amp;language=es"' in asked
    assert "¿Para quién es?" in client.get(f"{asking}&language=es").content.decode()
    # Viewing the page stores nothing for other browsers; choosing a client does.
    account = PortalSession.objects.get().account
    assert account.language == ""
    assert "¿Para quién es?" in client.get(CHOOSER).content.decode()
    client.post(CHOOSER, {"client": bea.ref})
    account.refresh_from_db()
    assert account.language == "es"
    assert "Este es el portal de Bea Berg." in client.get(HOME).content.decode()


def test_entrance_redirects_signed_in_clients_home(anas: Browser) -> None:
    assert anas.get(PORTAL)["Location"] == HOME


def test_session_is_valid_at_one_practice(anas: Browser) -> None:
    cast.birch()
    assert anas.get("/portal/birch-lane/home/")["Location"].startswith("/portal/birch-lane/?next=")


def test_an_idle_session_ends_after_half_an_hour(anas: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=29))
    assert anas.get(HOME).status_code == 200
    stopped_clock.shift(timedelta(minutes=29))
    assert anas.get(HOME).status_code == 200
    stopped_clock.shift(timedelta(minutes=30, seconds=1))
    assert anas.get(HOME).status_code == 302


def test_session_ends_after_twelve_hours(anas: Browser, stopped_clock: time_machine.Traveller) -> None:
    for _ in range(28):
        stopped_clock.shift(timedelta(minutes=25))
        assert anas.get(HOME).status_code == 200
    stopped_clock.shift(timedelta(minutes=25))
    assert anas.get(HOME).status_code == 302


def test_background_refresh_does_not_extend_the_session(anas: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=20))
    anas.get(HOME, headers={"X-Portico-Background": "1"})
    stopped_clock.shift(timedelta(minutes=11))
    assert anas.get(HOME).status_code == 302


def test_turning_access_off_ends_the_session_at_once(anas: Browser, ana: Client) -> None:
    off = AccessInput(enabled=False, address=None, access_billing_documents=True, pay_by_card=False)
    access_grants.save_access(ana, off, version=None, by=cast.DESK)
    assert anas.get(HOME).status_code == 302


def test_archiving_ends_the_session_for_good(anas: Browser, ana: Client) -> None:
    client_changes.archive(ana, by=cast.DESK)
    assert anas.get(HOME).status_code == 302
    client_changes.restore(ana, by=cast.DESK)
    cast.with_access(ana)
    assert anas.get(HOME).status_code == 302


def test_bruno_chooses_between_himself_and_his_daughter(client: Browser, practice: Practice) -> None:
    cast.with_access(cast.bea(practice))
    cast.in_the_portal(client, cast.bruno(practice))
    page = text(client, HOME)
    assert "Who is this for?" in page
    assert page.index("Bea Berg") < page.index("Bruno Berg")
    bea = Client.objects.get(first_name="Bea")
    assert "portal for Bea Berg" in client.post(f"{PORTAL}who/", {"client": bea.ref}, follow=True).content.decode()
    assert "portal for Bea Berg" in text(client, HOME)


def test_client_without_access_cannot_be_chosen(anas: Browser, practice: Practice) -> None:
    carol = cast.carol(practice)
    cast.with_access(carol)
    assert anas.post(f"{PORTAL}who/", {"client": carol.ref}).status_code == 404
    assert "Hello, Ana" in text(anas, HOME)


def test_a_child_switched_on_later_appears_after_the_next_sign_in(client: Browser, practice: Practice) -> None:
    bruno = cast.bruno(practice)
    cast.in_the_portal(client, bruno)
    cast.with_access(cast.bea(practice))
    assert "Bea" not in text(client, HOME)
    cast.in_the_portal(client, bruno)
    assert "Bea Berg" in text(client, HOME)


def test_losing_one_client_keeps_the_other(client: Browser, practice: Practice) -> None:
    bea = cast.bea(practice)
    cast.with_access(bea)
    cast.in_the_portal(client, cast.bruno(practice))
    client.post(f"{PORTAL}who/", {"client": bea.ref})
    client_changes.archive(bea, by=cast.DESK)
    assert "Hello, Bruno" in text(client, HOME)


def test_profile_lists_and_ends_sessions(anas: Browser, ana: Client) -> None:
    elsewhere = cast.in_the_portal(Browser(headers={"user-agent": "Mozilla/5.0 (iPhone) Safari"}), ana)
    other = PortalSession.objects.latest("id")
    page = text(anas, f"{PORTAL}profile/")
    assert "ana@mail.example" in page
    assert "This device" in page
    assert page.count("/end/") == 1
    anas.post(f"{PORTAL}sessions/{other.ref}/end/")
    assert elsewhere.get(HOME).status_code == 302
    assert anas.get(HOME).status_code == 200
    assert AuditEntry.objects.get(action=AuditAction.SESSION_ENDED, about=other.ref).client == ana


def test_ending_other_sessions_keeps_other_mailboxes(anas: Browser, ana: Client, practice: Practice) -> None:
    profile = f"{PORTAL}profile/"
    assert "Sign out everywhere else" not in text(anas, profile)
    elsewhere = [cast.in_the_portal(Browser(), ana) for _ in range(2)]
    carols = cast.in_the_portal(Browser(), cast.carol(practice))
    assert "Sign out everywhere else" in text(anas, profile)
    for told in (2, 2):  # Repeated: nothing changes, and nothing is recorded.
        assert anas.post(f"{PORTAL}sessions/ending/")["Location"] == profile
        assert AuditEntry.objects.filter(action=AuditAction.SESSION_ENDED, client=ana).count() == told
    assert [browser.get(HOME).status_code for browser in (*elsewhere, anas, carols)] == [302, 302, 200, 200]


def test_session_of_another_mailbox_is_404(anas: Browser, practice: Practice) -> None:
    carols = cast.in_the_portal(Browser(), cast.carol(practice))
    other = PortalSession.objects.latest("id")
    assert anas.post(f"{PORTAL}sessions/{other.ref}/end/").status_code == 404
    assert carols.get(HOME).status_code == 200


def test_sign_out_ends_only_this_session(anas: Browser, ana: Client) -> None:
    elsewhere = cast.in_the_portal(Browser(), ana)
    answer = anas.post(f"{PORTAL}sign-out/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.cookies[settings.CLIENT_COOKIE_NAME]["max-age"] == 0
    # Cookies shared by the origin stay, and so does that of the known browser.
    assert set(answer.cookies) <= {settings.CLIENT_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME}
    assert "You are signed out" in text(anas, answer["Location"])
    assert anas.get(HOME).status_code == 302
    assert elsewhere.get(HOME).status_code == 200


def test_browser_cookie_lasts_400_days(anas: Browser, ana: Client) -> None:
    known = anas.cookies[settings.BROWSER_COOKIE_NAME]
    assert (known["max-age"], known["httponly"], known["samesite"]) == (400 * 24 * 3600, True, "Lax")
    anas.post(f"{PORTAL}sign-out/")
    assert anas.cookies[settings.BROWSER_COOKIE_NAME].value == known.value
    stranger = Browser()
    stranger.cookies[settings.BROWSER_COOKIE_NAME] = known.value
    assert stranger.get(HOME).status_code == 302
    cast.in_the_portal(anas, ana)
    assert anas.cookies[settings.BROWSER_COOKIE_NAME].value == known.value
    assert KnownBrowser.objects.count() == 1
    assert not OutgoingEmail.objects.filter(kind="new_browser").exists()


def test_personal_pages_are_not_cached(anas: Browser) -> None:
    for page in ("home/", "profile/"):
        assert "no-store" in anas.get(PORTAL + page)["Cache-Control"]


def test_a_clients_page_never_touches_the_staff_cookie(anas: Browser, practice: Practice) -> None:
    fay = cast.signed_in(Browser(), cast.fay(practice))
    fay.cookies[settings.CLIENT_COOKIE_NAME] = anas.cookies[settings.CLIENT_COOKIE_NAME].value
    answer = fay.get(HOME)
    assert "Hello, Ana" in answer.content.decode()
    assert settings.SESSION_COOKIE_NAME not in answer.cookies
    fay.post(f"{PORTAL}sign-out/")
    assert fay.get("/office/clients/").status_code == 200


def test_chosen_language_stays_until_changed(anas: Browser, ana: Client) -> None:
    answer = anas.post(f"{PORTAL}profile/", {"language": "es"}, follow=True)
    page = answer.content.decode()
    assert '<html lang="es">' in page
    assert "Hola, Ana" in text(anas, HOME)
    assert 'value="es" checked' in page
    assert "Guardar idioma" in page
    # The email language chosen by staff is unchanged.
    ana.refresh_from_db()
    assert ana.language == "en"
    anas.post(f"{PORTAL}profile/", {"language": "en"})
    assert "Hello, Ana" in text(anas, HOME)
    entry = AuditEntry.objects.filter(action=AuditAction.LANGUAGE_CHOSEN).latest("id")
    assert entry.details == {"language": "en"}


def test_profile_language_overrides_the_cookie(anas: Browser) -> None:
    assert "Hola, Ana" in text(anas, f"{HOME}?language=es")
    anas.get(f"{PORTAL}?language=es")
    anas.post(f"{PORTAL}profile/", {"language": "en"})
    assert "Hello, Ana" in text(anas, HOME)


def test_same_language_is_not_recorded_again(anas: Browser) -> None:
    for _ in range(2):
        anas.post(f"{PORTAL}profile/", {"language": "es"})
    assert AuditEntry.objects.filter(action=AuditAction.LANGUAGE_CHOSEN).count() == 1


@pytest.mark.parametrize("language", ["", "fr", "es-MX", "\x00", "e" * 5000])
def test_unknown_language_is_refused(anas: Browser, language: str) -> None:
    answer = anas.post(f"{PORTAL}profile/", {"language": language})
    assert answer.status_code == 422
    assert "Choose a language." in answer.content.decode()
    assert "Hello, Ana" in text(anas, HOME)


def test_every_page_offers_to_switch_clients(client: Browser, practice: Practice) -> None:
    bruno = cast.bruno(practice)
    bea, bo = cast.bea(practice), cast.client(practice, "Bo", "Berg", address="bruno@mail.example")
    for child in (bea, bo):
        cast.with_access(child)
    browser = cast.in_the_portal(client, bruno)
    assert "Who is this for?" in text(browser, HOME)
    browser.post(f"{PORTAL}who/", {"client": bea.ref})
    for page in ("home/", "profile/"):
        shown = text(browser, PORTAL + page)
        for person in (bruno, bea, bo):
            assert f'value="{person.ref}"' in shown
        assert shown.count('aria-current="true"') == 1
    browser.post(f"{PORTAL}who/", {"client": bo.ref})
    assert "portal for Bo Berg" in text(browser, HOME)


def test_mailbox_at_two_practices_has_separate_sessions(client: Browser, practice: Practice) -> None:
    birch = cast.birch()
    here, there = cast.ana(practice), cast.client(birch, "Ana", "Elsewhere", address="ana@mail.example")
    browser = cast.in_the_portal(client, here)
    assert browser.get("/portal/birch-lane/home/").status_code == 302
    access_grants.save_access(
        here,
        AccessInput(enabled=False, address=None, access_billing_documents=True, pay_by_card=False),
        version=None,
        by=cast.DESK,
    )
    other = cast.in_the_portal(Browser(), there)
    assert other.get("/portal/birch-lane/home/").status_code == 200
    assert other.get(HOME).status_code == 302


def test_a_parent_is_not_greeted_by_the_childs_name(client: Browser, practice: Practice) -> None:
    bea = cast.bea(practice)
    bea.date_of_birth = clock.today("UTC") - timedelta(days=3000)
    bea.save(update_fields=["date_of_birth"])
    page = text(cast.in_the_portal(client, bea), HOME)
    assert "Hello, Bea" not in page
    assert "This is the portal for Bea Berg." in page
