"""Requests for a file in the portal: photos and PDFs are sent, removed and submitted; everything else is refused."""

import io
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states, uploads
from portico.domain.documents.completion.uploads import TooManyFilesToday
from portico.domain.documents.models import DocumentRequest, RequestState, Submission, TemplateKind, Upload
from portico.domain.documents.refusals import DocumentWithdrawn
from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content, virus_checks
from portico.plumbing.models import AuditEntry, FileChunk, FileKind, StoredFile, VirusCheck
from tests import cast, shared_documents
from tests.support import files
from tests.support.database import disk
from tests.support.pictures import picture
from tests.support.portal_client import Browser
from tests.web.safety.test_no_card_number import CARD as CARD_NUMBER

pytestmark = pytest.mark.django_db
LIST = "/portal/alder-street/documents/"
CARD = {
    "en": {"title": "Insurance card", "note": "Send both sides.", "text": ""},
    "es": {"title": "Tarjeta del seguro", "note": "Envíe ambos lados.", "text": ""},
}
# The session with its accesses, the request, and its files.
PAGE_QUERIES = 3


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(client: Browser, ana: Client) -> Browser:
    return cast.in_the_portal(client, ana)


@pytest.fixture
def card(portal: Browser, ana: Client) -> DocumentRequest:
    return request_of(ana)


def request_of(person: Client) -> DocumentRequest:
    version = shared_documents.published(person.practice, TemplateKind.UPLOAD, CARD, may_be_declined=True)
    return shared_documents.shared(PortalAccess.objects.get(client=person), version)[0]


def send(portal: Browser, request: DocumentRequest, *contents: bytes, name: str = "card.pdf") -> tuple[int, str]:
    """Uploads the contents in one form; returns status and text of the page that follows."""
    posted = [SimpleUploadedFile(name, content) for content in contents]
    page = portal.post(f"{LIST}{request.ref}/upload/", {"files": posted}, follow=True)
    return page.status_code, page.text


def test_ana_sends_photos_and_submits_them(portal: Browser, card: DocumentRequest) -> None:
    page = portal.get(f"{LIST}{card.ref}/").text
    assert "Send both sides." in page
    assert "PDF, JPEG, PNG or HEIC, up to 25 MB" in page
    assert 'enctype="multipart/form-data"' in page
    assert "card.jpg" in send(portal, card, picture("JPEG"), files.heic(), name="card.jpg")[1]
    assert "Not sent yet. Select “Submit & Continue”" in portal.get(f"{LIST}{card.ref}/").text
    names = [each.file.name for each in uploads.of_request(card)]
    assert names == ["card.jpg", "card.heic"]
    assert "You can close this. We have it." in portal.post(f"{LIST}{card.ref}/", follow=True).text
    submission = Submission.objects.get()
    stated = [each["valueAttachment"]["title"] for each in submission.answers[0]["answer"]]
    assert stated == names
    completed = portal.get(f"{LIST}{card.ref}/").text
    assert "card.heic" in completed


def test_the_audit_log_has_the_digest_of_each_file(portal: Browser, card: DocumentRequest) -> None:
    send(portal, card, files.pdf())
    entry = AuditEntry.objects.get(action=AuditAction.FILE_UPLOADED)
    file = StoredFile.objects.get()
    assert (entry.about, entry.details["sha256"], entry.details["size"]) == (card.ref, file.sha256, len(files.pdf()))
    card.refresh_from_db()
    assert card.state == RequestState.STARTED


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"MZ\x90\0" + bytes(100), "This file can’t be used. Choose a PDF or a photo"),
        (b"", "This file is empty."),
        (files.pdf()[:-20], "damaged or incomplete"),
        (files.png_header(20_000, 20_000), "too many pixels"),
    ],
    ids=["program", "empty", "cut off", "20,000 pixels"],
)
def test_other_files_are_refused_with_a_sentence(
    portal: Browser, card: DocumentRequest, content: bytes, sentence: str
) -> None:
    status, page = send(portal, card, content)
    assert (status, sentence in page) == (422, True)
    assert not StoredFile.objects.exists()


def test_one_refused_file_does_not_lose_the_others(portal: Browser, card: DocumentRequest) -> None:
    status, page = send(portal, card, files.pdf(), b"MZ", picture("PNG"))
    assert (status, "card.pdf: This file can’t be used" in page) == (422, True)
    assert [each.file.kind for each in uploads.of_request(card)] == [FileKind.PDF, FileKind.PNG]


def test_names_are_harmless_and_told_apart(portal: Browser, card: DocumentRequest) -> None:
    for number, name in enumerate(["../../scan\u202efdp.pdf", "C:\\scanfdp.pdf", "a<b>.exe"]):
        send(portal, card, files.pdf(b"%d" % number), name=name)
    names = [each.file.name for each in uploads.of_request(card)]
    assert names == ["scanfdp.pdf", "scanfdp (2).pdf", "a_b_.exe.pdf"]


@pytest.mark.parametrize("digits", [CARD_NUMBER, CARD_NUMBER.replace(" ", "")])
def test_a_card_number_in_the_name_of_a_refused_file_is_not_shown(
    portal: Browser, card: DocumentRequest, digits: str
) -> None:
    status, page = send(portal, card, b"hello", name=f"<b>{digits}.txt")
    assert (status, "file: This file can’t be used" in page, digits in page) == (422, True, False)


def test_the_same_file_sent_twice_counts_once(portal: Browser, card: DocumentRequest) -> None:
    send(portal, card, files.pdf())
    send(portal, card, files.pdf(), name="again.pdf")
    assert [each.file.name for each in uploads.of_request(card)] == ["card.pdf"]
    file_content.delete_unused()
    assert FileChunk.objects.count() == 1


def test_files_that_were_not_added_spend_none_of_the_day(portal: Browser, card: DocumentRequest, ana: Client) -> None:
    for _ in range(uploads.MAX_A_DAY + 1):
        send(portal, card, files.pdf())
    (other,) = shared_documents.shared(
        PortalAccess.objects.get(client=ana), shared_documents.request_for_file(ana.practice)
    )
    stale = DocumentRequest.objects.get(pk=other.pk)
    request_states.withdraw(other, by=cast.DESK)
    for _ in range(uploads.MAX_A_DAY):
        with pytest.raises(DocumentWithdrawn):
            uploads.add(stale, io.BytesIO(files.pdf(b"late")), name="a.pdf", by=cast.DESK)
    for number in range(uploads.MAX_A_DAY - 1):
        uploads.add(card, io.BytesIO(files.pdf(b"%d" % number)), name="a.pdf", by=cast.DESK)
    with pytest.raises(TooManyFilesToday):
        uploads.add(card, io.BytesIO(files.pdf(b"more")), name="a.pdf", by=cast.DESK)


def test_a_removed_file_is_not_submitted_and_its_content_is_deleted(portal: Browser, card: DocumentRequest) -> None:
    send(portal, card, files.pdf(), picture("PNG"))
    first, kept = uploads.of_request(card)
    portal.post(f"{LIST}{card.ref}/uploads/{first.ref}/removing/")
    portal.post(f"{LIST}{card.ref}/uploads/{first.ref}/removing/")
    assert uploads.of_request(card) == [kept]
    file_content.delete_unused()
    assert set(FileChunk.objects.values_list("file", flat=True)) == {kept.file_id}


def test_nothing_is_submitted_without_a_file(portal: Browser, card: DocumentRequest) -> None:
    page = portal.post(f"{LIST}{card.ref}/")
    assert (page.status_code, "Choose a file first." in page.text) == (422, True)
    assert send(portal, card)[0] == 422
    assert not Submission.objects.exists()


@override_settings(CLAMD_URL="tcp://127.0.0.1:9")
def test_a_file_deleted_for_its_virus_is_not_submitted(portal: Browser, card: DocumentRequest) -> None:
    class FindsAVirus:
        def scan(self, parts: Iterable[bytes]) -> str:
            return "Eicar" if list(parts) else ""

    send(portal, card, files.pdf())
    assert virus_checks.check_next(FindsAVirus(), uploads.record_virus)
    assert "Continue</button>" not in portal.get(f"{LIST}{card.ref}/").text
    assert portal.post(f"{LIST}{card.ref}/").status_code == 422
    assert not Submission.objects.exists()
    # The same content is a new file, which is checked by itself.
    send(portal, card, files.pdf())
    _infected, again = uploads.of_request(card)
    assert (again.file.virus_check, again.may_be_submitted) == (VirusCheck.CHECKING, True)
    uploads.remove(again, by=cast.DESK)
    send(portal, card, files.pdf(b"another"), name="clean.pdf")
    portal.post(f"{LIST}{card.ref}/")
    assert [each["valueAttachment"]["title"] for each in Submission.objects.get().answers[0]["answer"]] == ["clean.pdf"]


@pytest.mark.parametrize("ended", ["declined", "withdrawn"])
def test_files_of_a_request_that_is_never_submitted_are_not_for_staff(
    portal: Browser, card: DocumentRequest, ana: Client, ended: str
) -> None:
    send(portal, card, files.pdf())
    (upload,) = uploads.of_request(card)
    office, path = cast.signed_in(Browser(), cast.fay(ana.practice)), f"/office/clients/{ana.ref}/files/"
    assert "Not submitted yet" in office.get(path, follow=True).text
    if ended == "declined":
        request_states.decline(card, reason="", by=cast.DESK)
    else:
        request_states.withdraw(card, by=cast.DESK)
    assert office.get(f"{path}{upload.ref}/").status_code == 404
    assert "card.pdf" not in office.get(path).text
    file_content.delete_unused()
    assert not FileChunk.objects.exists()


def test_files_of_a_completed_request_stay(portal: Browser, card: DocumentRequest) -> None:
    send(portal, card, files.pdf())
    portal.post(f"{LIST}{card.ref}/")
    (upload,) = uploads.of_request(card)
    assert portal.post(f"{LIST}{card.ref}/uploads/{upload.ref}/removing/").status_code == 409
    send(portal, card, picture("PNG"))
    assert uploads.of_request(card) == [upload]


def test_no_file_is_added_to_a_withdrawn_request(portal: Browser, card: DocumentRequest) -> None:
    request_states.withdraw(card, by=cast.DESK)
    page = send(portal, card, files.pdf())[1]
    assert "was withdrawn" in page
    assert not Upload.objects.exists()
    assert not FileChunk.objects.exists()


def test_a_request_withdrawn_while_the_file_arrives_keeps_nothing(card: DocumentRequest) -> None:
    class Withdrawing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            request_states.withdraw(card, by=cast.DESK)
            return super().read(size)

    with pytest.raises(DocumentWithdrawn):
        uploads.add(DocumentRequest.objects.get(pk=card.pk), Withdrawing(files.pdf()), name="a.pdf", by=cast.DESK)
    file_content.delete_unused()
    assert (Upload.objects.count(), FileChunk.objects.count()) == (0, 0)


def test_twenty_files_a_day_are_taken(portal: Browser, card: DocumentRequest, stopped_clock: Traveller) -> None:
    for number in range(uploads.MAX_A_DAY + 1):
        status, page = send(portal, card, files.pdf(b"%d" % number))
    assert (status, "up to 20 files a day" in page) == (422, True)
    assert len(uploads.of_request(card)) == uploads.MAX_A_DAY
    stopped_clock.shift(timedelta(days=1, minutes=1))
    uploads.remove(uploads.of_request(card)[0], by=cast.DESK)
    uploads.add(card, io.BytesIO(files.pdf(b"next day")), name="a.pdf", by=cast.DESK)


def test_one_guardian_does_not_use_up_the_files_of_another(ana: Client) -> None:
    version = shared_documents.request_for_file(ana.practice)
    bruno, maria, paula = [
        shared_documents.shared(cast.with_contact_access(cast.guardian(ana, name, address=address)), version)[0]
        for name, address in [("Bruno", "b@mail.example"), ("Maria", "m@mail.example"), ("Paula", "p@mail.example")]
    ]
    for request in (bruno, maria):
        for number in range(uploads.MAX_A_DAY):
            uploads.add(request, io.BytesIO(files.pdf(b"%d" % number)), name="a.pdf", by=cast.DESK)
        with pytest.raises(TooManyFilesToday, match="up to 20 files a day"):
            uploads.add(request, io.BytesIO(files.pdf(b"more")), name="a.pdf", by=cast.DESK)
    with pytest.raises(TooManyFilesToday, match="We can’t take more files today"):
        uploads.add(paula, io.BytesIO(files.pdf()), name="a.pdf", by=cast.DESK)


def test_carol_cannot_reach_anas_request(card: DocumentRequest, ana: Client) -> None:
    carol = cast.in_the_portal(Browser(), cast.carol(ana.practice))
    assert send(carol, card, files.pdf())[0] == 404
    assert not Upload.objects.exists()


def test_ana_cannot_remove_a_file_of_another_request(portal: Browser, card: DocumentRequest, ana: Client) -> None:
    carol = cast.carol(ana.practice)
    cast.in_the_portal(Browser(), carol)
    upload = uploads.add(request_of(carol), io.BytesIO(files.pdf()), name="a.pdf", by=cast.DESK)
    portal.post(f"{LIST}{card.ref}/uploads/{upload.ref}/removing/")
    upload.refresh_from_db()
    assert upload.removed_at is None


def test_a_file_is_sent_to_a_request_for_a_file_only(portal: Browser, ana: Client) -> None:
    consent = shared_documents.shared(PortalAccess.objects.get(client=ana), shared_documents.consent(ana.practice))[0]
    assert send(portal, consent, files.pdf())[0] == 404


def test_after_a_sign_in_the_address_of_the_form_leads_to_its_page(portal: Browser, card: DocumentRequest) -> None:
    assert portal.get(f"{LIST}{card.ref}/upload/").headers["Location"] == f"{LIST}{card.ref}/"


@override_settings(CLAMD_URL="tcp://127.0.0.1:9")
def test_with_a_scanner_a_file_waits_for_it(portal: Browser, card: DocumentRequest) -> None:
    send(portal, card, files.pdf())
    assert StoredFile.objects.get().virus_check == VirusCheck.CHECKING


def test_the_page_is_in_spanish(portal: Browser, card: DocumentRequest) -> None:
    page = portal.get(f"{LIST}{card.ref}/?language=es").text
    assert "Tarjeta del seguro" in page
    assert "Elija un archivo" in page


@pytest.mark.parametrize("number", [0, 4])
def test_the_number_of_queries_is_fixed(
    portal: Browser, card: DocumentRequest, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        uploads.add(card, io.BytesIO(files.pdf(b"%d" % each)), name="a.pdf", by=cast.DESK)
    portal.get(f"{LIST}{card.ref}/")
    with django_assert_num_queries(PAGE_QUERIES):
        portal.get(f"{LIST}{card.ref}/")


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_said_clearly_and_leaves_nothing(portal: Browser, card: DocumentRequest) -> None:
    usual = disk.limit(spare_pages=200)
    try:
        status, page = send(portal, card, files.pdf(size=3_000_000))
    finally:
        disk.lift(usual)
    assert (status, "No partial changes were saved." in page) == (507, True)
    assert not Upload.objects.exists()
    assert not StoredFile.objects.complete().exists()
    file_content.delete_unused()
    assert not FileChunk.objects.exists()
    assert send(portal, card, files.pdf(size=3_000_000))[0] == 200
