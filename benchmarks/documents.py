"""Measures documents: saves while many clients type, signatures, PDFs and files; and pages for `pages`."""

import hashlib
import io
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from django.db import connections
from django.test import Client as Browser

from benchmarks import papers
from benchmarks.instruments import figures, processor, server_time
from benchmarks.report import Row
from portico.domain.access.models import PortalAccess
from portico.domain.documents.completion import portal_requests, signing, uploads
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.models import DocumentRequest, ResponseDraft, Submission, TemplateVersion
from portico.domain.documents.submissions import submission_pdf, verification
from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content
from portico.plumbing.files.inspection import MAX_BYTES
from tests import cast, shared_documents
from tests.support import files
from tests.support.processes import file_sending, signing_tabs
from tests.support.processes.commands import Process, Processes, url_of_test_database
from tests.support.processes.visitor import Visitor

QUESTIONS = 40
# The script saves a second after the last key.
SAVERS, SAVES_OF_EACH = 50, 20
BY_SCRIPT = {"X-Portico-Saving": "1"}
FILES = 5
# In 50 tabs: 2,500 presses.
SIGNED = 50
UPLOADS, UPLOAD_MEGABYTES, MEGABYTE = 20, 20, 1024 * 1024
SECTION = "Documents"
LINK_IDS = [f"n{number}" for number in range(1, QUESTIONS + 1)]


def measure() -> Iterator[Row]:
    practice = Practice.objects.create(slug="signing", name="A practice that asks", phone="+12125550177")
    yield from _measure_saves(practice)
    with tempfile.TemporaryDirectory(prefix="portico-bench-documents-") as folder:
        parts = Processes(Path(folder), url_of_test_database())
        try:
            yield _measure_signatures(practice, [parts.web(), parts.web()])
            yield _measure_uploads(practice, parts.web())
        finally:
            parts.end()
    access = _signed_in_access(practice)
    for name, submission in _submissions(access):
        yield papers.time_pdf(name, partial(submission_pdf.render, submission), limit="40 ms")
    yield from _measure_file(access)


def addresses(access: PortalAccess) -> dict[str, str]:
    """Shares a form of 40 questions, of which one is answered, and a consent; returns the portal's pages by name."""
    practice = access.practice
    form, consent = shared_documents.shared(access, _form(practice), shared_documents.consent(practice))
    shared_documents.saved(form, {LINK_IDS[0]: [{"valueString": "An answer"}]})
    at = f"{practice.portal_path}documents/"
    return {
        f"form page, {QUESTIONS} questions": f"{at}{form.ref}/pages/1/",
        f"review, {QUESTIONS} questions": f"{at}{form.ref}/review/",
        "consent to sign": f"{at}{consent.ref}/",
        "list of documents": at,
    }


def _form(practice: Practice) -> TemplateVersion:
    asked = [shared_documents.item(each, "string", f"Question {each[1:]}") for each in LINK_IDS]
    return shared_documents.form(practice, *asked)


def _signed_in_access(practice: Practice) -> PortalAccess:
    person = cast.ana(practice)
    cast.in_the_portal(Browser(headers={"host": "localhost"}), person)
    return PortalAccess.objects.get(own_client=person)


@dataclass
class Saver:
    """A client who types: saves the page again and again, and keeps what the server said was saved."""

    visitor: Visitor
    request: DocumentRequest
    acknowledged: str = ""
    seconds: list[float] = field(default_factory=list)

    def save_all(self, began: float) -> None:
        """Saves once a second from the time `began`, whatever happens to the others."""
        address = f"{self.request.practice.portal_path}documents/{self.request.ref}/pages/1/"
        typed = {f"q{number}": f"Answer {number}" for number in range(1, QUESTIONS + 1)}
        try:
            for turn in range(1, SAVES_OF_EACH + 1):
                time.sleep(max(0.0, began + turn - time.perf_counter()))
                typed["q1"] = f"Turn {turn}"
                page = {"opened": f"0.saver.{turn}", "place": "q1"}
                at = time.perf_counter()
                answer = self.visitor.post(address, typed | page, headers=BY_SCRIPT)
                self.seconds.append(time.perf_counter() - at)
                if answer.status != 200:
                    raise SystemExit(f"Saving a form was answered {answer.status}.")
                self.acknowledged = typed["q1"]
        finally:
            connections.close_all()


def _measure_saves(practice: Practice) -> Iterator[Row]:
    version = _form(practice)
    with tempfile.TemporaryDirectory(prefix="portico-bench-documents-") as folder:
        parts = Processes(Path(folder), url_of_test_database())
        try:
            web = parts.web()
            savers = [_saver(practice, version, web.url, number) for number in range(SAVERS)]
            web_began, database_began = processor.seconds_of({"web": web.pid})["web"], server_time.database_seconds()
            # The first keys of fifty people do not fall on the same moment.
            began = time.perf_counter() + 0.5
            with ThreadPoolExecutor(SAVERS) as hands:
                typing = [hands.submit(saver.save_all, began + n / SAVERS) for n, saver in enumerate(savers)]
                for each in typing:
                    each.result()
            used = processor.seconds_of({"web": web.pid})["web"] - web_began
            database_used = server_time.database_seconds() - database_began
        finally:
            parts.end()
    if any(saver.acknowledged not in _stored(saver.request) for saver in savers):
        raise SystemExit("An answer that was saved was lost.")
    seconds = [each for saver in savers for each in saver.seconds]
    name = f"saving a form of {QUESTIONS} questions, {SAVERS} people who type"
    yield Row(SECTION, name, f"{figures.spread(seconds)} elapsed, none lost", "150 ms (p99)")
    web_ms, database_ms = used * 1000 / len(seconds), database_used * 1000 / len(seconds)
    yield Row(SECTION, "for each save", f"web {web_ms:.1f} ms, database {database_ms:.1f} ms", "", web_ms + database_ms)


def _saver(practice: Practice, version: TemplateVersion, url: str, number: int) -> Saver:
    person = cast.client(practice, f"Person {number}", address=f"typing.{number}@mail.example")
    visitor = Visitor(url).sign_in(person)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=person), version)
    visitor.get(f"{practice.portal_path}documents/{request.ref}/pages/1/")
    return Saver(visitor, request)


def _stored(request: DocumentRequest) -> str:
    return str(ResponseDraft.objects.get(request=request).answers)


def _measure_signatures(practice: Practice, servers: list[Process]) -> Row:
    """Presses `Submit & Continue` in all tabs at once, one document after the other."""
    person = cast.client(practice, "Many Tabs", address="many.tabs@mail.example")
    tabs = signing_tabs.tabs_of(person, [each.url for each in servers])
    access, version = PortalAccess.objects.get(own_client=person), shared_documents.consent(practice)
    began = time.perf_counter()
    with ThreadPoolExecutor(len(tabs)) as hands:
        for number in range(1, SIGNED + 1):
            (request,) = shared_documents.shared(access, version)
            address = f"{practice.portal_path}documents/{request.ref}/"
            answers = hands.map(lambda tab, at=address: tab.post(at, signing_tabs.SIGNATURE).status, tabs)
            if set(answers) != {302} or Submission.objects.filter(account=access.account).count() != number:
                raise SystemExit("A document was not signed once.")
        for _ in hands.map(lambda _tab: connections.close_all(), tabs):
            pass
    elapsed = time.perf_counter() - began
    if list(verification.problems()):
        raise SystemExit("A signature is not whole.")
    presses = SIGNED * len(tabs)
    name = f"signing {SIGNED} documents in {len(tabs)} tabs at once, {presses:,} times"
    return Row(SECTION, name, f"{presses / elapsed:.0f} a second, each document signed once", "0 twice or half")


def _measure_uploads(practice: Practice, web: Process) -> Row:
    """Sends files at the same time to one process; measures the memory that it needs for them."""
    sender = file_sending.sender_for(cast.client(practice, "Many Files", address="many.files@mail.example"), web)
    contents = [files.pdf(b"%d " % number, size=UPLOAD_MEGABYTES * MEGABYTE) for number in range(UPLOADS)]
    before, began = file_sending.begin_peak(web), time.perf_counter()
    with ThreadPoolExecutor(UPLOADS) as hands:
        if set(hands.map(sender.send, contents)) != {200}:
            raise SystemExit("A file was refused.")
    elapsed, grown = time.perf_counter() - began, file_sending.peak_of(web) - before
    kept = {each.file.sha256 for each in uploads.of_request(sender.request) if file_content.is_intact(each.file)}
    if kept != {hashlib.sha256(each).hexdigest() for each in contents}:
        raise SystemExit("A file was lost.")
    name = f"{UPLOADS} files of {UPLOAD_MEGABYTES} MB sent at once to one process"
    return Row(SECTION, name, f"{grown / MEGABYTE:.0f} MiB more memory, {elapsed:.1f} s, none lost", "60 MiB")


def _submissions(access: PortalAccess) -> Iterator[tuple[str, Submission]]:
    """Completes a consent and a form; yields both as a page finds them."""
    consent, form = shared_documents.shared(access, shared_documents.consent(access.practice), _form(access.practice))
    shared_documents.signed(consent, access)
    answers: dict[str, list[Answer]] = {each: [{"valueString": "An answer of some words"}] for each in LINK_IDS}
    number = shared_documents.saved(form, answers)
    found = portal_requests.find(access, form.ref)
    if found is None:
        raise SystemExit("The form was not found.")
    signer = shared_documents.signer(access)
    signing.submit(found, language="en", draft_number=number, signature=None, signer=signer, by=cast.DESK)
    rows = Submission.objects.select_related("request__version__template", "request__client", "request__practice")
    yield "a signed consent", rows.get(request=consent)
    yield f"a form of {QUESTIONS} questions", rows.get(request=form)


def _measure_file(access: PortalAccess) -> Iterator[Row]:
    (request,) = shared_documents.shared(access, shared_documents.request_for_file(access.practice))
    stored, read = list[float](), list[float]()
    for number in range(FILES):
        content = files.pdf(b"%d " % number, size=MAX_BYTES)
        began = time.perf_counter()
        upload = uploads.add(request, io.BytesIO(content), name="scan.pdf", by=cast.DESK)
        stored.append(time.perf_counter() - began)
        began = time.perf_counter()
        if sum(map(len, file_content.read(upload.file))) != MAX_BYTES:
            raise SystemExit("The file was not read whole.")
        read.append(time.perf_counter() - began)
    megabytes = MAX_BYTES // 1024 // 1024
    yield Row(SECTION, f"storing a file of {megabytes} MB", f"{figures.spread(stored)} elapsed")
    yield Row(SECTION, f"reading a file of {megabytes} MB", f"{figures.spread(read)} elapsed")
