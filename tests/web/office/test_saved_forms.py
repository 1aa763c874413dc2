"""A form posted after the session had ended is shown again, to the same person only."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from portico.domain.practices.models import Practice, StaffMember, StaffSavedForm
from portico.domain.practices.staff import saved_forms
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing import form_recovery
from portico.plumbing.form_recovery import PostedField
from tests import cast

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

PAGE = "/office/clients/new/"
TYPED = {"first_name": "Émile <b>", "email_ok": "on", "new_password": "hunter2 hunter2", "note": "line one\nline two"}


def leave_and_post(
    office: Browser, stopped_clock: time_machine.Traveller, typed: dict[str, str] | None = None
) -> "Answer":
    stopped_clock.shift(timedelta(minutes=20))
    return office.post(PAGE, TYPED if typed is None else typed)


def sign_in(browser: Browser, door: str, email: str) -> "Answer":
    return browser.post(door, {"email": email, "password": cast.PASSWORD})


def test_sign_in_page_mentions_the_saved_form(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    door = leave_and_post(office, stopped_clock)["Location"]
    page = office.get(door).content.decode()
    assert "Your session ended" in page
    assert "Your entries are kept" in page
    assert "Émile" not in page


def test_same_person_can_submit_it_again(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    door = leave_and_post(office, stopped_clock)["Location"]
    landing = sign_in(office, door, "fay@alder-street.example")["Location"]
    page = office.get(landing).content.decode()
    assert f'action="{PAGE}" method="post"' in page
    assert '<input type="hidden" name="first_name" value="Émile &lt;b&gt;">' in page
    assert "<dt>First name</dt>" in page
    assert "csrfmiddlewaretoken" in page


def test_passwords_are_not_saved(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    leave_and_post(office, stopped_clock)
    names = {field.name for field in form_recovery.fields_of(StaffSavedForm.objects.get())}
    assert names == {"first_name", "email_ok", "note"}


def test_files_are_not_saved(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=16))
    picture = SimpleUploadedFile("logo.png", b"a picture", content_type="image/png")
    answer = office.post("/office/settings/practice/logo/", {"note": "Ours", "logo": picture})
    assert "kept=" in answer["Location"]
    assert [field.name for field in form_recovery.fields_of(StaffSavedForm.objects.get())] == ["note"]


@pytest.mark.parametrize(
    "name", ["password", "password2", "form-0-pin", "stripe_key", "webhook-secret", "PIN", "csrfmiddlewaretoken"]
)
def test_secrets_are_recognised_by_field_name(practice: Practice, name: str) -> None:
    assert saved_forms.save(cast.fay(practice), path=PAGE, fields=[PostedField(name, "x")]) is None


def test_form_is_encrypted_in_the_database(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    leave_and_post(office, stopped_clock)
    assert b"mile" not in bytes(StaffSavedForm.objects.get().contents)


def test_a_colleague_at_the_same_desk_does_not_see_it(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    hal = cast.hal(practice)
    door = leave_and_post(office, stopped_clock)["Location"]
    assert sign_in(office, door, hal.email)["Location"] == "/office/clients/"
    assert office.get(f"/office/kept/{StaffSavedForm.objects.get().ref}/").status_code == 404


def test_other_practices_staff_do_not_see_it(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    leave_and_post(office, stopped_clock)
    other = cast.signed_in(Browser(), cast.elm(cast.birch()))
    assert other.get(f"/office/kept/{StaffSavedForm.objects.get().ref}/").status_code == 404


def test_form_expires_after_an_hour(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    door = leave_and_post(office, stopped_clock)["Location"]
    stopped_clock.shift(timedelta(hours=1))
    assert sign_in(office, door, "fay@alder-street.example")["Location"] == "/office/clients/"
    assert saved_forms.delete_expired() == 1
    assert not StaffSavedForm.objects.exists()


def test_the_ended_session_is_remembered_for_an_hour(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=74))
    SessionStore.clear_expired()
    office.post(PAGE, TYPED)
    assert StaffSavedForm.objects.count() == 1


def test_ended_session_is_unknown_after_an_hour(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=76))
    office.post(PAGE, TYPED)
    SessionStore.clear_expired()
    assert not StaffSavedForm.objects.exists()


def test_visitor_without_session_saves_nothing(client: Browser, practice: Practice) -> None:
    client.post(PAGE, TYPED)
    assert not StaffSavedForm.objects.exists()


def test_signed_out_staff_save_nothing(office: Browser) -> None:
    cookies = {name: morsel.value for name, morsel in office.cookies.items()}
    office.post("/office/sign-out/")
    for name, value in cookies.items():
        office.cookies[name] = value
    office.post(PAGE, TYPED)
    assert not StaffSavedForm.objects.exists()


def test_script_requests_are_not_saved(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=20))
    office.post(PAGE, TYPED, headers={"HX-Request": "true"})
    assert not StaffSavedForm.objects.exists()


def test_empty_form_is_not_saved(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    door = leave_and_post(office, stopped_clock, {"first_name": " "})["Location"]
    assert "Your entries are kept" not in office.get(door).content.decode()


def test_sixth_form_replaces_the_oldest(practice: Practice) -> None:
    fay: StaffMember = cast.fay(practice)
    for number in range(6):
        saved_forms.save(fay, path=PAGE, fields=[PostedField("first_name", f"name {number}")])
    assert fay.saved_forms.count() == 5
    oldest = fay.saved_forms.order_by("id").first()
    assert oldest is not None
    assert form_recovery.fields_of(oldest) == [PostedField("first_name", "name 1")]


def test_hidden_fields_are_submitted_but_not_listed(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    hidden = {"form_key": "k" * 43, "version": "3", "shown": "140.00"}
    door = leave_and_post(office, stopped_clock, {"first_name": "Ana", **hidden})["Location"]
    page = office.get(sign_in(office, door, "fay@alder-street.example")["Location"]).content.decode()
    for name, value in hidden.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    assert page.count("<dt>") == 1
