"""The content of a completed document, for its page and its PDF: the text or the answers, and the signature."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext as _

from portico.domain.access.models import SignInMethod
from portico.domain.documents.completion import uploads
from portico.domain.documents.forms import answer_items, form_pages, questionnaire
from portico.domain.documents.forms.branching import open_items
from portico.domain.documents.forms.questionnaire import Questionnaire
from portico.domain.documents.models import Submission, TemplateKind
from portico.domain.documents.submissions import answer_words
from portico.domain.documents.templates import consent_text
from portico.domain.documents.templates.version_content import content_in
from portico.domain.practices.models import Practice
from portico.plumbing.text import time_formatting


@dataclass(frozen=True)
class AnsweredSection:
    """The open questions of a page with their answers in words, empty without one. `heading` is the page’s title."""

    heading: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SubmissionContent:
    """A completed document. `evidence` has labels and values; `text` is the Markdown of a consent, else empty."""

    title: str
    # Of the document; labels are in the active language.
    language: str
    text: str
    sections: tuple[AnsweredSection, ...]
    evidence: tuple[tuple[str, str], ...]

    @property
    def html(self) -> SafeString:
        return consent_text.to_html(self.text) if self.text else SafeString("")


def content_of(submission: Submission, *, with_network_address: bool = False) -> SubmissionContent:
    """Returns the content, with the texts of the version that was completed. The IP address is for owners only.

    Expects the submission with its request, version, template and practice.
    """
    request = submission.request
    content = content_in(request.version, submission.language)
    kind = request.version.template.kind
    return SubmissionContent(
        title=content["title"],
        language=submission.language,
        text=content["text"] if kind == TemplateKind.CONSENT else "",
        sections=_sections_by_kind(submission, kind, content),
        evidence=tuple(_evidence(submission, with_network_address=with_network_address)),
    )


def _sections_by_kind(
    submission: Submission, kind: str, content: Mapping[str, Any]
) -> tuple[AnsweredSection, ...]:  # Any: JSON, see TemplateVersion.
    """Returns the answers of a form, the names of the files that were sent, or that of the file that was read."""
    if kind == TemplateKind.FORM:
        return tuple(_sections(submission, questionnaire.parse(content["questionnaire"])))
    if kind == TemplateKind.UPLOAD:
        answers = answer_items.flatten(submission.answers).get(uploads.FILES_LINK_ID, [])
        names = [str(each["valueAttachment"]["title"]) for each in answers]
        numbered = enumerate(names, start=1)
        return (
            AnsweredSection("", tuple((_("File %(number)s") % {"number": number}, name) for number, name in numbered)),
        )
    if kind == TemplateKind.FILE and content.get("file"):
        return (AnsweredSection("", ((_("File that was read"), content["file"]["name"]),)),)
    return ()


def _sections(submission: Submission, form: Questionnaire) -> Iterator[AnsweredSection]:
    open_link_ids = open_items(form, submission.answers)
    answers = answer_items.flatten(submission.answers)
    practice = submission.request.practice

    for page in form_pages.pages_of(form):
        answered = tuple(
            (item.text, answer_words.in_words(item, answers.get(item.link_id, []), practice))
            for item in page.questions
            if item.link_id in open_link_ids
        )
        if answered:
            yield AnsweredSection(page.title, answered)


def _evidence(submission: Submission, *, with_network_address: bool) -> Iterator[tuple[str, str]]:
    request = submission.request
    yield _("Client"), submission.client_name
    if submission.signer_name:
        yield _("Signed by"), submission.signer_name
        yield _("Relationship to client"), submission.relationship
        if submission.statement:
            yield _("Statement"), submission.statement
    if submission.signed_on is not None:
        yield from _evidence_of_paper(submission, submission.signed_on)
    else:
        yield (
            (_("Signed on") if submission.signer_name else _("Submitted on")),
            time_of(submission.submitted_at, request.practice),
        )
        yield _("Signed in with"), _method_of(submission)
    if with_network_address and submission.network_address:
        yield _("IP address"), submission.network_address
    yield _("Language"), str(get_language_info(submission.language)["name_translated"])
    yield _("Document number"), submission.ref
    yield _("Digest of the document (SHA-256)"), submission.document_digest
    if submission.answers and not submission.is_on_paper:
        yield _("Digest of the answers (SHA-256)"), submission.answers_digest


def _evidence_of_paper(submission: Submission, signed_on: date) -> Iterator[tuple[str, str]]:
    yield _("Signed on paper on"), time_formatting.full_day(signed_on, get_language())
    if submission.witness:
        yield _("Witness"), submission.witness
    yield _("Recorded by"), submission.recorded_by
    yield _("Recorded on"), time_of(submission.submitted_at, submission.request.practice)
    for answer in answer_items.flatten(submission.answers).get(uploads.FILES_LINK_ID, []):
        scan = answer["valueAttachment"]
        yield _("Scan of the paper"), str(scan["title"])
        yield _("Digest of the scan (SHA-256)"), str(scan["url"]).removeprefix(uploads.DIGEST_URN)


def time_of(at: datetime, practice: Practice) -> str:
    """Returns a time of the evidence in the practice's zone, in the active language."""
    language = get_language()
    day = time_formatting.full_day(time_formatting.day_of(at, practice.zone), language)
    return _("%(day)s at %(time)s") % {
        "day": day,
        "time": time_formatting.time_with_zone(at, practice.zone, language),
    }


def _method_of(submission: Submission) -> str:
    match submission.method:
        case SignInMethod.PIN:
            return _("A PIN that the practice gave by phone")
        case SignInMethod.CODE:
            return _("A code sent to %(address)s") % {"address": submission.mailbox}
        case _:
            return _("A link sent to %(address)s") % {"address": submission.mailbox}
