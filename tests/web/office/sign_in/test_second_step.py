"""The second step of signing in, and setting up the first factor."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client as Browser
from django.urls import NoReverseMatch, reverse
from pytest_django.fixtures import Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, SetUpLink, SetUpPurpose, StaffMember, StaffSession
from portico.domain.practices.staff import authenticator_apps, recovery_codes, second_factor, set_up_links
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

DOOR = "/office/sign-in/"
STEP = "/office/sign-in/second-step/"
SET_UP = "/office/sign-in/set-up/"
CODES = "/office/sign-in/recovery-codes/"


@pytest.fixture(autouse=True)
def as_in_production(settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.fixture
def fay(practice: Practice) -> StaffMember:
    return cast.fay(practice)


@pytest.fixture
def secret(fay: StaffMember) -> str:
    """The secret of Fay's authenticator app."""
    return cast.with_authenticator(fay)


def by_password(browser: Browser, member: StaffMember, *, query: str = "") -> "Answer":
    return browser.post(f"{DOOR}{query}", {"email": member.email, "password": cast.PASSWORD})


def text(answer: "Answer") -> str:
    return answer.content.decode()


@pytest.mark.parametrize("purpose", SetUpPurpose)
def test_set_up_page_mentions_the_next_step(fay: StaffMember, purpose: SetUpPurpose) -> None:
    browser, token = Browser(), set_up_links.create_link(fay, by=fay.actor)
    SetUpLink.objects.update(purpose=purpose)
    page = text(browser.get(f"/office/set-up/{token}/", follow=True))
    assert ("Next, you’ll set up an authenticator app" in page) is (purpose == SetUpPurpose.BEGIN)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def key_of(browser: Browser) -> str:
    return browser.cookies[django_settings.SESSION_COOKIE_NAME].value


def test_password_then_code_opens_the_office(client: Browser, fay: StaffMember, secret: str) -> None:
    answer = client.get(by_password(client, fay)["Location"], follow=True)
    assert answer.redirect_chain[-1][0].startswith(STEP)
    assert '<label for="id_otp">Authenticator code</label>' in text(answer)
    answer = client.post(answer.redirect_chain[-1][0], {"otp": cast.code_now(secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/office/clients/")
    assert client.get("/office/clients/").status_code == 200
    assert actions()[-2:] == [AuditAction.STAFF_PASSWORD_ACCEPTED, AuditAction.STAFF_SIGNED_IN]
    assert AuditEntry.objects.latest("id").details == {"way": "authenticator"}


def test_requested_page_is_kept_through_both_steps(client: Browser, fay: StaffMember, secret: str) -> None:
    asked = client.get("/office/emails/?state=failed")
    answer = client.post(asked["Location"], {"email": fay.email, "password": cast.PASSWORD})
    step = client.get(answer["Location"])["Location"]
    assert client.post(step, {"otp": cast.code_now(secret)})["Location"] == "/office/emails/?state=failed"


def test_saved_form_is_shown_after_the_second_step(
    client: Browser, fay: StaffMember, secret: str, stopped_clock: time_machine.Traveller
) -> None:
    cast.signed_in_with_factor(client, fay)
    stopped_clock.shift(timedelta(minutes=20))
    door = client.post("/office/clients/new/", {"first_name": "Émile"})["Location"]
    answer = client.post(door, {"email": fay.email, "password": cast.PASSWORD})
    step = client.get(answer["Location"])["Location"]
    assert step.startswith(STEP)
    answer = client.post(step, {"otp": cast.code_now(secret)})
    assert "Émile" in text(client.get(answer["Location"]))


def test_wrong_code_is_refused_and_not_shown_again(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    wrong = "000000" if cast.code_now(secret) != "000000" else "000001"
    answer = client.post(STEP, {"otp": wrong})
    assert answer.status_code == 422
    assert "That code is incorrect." in text(answer)
    assert wrong not in text(answer)
    assert client.get("/office/clients/").status_code == 302
    assert actions()[-1] == AuditAction.SECOND_FACTOR_REFUSED


def test_a_code_works_once(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    code = cast.code_now(secret)
    assert client.post(STEP, {"otp": code}).status_code == 302
    other = Browser()
    by_password(other, fay)
    assert other.post(STEP, {"otp": code}).status_code == 422


def test_spaces_in_a_code_do_not_matter(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    code = cast.code_now(secret)
    assert client.post(STEP, {"otp": f" {code[:3]} {code[3:]} "}).status_code == 302


@pytest.mark.parametrize("typed", ["", "x" * 500, "१२३४५६", "\0", "' or 1=1", "１２３４５６"])
def test_any_input_gets_a_page(client: Browser, fay: StaffMember, secret: str, typed: str) -> None:
    by_password(client, fay)
    for name in ("otp", "recovery_code", "passkey", "password", "nothing"):
        assert client.post(STEP, {name: typed}).status_code == 422


def test_password_does_not_replace_the_second_factor(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    assert client.post(STEP, {"password": cast.PASSWORD}).status_code == 422


def test_sixth_attempt_in_five_minutes_is_refused(
    client: Browser, fay: StaffMember, secret: str, stopped_clock: time_machine.Traveller
) -> None:
    by_password(client, fay)
    for _ in range(5):
        assert client.post(STEP, {"otp": "12345"}).status_code == 422
    answer = client.post(STEP, {"otp": cast.code_now(secret)})
    assert answer.status_code == 429
    assert "Too many attempts. Wait five minutes" in text(answer)
    assert actions()[-1] == AuditAction.SECOND_FACTOR_BEYOND_LIMIT
    # Each method has its own rate limit.
    assert client.post(STEP, {"recovery_code": recovery_codes.unused(fay)[0]}).status_code == 302
    stopped_clock.shift(timedelta(minutes=5, seconds=1))
    other = Browser()
    by_password(other, fay)
    assert other.post(STEP, {"otp": cast.code_now(secret)}).status_code == 302


def test_limits_of_wrong_codes_per_hour_and_day(
    client: Browser, fay: StaffMember, secret: str, stopped_clock: time_machine.Traveller
) -> None:
    said: list[str] = []
    refused: list[int] = []
    # Thirty attempts an hour for six hours, and one more late in the day.
    for turn in range(37):
        cast.signed_in(client, fay)
        for _ in range(5):
            answer = client.post(STEP, {"otp": "12345"})
        said.append(text(answer))
        refused.append(AuditEntry.objects.filter(action=AuditAction.SECOND_FACTOR_REFUSED).count())
        stopped_clock.shift(timedelta(hours=17) if turn == 35 else timedelta(minutes=10))
    assert (refused[5], refused[-1]) == (20, 50)
    assert any("Wait an hour" in page for page in said)
    assert "Wait a day" in said[-1]


def test_recovery_code_works_once_and_sends_an_email(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    page = text(client.get(f"{STEP}?recovery=1&next=/office/emails/"))
    assert '<label for="id_recovery_code">Recovery code</label>' in page
    code = recovery_codes.unused(fay)[0]
    answer = client.post(f"{STEP}?recovery=1&next=/office/emails/", {"recovery_code": code})
    assert answer["Location"] == "/office/emails/"
    assert OutgoingEmail.objects.latest("id").subject == "A recovery code was used"
    other = Browser()
    by_password(other, fay)
    answer = other.post(STEP, {"recovery_code": code})
    assert "That recovery code is incorrect" in text(answer)
    assert len(recovery_codes.unused(fay)) == 7


def test_each_step_gets_a_new_session_id(client: Browser, fay: StaffMember, secret: str) -> None:
    client.cookies[django_settings.SESSION_COOKIE_NAME] = "x" * 32
    by_password(client, fay)
    half = key_of(client)
    assert half != "x" * 32
    client.post(STEP, {"otp": cast.code_now(secret)})
    assert key_of(client) != half
    session = StaffSession.objects.get()
    assert session.key_hash == tokens.digest(key_of(client))
    assert session.staff == fay


def test_the_first_id_opens_nothing_after_the_second_step(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    half = key_of(client)
    client.post(STEP, {"otp": cast.code_now(secret)})
    thief = Browser()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = half
    assert thief.get("/office/clients/")["Location"].startswith(DOOR)
    assert thief.get(STEP)["Location"].startswith(DOOR)


def test_htmx_request_redirects_the_whole_page(client: Browser, fay: StaffMember) -> None:
    cast.signed_in(client, fay)
    answer = client.get("/office/clients/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == f"{STEP}?next=%2Foffice%2Fclients%2F"


def test_one_can_sign_out_before_the_second_step(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    assert client.post("/office/sign-out/").status_code == 302
    assert not StaffSession.objects.exists()


def test_signed_in_staff_are_not_asked_again(client: Browser, fay: StaffMember, secret: str) -> None:
    cast.signed_in_with_factor(client, fay)
    for page in (STEP, SET_UP, CODES, f"{CODES}text/"):
        answer = client.get(f"{page}?next=/office/emails/", follow=True)
        assert answer.status_code == 200
        assert answer.redirect_chain[-1][0] in {"/office/emails/", "/office/clients/"}


def test_password_alone_cannot_add_a_second_factor(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    assert client.get(SET_UP)["Location"] == STEP
    assert client.post(SET_UP, {"otp": "123456"})["Location"] == STEP
    assert second_factor.factors_of(fay).count() == 1


def test_concurrent_first_factor_set_up_is_refused(client: Browser, fay: StaffMember) -> None:
    cast.signed_in(client, fay)
    client.get(SET_UP)
    secret = client.session["authenticator-secret"]
    cast.with_authenticator(fay)
    with pytest.raises(second_factor.SecondFactorAlreadySetUp):
        authenticator_apps.set_up(fay, secret, code=cast.code_now(secret), first=True, by=fay.actor)


def test_from_set_up_link_to_the_office(client: Browser, fay: StaffMember) -> None:
    """From the set-up link to the office."""
    token = set_up_links.create_link(fay, by=cast.DESK)
    client.get(f"/office/set-up/{token}/")
    chosen = {"subject": fay.ref, "password": "four green boats at dawn"}
    answer = client.post("/office/set-up/", chosen, follow=True)
    address = answer.redirect_chain[-1][0]
    assert address.startswith(SET_UP)
    page = text(answer)
    assert '<svg class="qr" role="img" aria-label="QR code for your authenticator app"' in page
    secret = client.session["authenticator-secret"]
    assert " ".join(secret[at : at + 4] for at in range(0, 32, 4)) in page
    assert client.post(address, {"otp": "000 000"}).status_code == 422
    assert secret == client.session["authenticator-secret"]
    answer = client.post(address, {"otp": cast.code_now(secret)}, follow=True)
    assert answer.redirect_chain[-1][0].startswith(CODES)
    codes = recovery_codes.unused(fay)
    assert len(codes) == 8
    assert all(f"<li>{code}</li>" in text(answer) for code in codes)
    assert "Step 3 of 3" in text(answer)
    # No page opens before the codes are confirmed.
    assert client.get("/office/clients/")["Location"].startswith(CODES)
    saved = client.get(f"{CODES}text/")
    assert saved["Content-Disposition"] == 'attachment; filename="recovery-codes-alder-street.txt"'
    assert all(code in text(saved) for code in codes)
    assert saved["Cache-Control"] == answer["Cache-Control"] == "no-store"
    assert client.post(answer.redirect_chain[-1][0])["Location"] == "/office/clients/"
    assert client.get("/office/clients/").status_code == 200
    assert client.get(CODES, follow=True).redirect_chain == [("/office/clients/", 302)]
    assert "authenticator-secret" not in client.session
    assert actions()[-2:] == [AuditAction.RECOVERY_CODES_MADE, AuditAction.STAFF_SIGNED_IN]


def test_codes_are_shown_only_to_their_session(client: Browser, fay: StaffMember, secret: str) -> None:
    cast.signed_in(client, fay)
    assert client.get(CODES)["Location"] == STEP
    assert client.get(f"{CODES}text/")["Location"] == CODES


def test_a_browser_without_passkeys_is_offered_none(client: Browser, fay: StaffMember) -> None:
    cast.signed_in(client, fay)
    page = " ".join(text(client.get(SET_UP)).split())
    assert 'data-question="/office/sign-in/set-up/passkey/" hidden>' in page
    assert "data-needs-passkeys hidden>" in page


@pytest.mark.parametrize("answer", ["{}", "[]", "null", "[[[", '{"response": 5}', "x" * 20_000, '{"id": 1}'])
def test_a_passkey_that_no_browser_made_is_refused(client: Browser, fay: StaffMember, answer: str) -> None:
    cast.signed_in(client, fay)
    client.post(f"{SET_UP}passkey/")
    assert client.post(SET_UP, {"name": "Chrome on Linux", "passkey": answer}).status_code == 422
    assert not second_factor.is_set_up(fay)


def test_used_up_recovery_codes_are_not_offered(client: Browser, fay: StaffMember, secret: str) -> None:
    for code in recovery_codes.unused(fay):
        recovery_codes.use(fay, code)
    by_password(client, fay)
    assert client.post(STEP, {"recovery_code": "00000-00000"}).status_code == 422
    assert client.post(STEP, {"otp": cast.code_now(secret)}).status_code == 302


def test_former_staff_cannot_complete_sign_in(client: Browser, fay: StaffMember, secret: str) -> None:
    by_password(client, fay)
    StaffMember.objects.update(deactivated_at="2026-11-01T00:00:00Z")
    assert client.post(STEP, {"otp": cast.code_now(secret)})["Location"].startswith(DOOR)


@pytest.mark.parametrize("name", ["mfa_authenticate", "mfa_index", "account_login", "account_reset_password"])
def test_allauth_views_have_no_url(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/2fa/", "/office/2fa/authenticate/", "/mfa/"])
def test_allauth_paths_are_404(client: Browser, practice: Practice, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_demo_asks_for_no_second_factor(client: Browser, fay: StaffMember, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = False
    cast.with_authenticator(fay)
    assert by_password(client, fay)["Location"] == "/office/clients/"
    assert client.get("/office/clients/").status_code == 200
