"""`Settings` > `Emails`: the sender, and the default text of invitations."""

import re
from html import unescape

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.onboarding import invitation_text
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import DefaultText, Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.web.page_forms import forms_on

pytestmark = pytest.mark.django_db
EMAILS = "/office/settings/emails/"
ENGLISH, SPANISH = invitation_text.default_text("en"), invitation_text.default_text("es")
# Session with colleague and practice, default texts, the menu.
QUERIES = 3

TYPED = {
    "sender_name": "",
    "reply_to": "desk@alder.example",
    "version": "1",
    "en-subject": ENGLISH.subject,
    "en-message": ENGLISH.message,
    "es-subject": SPANISH.subject,
    "es-message": SPANISH.message,
}
OWN_TEXT = TYPED | {"en-subject": "Welcome to [practice name]", "en-message": "Dear [first name],\n\n[sign-in button]"}


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def shown(browser: Browser, address: str = EMAILS) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_new_invitations_use_the_practices_text(owner: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    assert "The email settings were saved." in owner.post(EMAILS, OWN_TEXT, follow=True).content.decode()
    for address in (f"/office/clients/{ana.ref}/edit/portal/", "/office/clients/new/"):
        page = shown(owner, address)
        assert "Welcome to [practice name]" in page
        assert "Dear [first name]," in page


def test_an_existing_draft_keeps_its_text(owner: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    draft = f"/office/clients/{ana.ref}/edit/portal/draft/"
    owner.post(draft, {"subject": "For you alone", "message": "Hello"})
    owner.post(EMAILS, OWN_TEXT)
    assert "For you alone" in shown(owner, f"/office/clients/{ana.ref}/edit/portal/")


def test_each_language_has_its_own_text(owner: Browser, practice: Practice) -> None:
    lucia = cast.client(practice, "Lucía", address="lucia@mail.example", language="es")
    owner.post(EMAILS, OWN_TEXT)
    assert SPANISH.subject in shown(owner, f"/office/clients/{lucia.ref}/edit/portal/")
    assert DefaultText.objects.get().language == "en"


def test_a_spanish_client_gets_the_spanish_text(owner: Browser, practice: Practice) -> None:
    owner.post(EMAILS, TYPED | {"es-subject": "Bienvenida a [practice name]"})
    page = owner.get("/office/clients/new/").text
    [form] = [form for form in forms_on(page, at="/office/clients/new/") if "send_now" in form.fields]
    typed = {
        "first_name": "Lucía",
        "language": "es",
        "enabled": "on",
        "send_now": "on",
        "form_key": form.fields["form_key"],
        "subject": form.fields["subject"],
        "message": form.fields["message"],
        "addresses-TOTAL_FORMS": "1",
        "addresses-INITIAL_FORMS": "0",
        "addresses-0-address": "lucia@mail.example",
        "addresses-0-kind": "home",
        "addresses-0-email_ok": "on",
        "phones-TOTAL_FORMS": "0",
        "phones-INITIAL_FORMS": "0",
    }
    assert owner.post("/office/clients/new/", typed).status_code == 302
    assert OutgoingEmail.objects.get().subject == "Bienvenida a Alder Street Therapy"


def test_porticos_default_text_is_not_stored(owner: Browser) -> None:
    owner.post(EMAILS, TYPED)
    assert not DefaultText.objects.exists()
    assert not AuditEntry.objects.filter(action=AuditAction.DEFAULT_TEXT_CHANGED).exists()


def test_restoring_the_default_is_saved_separately(owner: Browser) -> None:
    owner.post(EMAILS, OWN_TEXT)
    page = owner.post(EMAILS, OWN_TEXT | {"action": "own-en", "version": "2", "sender_name": "Half typ"})
    assert ENGLISH.subject in unescape(page.content.decode())
    assert 'value="Half typ"' in page.content.decode()
    assert DefaultText.objects.count() == 1
    owner.post(EMAILS, TYPED | {"version": "2"})
    assert not DefaultText.objects.exists()
    assert AuditEntry.objects.filter(action=AuditAction.DEFAULT_TEXT_RESET).count() == 1
    assert "Email text changed: Invitation, English" in owner.get("/office/settings/trail/").text


def test_the_sender_is_previewed_and_logged(owner: Browser, practice: Practice) -> None:
    owner.post(EMAILS, TYPED | {"sender_name": "The desk", "reply_to": "hello@alder.example"})
    practice.refresh_from_db()
    assert (practice.shown_sender, practice.reply_to) == ("The desk", "hello@alder.example")
    assert "The desk <" in shown(owner)
    entry = AuditEntry.objects.get(action=AuditAction.PRACTICE_EDITED)
    assert entry.details == {"fields": "sender_name, reply_to"}


def test_the_sender_defaults_to_the_practices_name(owner: Browser, practice: Practice) -> None:
    owner.post(EMAILS, TYPED)
    assert "Alder Street Therapy <" in shown(owner)


def test_the_preview_saves_nothing(owner: Browser) -> None:
    typed = TYPED | {"en-message": "Dear [first name], [[practice name]] {{7*7}}\n\nFrom [clinician name]"}
    fragment = unescape(owner.post(f"{EMAILS}en/preview/", typed).content.decode())
    page = unescape(owner.post(EMAILS, typed | {"action": "preview"}).content.decode())
    for text in (fragment, page):
        assert "Dear Jordan, [Alder Street Therapy] {{7*7}}" in text
        assert "From Dr. Naomi Elm" in text
        assert re.search(r"From Dr\. Naomi Elm</p>\s*<span class=\"button primary\">Sign In</span>", text)
    assert not DefaultText.objects.exists()


def test_a_preview_of_the_default_text_still_says_so(owner: Browser) -> None:
    typed = {name: text.replace("\n", "\r\n") for name, text in TYPED.items()}
    assert owner.post(EMAILS, typed | {"action": "preview"}).text.count(">Default text</span>") == 2


def test_the_spanish_preview_is_entirely_spanish(owner: Browser) -> None:
    fragment = unescape(owner.post(f"{EMAILS}es/preview/", TYPED).content.decode())
    assert 'lang="es"' in fragment
    assert "Sign In" not in fragment


def test_an_unknown_language_is_404(owner: Browser) -> None:
    assert owner.post(f"{EMAILS}fr/preview/", TYPED).status_code == 404


def test_a_reply_address_is_stored_in_ascii(owner: Browser, practice: Practice) -> None:
    owner.post(EMAILS, TYPED | {"reply_to": "desk@bücher.example"})
    practice.refresh_from_db()
    assert practice.reply_to == practice.reply_address == "desk@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("en-subject", "", "Enter a subject."),
        ("es-message", " \u200b ", "Enter a message."),
        ("en-subject", "x" * 151, "Enter at most 150 characters. You entered 151."),
        ("es-message", "x" * 5001, "Enter at most 5000 characters. You entered 5001."),
        ("reply_to", "desk", "Enter a complete email address, like desk@example.com"),
        ("reply_to", "désk@alder.example", "without accented letters"),
        ("reply_to", "'desk@alder.example'", "Enter a complete email address, like desk@example.com"),
        ("sender_name", "x" * 101, "Enter at most 100 characters. You entered 101."),
    ],
)
def test_invalid_input_is_explained_and_kept(
    owner: Browser, practice: Practice, field: str, value: str, sentence: str
) -> None:
    answer = owner.post(EMAILS, TYPED | {"en-subject": "Typed by hand", field: value})
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert sentence in page
    assert field == "en-subject" or "Typed by hand" in page
    assert not DefaultText.objects.exists()


def test_a_concurrent_edit_shows_both_versions(owner: Browser) -> None:
    owner.post(EMAILS, OWN_TEXT)
    answer = owner.post(EMAILS, TYPED | {"en-subject": "Mine"})
    page = unescape(answer.content.decode())
    assert answer.status_code == 409
    assert 'Subject: your version</dt><dd class="break">Mine</dd>' in page
    assert 'Subject: saved version</dt><dd class="break">Welcome to [practice name]</dd>' in page
    assert DefaultText.objects.get().subject == "Welcome to [practice name]"
    assert 'name="version" value="2"' in page


def test_another_practice_keeps_its_own_text(owner: Browser) -> None:
    owner.post(EMAILS, OWN_TEXT)
    assert invitation_text.default_of(cast.birch(), "en") == ENGLISH


def test_the_page_takes_a_fixed_number_of_queries(
    owner: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        owner.get(EMAILS)
        with django_assert_num_queries(QUERIES):
            owner.get(EMAILS)
        owner.post(EMAILS, OWN_TEXT)
