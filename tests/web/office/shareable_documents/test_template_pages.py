"""Shareable documents in the office: the list, the editor, publishing, and who may do it."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from portico.domain.documents.completion import signatures
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import starter_set, template_editing
from portico.domain.practices.models import Practice, Role
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents
from tests.support import files

pytestmark = pytest.mark.django_db
LIST = "/office/settings/documents/"
# Session, staff member with the practice, the list, and the archived ones.
QUERIES = 4


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def _consent(practice: Practice, title: str = "Consent") -> DocumentTemplate:
    return template_editing.create(practice, kind=TemplateKind.CONSENT, title=title, by=cast.DESK)


def _page(template: DocumentTemplate) -> str:
    return f"{LIST}{template.ref}/"


def _typed(template: DocumentTemplate, **values: str) -> dict[str, Any]:  # Any: also files.
    template.refresh_from_db()
    texts = {"title": template.title, "title_en": "Consent", "text_en": "# Risks\n\nI agree."}
    return texts | {"revision": str(template.revision)} | values


def test_a_consent_is_made_read_and_published(owner: Browser, practice: Practice) -> None:
    owner.post(f"{LIST}new/", {"kind": "consent", "title": "Consent"})
    template = DocumentTemplate.objects.get()
    assert "The text is missing." in owner.get(_page(template)).text
    page = owner.post(_page(template), _typed(template), follow=True).text
    assert "about 1 minute" in " ".join(page.split())
    assert "<h2>Risks</h2>" in owner.get(f"{_page(template)}preview/en/").text
    page = owner.post(f"{_page(template)}publication/", _typed(template), follow=True).text
    assert "Version 1 is published" in page
    template.refresh_from_db()
    assert template.current_version is not None
    assert template.current_version.published_by == "Dr. Naomi Elm"
    actions = AuditEntry.objects.filter(about=template.ref).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["template.created", "template.edited", "template.published"]


def test_what_was_typed_stays_when_it_is_refused(owner: Browser, practice: Practice) -> None:
    template = _consent(practice)
    answer = owner.post(_page(template), _typed(template, text_en="My card is 4111 1111 1111 1111", note_en="Read me"))
    assert answer.status_code == 422
    assert "looks like a card number" in answer.text
    assert "Read me" in answer.text
    assert "4111" not in answer.text


def test_the_second_of_two_editors_is_told(owner: Browser, practice: Practice) -> None:
    template = _consent(practice)
    stale = _typed(template, text_en="By Hal.")
    owner.post(_page(template), _typed(template, text_en="By Dr Elm."))
    answer = owner.post(_page(template), stale)
    assert answer.status_code == 409
    assert "changed after you opened this page" in answer.text
    assert "By Hal." in answer.text
    for typed in (stale, _typed(template, text_en="By Dr Elm.", revision=stale["revision"])):
        page = owner.post(f"{_page(template)}publication/", typed, follow=True).text
        assert "changed after you opened this page" in page
    template.refresh_from_db()
    assert template.current_version is None


def test_each_button_saves_all_that_was_entered(owner: Browser, practice: Practice) -> None:
    template = _consent(practice)
    settings = {"title": "Consent 2026", "in_welcome_packet": "on", "repeat_after_months": "12"}
    for number, button in enumerate(("", "publication/"), 1):
        typed = _typed(template, **settings, note_en=f"Note {number}")
        assert f"Note {number}" in owner.post(f"{_page(template)}{button}", typed, follow=True).text
    template.refresh_from_db()
    assert (template.title, template.in_welcome_packet) == ("Consent 2026", True)
    assert (template.may_be_declined, template.repeat_after_months) == (False, 12)
    assert template.current_version is not None
    assert template.current_version.content["en"]["note"] == "Note 2"


def test_neither_text_nor_setting_is_saved_if_one_is_refused(owner: Browser, practice: Practice) -> None:
    _consent(practice, "Taken")
    template = _consent(practice)
    before = template.revision
    answer = owner.post(_page(template), _typed(template, title="Taken", note_en="Read me"))
    assert answer.status_code == 409
    assert "Another document has this title." in answer.text
    assert "Read me" in answer.text
    template.refresh_from_db()
    assert template.revision == before


def test_files_are_saved_with_the_texts(owner: Browser, practice: Practice) -> None:
    template = template_editing.create(practice, kind=TemplateKind.FILE, title="Policies", by=cast.DESK)
    both = {f"file_{each}": SimpleUploadedFile(f"{each}.pdf", files.pdf(each.encode())) for each in ("en", "es")}
    page = owner.post(_page(template), _typed(template, note_en="Read me") | both, follow=True).text
    assert all(text in page for text in ("en.pdf", "es.pdf", "Read me"))
    wrong = {"file_es": SimpleUploadedFile("es.pdf", b"MZ")}
    answer = owner.post(_page(template), _typed(template, note_en="Read again") | wrong)
    assert answer.status_code == 409
    assert all(text in answer.text for text in ("Choose a PDF", "Choose the file again.", "Read again"))
    template.refresh_from_db()
    assert template.draft["en"]["note"] == "Read me"


def test_the_list_is_ordered_by_move_up(owner: Browser, practice: Practice) -> None:
    for title in ("One", "Two", "Three"):
        _consent(practice, title)
    third = DocumentTemplate.objects.get(title="Three")
    page = owner.post(f"{_page(third)}place/", {"place": "1"}, follow=True).text
    assert page.index("One") < page.index("Three") < page.index("Two")
    owner.post(f"{_page(third)}place/", {"place": "x"})
    third.refresh_from_db()
    assert third.position == 1


def test_the_welcome_packet_is_chosen_in_the_list(owner: Browser, practice: Practice) -> None:
    template = _consent(practice)
    owner.post(f"{_page(template)}welcome-packet/", {"included": "yes"})
    template.refresh_from_db()
    assert template.in_welcome_packet


def test_an_archived_document_comes_back(owner: Browser, practice: Practice) -> None:
    template = _consent(practice)
    page = owner.post(f"{_page(template)}archiving/", follow=True).text
    assert "1 archived document" in page
    owner.post(f"{_page(template)}restoration/")
    template.refresh_from_db()
    assert template.archived_at is None


def test_the_starter_set_is_offered_until_it_is_there(owner: Browser, practice: Practice) -> None:
    assert "Add the starter set" in owner.get(LIST).text
    page = owner.post(f"{LIST}starter-set/", follow=True).text
    assert "7 documents were added." in page
    assert "Add the starter set" not in page


def test_a_copy_opens(owner: Browser, practice: Practice) -> None:
    assert "Copy of Consent" in owner.post(f"{_page(_consent(practice))}copy/", follow=True).text


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.BILLER])
def test_only_owners_and_clinicians_make_documents(client: Browser, practice: Practice, role: Role) -> None:
    template = _consent(practice)
    browser = cast.signed_in(client, cast.staff_member(practice, "Ivy", role))
    assert browser.get(LIST).status_code == 403
    assert browser.post(f"{_page(template)}publication/").status_code == 403


def test_a_clinician_finds_the_documents_in_the_menu(client: Browser, practice: Practice) -> None:
    browser = cast.signed_in(client, cast.hal(practice))
    assert LIST in browser.get("/office/clients/").text
    page = browser.get(LIST).text
    assert "/office/settings/team/" not in page


def test_another_practices_document_does_not_exist(owner: Browser, practice: Practice) -> None:
    other = _consent(cast.birch())
    assert owner.get(_page(other)).status_code == 404
    assert owner.post(f"{_page(other)}archiving/").status_code == 404
    assert other.ref not in owner.get(LIST).text


@pytest.mark.parametrize("number", [0, 3])
def test_the_number_of_queries_is_fixed(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    if number:
        starter_set.add(practice, by=cast.DESK)
        starter_set.publish_all(practice, by=cast.DESK)
        template_editing.archive(_consent(practice), by=cast.DESK)
    with django_assert_num_queries(QUERIES):
        owner.get(LIST)


@pytest.mark.parametrize("title", ["PHQ-9", "Intake form", "Consent to treatment"])
def test_a_documents_pages_have_a_fixed_number_of_queries(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, title: str
) -> None:
    starter_set.add(practice, by=cast.DESK)
    template = DocumentTemplate.objects.get(title=title)
    # Session, staff member with the practice, and the document.
    for page in ("", "preview/en/", *(["questions/"] if template.kind == TemplateKind.FORM else [])):
        with django_assert_num_queries(3):
            owner.get(f"{_page(template)}{page}")


def _preview(owner: Browser, title: str, language: str = "en") -> str:
    return owner.get(f"{LIST}{DocumentTemplate.objects.get(title=title).ref}/preview/{language}/").text


def test_the_preview_shows_how_each_kind_is_completed(owner: Browser, practice: Practice) -> None:
    shared_documents.consent(practice)
    shared_documents.request_for_file(practice)
    shared_documents.file_to_read(practice)
    signed = _preview(owner, "Consent to treatment", "es")
    # The words of the page that clients sign, in the language of the document.
    assert "Firme aquí" in signed
    with translation.override("es"):
        assert signatures.intent() in signed
        assert signatures.agreement() in signed
    upload = _preview(owner, "Insurance card")
    assert '<input type="file" id="files" disabled' in upload
    assert "up to 25 MB at a time" in upload
    assert ">Office policies.pdf</b>" in _preview(owner, "Office policies")


@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("es", "Español")])
def test_the_preview_marks_its_language(owner: Browser, practice: Practice, language: str, name: str) -> None:
    shared_documents.consent(practice)
    page = _preview(owner, "Consent to treatment", language)
    chosen = re.findall(r'<a lang="(\w+)" href="[^"]*" aria-current="page">([^<]*)</a>', page)
    assert chosen == [(language, name)]
