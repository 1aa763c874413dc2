"""A staff member's own account: name, email, password, second factors and sessions."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries, Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, SetUpLink, StaffMember, StaffSession
from portico.domain.practices.staff import authenticator_apps, passkeys, recovery_codes, second_factor, set_up_links
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

PAGE = "/office/account/"
GOOD = "four green boats at dawn"


@pytest.fixture
def fay(practice: Practice, office: Browser) -> StaffMember:
    """The staff member who is signed in in `office`."""
    return StaffMember.objects.get(name="Fay")


def text(answer: "Answer") -> str:
    return answer.content.decode()


def subjects_to(address: str) -> list[str]:
    emails = OutgoingEmail.objects.filter(to_address=address).order_by("id")
    return list(emails.values_list("subject", flat=True))


def add_passkey_row(member: StaffMember, name: str, ref: str) -> None:
    """Adds the database row of a passkey, without a device."""
    second_factor.authenticators_of(member).create(user=member, type=passkeys.KIND, data={"name": name, "ref": ref})


def test_page_has_a_fixed_query_count(
    office: Browser, fay: StaffMember, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    cast.with_authenticator(fay)
    office.get(PAGE)
    with django_assert_num_queries(4):
        page = text(office.get(PAGE))
    assert fay.email in page
    assert "8 codes left." in page
    for number in range(5):
        add_passkey_row(fay, f"Device {number}", f"ref{number}")
        cast.signed_in(Browser(), fay)
    with django_assert_num_queries(4):
        page = text(office.get(PAGE))
    assert "Device 4" in page
    assert page.count("Last active") == 5


def test_new_name_is_used_everywhere(office: Browser, fay: StaffMember) -> None:
    answer = office.post(f"{PAGE}details/", {"name": " Fay  Okafor ", "email": fay.email})
    assert answer["Location"] == PAGE
    fay.refresh_from_db()
    assert fay.name == "Fay Okafor"
    assert AuditEntry.objects.latest("id").action == AuditAction.STAFF_RENAMED
    assert not OutgoingEmail.objects.exists()


def test_new_email_signs_in_and_old_one_is_notified(office: Browser, fay: StaffMember) -> None:
    set_up_links.create_link(fay, by=cast.DESK)
    office.post(f"{PAGE}details/", {"name": fay.name, "email": "Fay.Okafor@Alder-Street.example"})
    fay.refresh_from_db()
    assert fay.email == "fay.okafor@alder-street.example"
    assert AuditEntry.objects.get(action=AuditAction.STAFF_EMAIL_CHANGED).about == fay.ref
    assert subjects_to("fay@alder-street.example") == ["Your sign-in address was changed"]
    assert subjects_to(fay.email) == []
    # A link sent to the old address no longer works.
    assert SetUpLink.objects.get().used_at is not None
    other = Browser()
    assert other.post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD}).status_code == 302


@pytest.mark.parametrize("email", ["fay@localhost", "'fay@alder.example", "fay@[192.0.2.7]"])
def test_undeliverable_email_is_refused(office: Browser, fay: StaffMember, email: str) -> None:
    answer = office.post(f"{PAGE}details/", {"name": fay.name, "email": email})
    assert answer.status_code == 422
    assert "email address" in answer.content.decode()
    fay.refresh_from_db()
    assert fay.email == "fay@alder-street.example"


def test_existing_email_without_full_domain_may_stay(office: Browser, fay: StaffMember) -> None:
    StaffMember.objects.update(email="fay@localhost")
    assert office.post(f"{PAGE}details/", {"name": "Fay Okafor", "email": "fay@localhost"}).status_code == 302
    fay.refresh_from_db()
    assert fay.name == "Fay Okafor"


def test_colleagues_email_is_refused(office: Browser, fay: StaffMember, practice: Practice) -> None:
    hal = cast.hal(practice)
    answer = office.post(f"{PAGE}details/", {"name": "Fay Okafor", "email": hal.email.upper()})
    assert answer.status_code == 422
    assert 'id="id_email_error"' in text(answer)
    assert 'value="Fay Okafor"' in text(answer)
    fay.refresh_from_db()
    assert (fay.name, fay.email) == ("Fay", "fay@alder-street.example")


def test_unchanged_details_change_nothing(office: Browser, fay: StaffMember) -> None:
    office.post(f"{PAGE}details/", {"name": fay.name, "email": fay.email})
    assert not AuditEntry.objects.exists()
    assert not OutgoingEmail.objects.exists()


@pytest.mark.parametrize("place", ["details/", "authenticator/", "passkeys/new/"])
def test_form_needs_reauthentication_after_ten_minutes(
    office: Browser, fay: StaffMember, stopped_clock: time_machine.Traveller, place: str
) -> None:
    stopped_clock.shift(timedelta(minutes=10, seconds=1))
    assert office.get(f"{PAGE}{place}")["Location"].startswith("/office/prove/?next=%2Foffice%2Faccount%2F")
    answer = office.post(f"{PAGE}{place}", {"name": "Eve", "email": "eve@evil.example"})
    assert answer["Location"].startswith("/office/prove/")
    fay.refresh_from_db()
    assert fay.name == "Fay"


@pytest.mark.parametrize("place", ["authenticator/removing/", "recovery-codes/", "passkeys/ref0/removing/"])
def test_button_needs_reauthentication_after_ten_minutes(
    office: Browser, fay: StaffMember, stopped_clock: time_machine.Traveller, place: str
) -> None:
    cast.with_authenticator(fay)
    add_passkey_row(fay, "Phone", "ref0")
    before = recovery_codes.unused(fay)
    stopped_clock.shift(timedelta(minutes=10, seconds=1))
    assert office.post(f"{PAGE}{place}")["Location"].startswith("/office/prove/")
    assert second_factor.factors_of(fay).count() == 2
    assert recovery_codes.unused(fay) == before


def change_password(office: Browser, new: str, now: str = cast.PASSWORD) -> "Answer":
    return office.post(f"{PAGE}password/", {"password": now, "new_password": new})


def test_new_password_ends_other_sessions_and_notifies(office: Browser, fay: StaffMember) -> None:
    other = cast.signed_in(Browser(), fay)
    assert change_password(office, GOOD)["Location"] == PAGE
    fay.refresh_from_db()
    assert fay.check_password(GOOD)
    assert subjects_to(fay.email) == ["Your password was changed"]
    assert AuditEntry.objects.latest("id").action == AuditAction.PASSWORD_CHANGED
    assert office.get(PAGE).status_code == 200
    assert other.get(PAGE).status_code == 302
    assert StaffSession.objects.count() == 1


def test_old_password_is_required(office: Browser, fay: StaffMember) -> None:
    for _ in range(5):
        answer = change_password(office, GOOD, "not the password")
        assert (answer.status_code, "That password is incorrect." in text(answer)) == (422, True)
    answer = change_password(office, GOOD)
    assert (answer.status_code, "Too many attempts" in text(answer)) == (429, True)
    fay.refresh_from_db()
    assert fay.check_password(cast.PASSWORD)


@pytest.mark.parametrize("weak", ["short", "password1234", "fay@alder-street.example", ""])
def test_a_weak_password_is_refused_on_its_field(office: Browser, fay: StaffMember, weak: str) -> None:
    answer = change_password(office, weak)
    assert answer.status_code == 422
    assert 'id="id_new_password_error"' in text(answer)
    assert not OutgoingEmail.objects.exists()


def test_the_password_can_be_pasted(office: Browser, fay: StaffMember) -> None:
    page = text(office.get(f"{PAGE}password/"))
    assert "onpaste" not in page
    assert 'autocomplete="new-password"' in page


def set_up_app(office: Browser) -> tuple[str, "Answer"]:
    office.get(f"{PAGE}authenticator/")
    secret: str = office.session["authenticator-secret"]
    return secret, office.post(f"{PAGE}authenticator/", {"otp": cast.code_now(secret)})


def test_first_app_creates_recovery_codes(office: Browser, fay: StaffMember) -> None:
    _secret, answer = set_up_app(office)
    assert answer["Location"] == "/office/sign-in/recovery-codes/?next=%2Foffice%2Faccount%2F"
    page = text(office.get(answer["Location"]))
    assert recovery_codes.unused(fay)[0] in page
    assert "Step 3 of 3" not in page
    assert office.post(answer["Location"])["Location"] == PAGE
    assert subjects_to(fay.email) == ["An authenticator app was set up"]
    assert AuditEntry.objects.get(action=AuditAction.AUTHENTICATOR_ADDED).about == fay.ref


def test_a_new_app_replaces_the_old_one_and_keeps_the_codes(
    office: Browser, fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    old = cast.with_authenticator(fay)
    codes = recovery_codes.unused(fay)
    stopped_clock.shift(timedelta(seconds=60))
    secret, answer = set_up_app(office)
    assert answer["Location"] == PAGE
    assert recovery_codes.unused(fay) == codes
    told = AuditEntry.objects.filter(about=fay.ref).order_by("-id").values_list("action", flat=True)
    assert list(told[:2]) == [AuditAction.AUTHENTICATOR_ADDED, AuditAction.AUTHENTICATOR_REMOVED]
    stopped_clock.shift(timedelta(seconds=60))
    assert not authenticator_apps.use(fay, cast.code_now(old))
    assert authenticator_apps.use(fay, cast.code_now(secret))


def test_wrong_code_keeps_the_existing_app(office: Browser, fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    before = second_factor.factors_of(fay).get().data
    office.get(f"{PAGE}authenticator/")
    answer = office.post(f"{PAGE}authenticator/", {"otp": "12345"})
    assert (answer.status_code, "That code is incorrect." in text(answer)) == (422, True)
    assert second_factor.factors_of(fay).get().data == before


def test_last_required_factor_cannot_be_removed(office: Browser, fay: StaffMember, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    cast.with_authenticator(fay)
    cast.signed_in_with_factor(office, fay)
    page = text(office.post(f"{PAGE}authenticator/removing/", follow=True))
    assert "This is your only sign-in method" in page
    assert second_factor.is_set_up(fay)
    add_passkey_row(fay, "Phone", "ref0")
    office.post(f"{PAGE}authenticator/removing/")
    assert second_factor.methods_of(fay) == {
        second_factor.SecondFactorMethod.PASSKEY,
        second_factor.SecondFactorMethod.RECOVERY_CODE,
    }
    assert "This is your only sign-in method" in text(office.post(f"{PAGE}passkeys/ref0/removing/", follow=True))


def test_removing_a_passkey_notifies(office: Browser, fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    add_passkey_row(fay, "Phone", "ref0")
    assert office.post(f"{PAGE}passkeys/ref0/removing/")["Location"] == PAGE
    assert passkeys.passkeys_of(fay) == []
    assert subjects_to(fay.email)[-1] == "A passkey was removed"
    assert AuditEntry.objects.get(action=AuditAction.PASSKEY_REMOVED).details == {"name": "Phone"}
    assert office.post(f"{PAGE}passkeys/ref0/removing/").status_code == 404


def test_colleagues_passkey_is_404(office: Browser, fay: StaffMember, practice: Practice) -> None:
    hal = cast.hal(practice)
    add_passkey_row(hal, "Phone", "ref0")
    assert office.post(f"{PAGE}passkeys/ref0/removing/").status_code == 404
    assert len(passkeys.passkeys_of(hal)) == 1


def test_new_codes_end_the_old_ones_and_are_shown_once(office: Browser, fay: StaffMember) -> None:
    cast.with_authenticator(fay)
    old = recovery_codes.unused(fay)
    answer = office.post(f"{PAGE}recovery-codes/")
    new = recovery_codes.unused(fay)
    assert len(new) == 8
    assert not set(old) & set(new)
    assert new[0] in text(office.get(answer["Location"]))
    office.post(answer["Location"])
    assert new[0] not in text(office.get(answer["Location"], follow=True))
    assert not recovery_codes.use(fay, old[0])


def test_no_recovery_codes_without_a_factor(office: Browser, fay: StaffMember) -> None:
    assert office.post(f"{PAGE}recovery-codes/")["Location"] == PAGE
    assert not second_factor.authenticators_of(fay).exists()


def test_session_names_its_browser(office: Browser, fay: StaffMember) -> None:
    phone = Browser(headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Safari/605"})
    phone.post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD})
    page = text(office.get(PAGE))
    assert "Safari on iPhone" in page
    assert "This device" in page


def test_one_session_is_ended(office: Browser, fay: StaffMember) -> None:
    phone, tablet = cast.signed_in(Browser(), fay), cast.signed_in(Browser(), fay)
    session = StaffSession.objects.order_by("id")[1]
    assert office.post(f"{PAGE}sessions/{session.ref}/ending/")["Location"] == PAGE
    assert phone.get(PAGE).status_code == 302
    assert tablet.get(PAGE).status_code == office.get(PAGE).status_code == 200
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.details) == (AuditAction.STAFF_SESSION_ENDED, {"number": 1})


def test_all_others_are_ended_at_once(office: Browser, fay: StaffMember) -> None:
    others = [cast.signed_in(Browser(), fay) for _ in range(3)]
    office.post(f"{PAGE}sessions/ending/")
    assert [other.get(PAGE).status_code for other in others] == [302] * 3
    assert office.get(PAGE).status_code == 200
    assert AuditEntry.objects.latest("id").details == {"number": 3}
    office.post(f"{PAGE}sessions/ending/")
    assert AuditEntry.objects.filter(action=AuditAction.STAFF_SESSION_ENDED).count() == 1


def test_colleagues_session_is_404(office: Browser, practice: Practice) -> None:
    hal = cast.signed_in(Browser(), cast.hal(practice))
    session = StaffSession.objects.latest("id")
    assert office.post(f"{PAGE}sessions/{session.ref}/ending/").status_code == 404
    assert hal.get(PAGE).status_code == 200
