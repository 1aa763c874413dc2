"""`Check a document`: finds one by number or digest, says whether it is unchanged, and compares a PDF with it."""

from typing import Any, BinaryIO, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import Submission
from portico.domain.documents.refusals import DigestOfSeveral
from portico.domain.documents.submissions import submission_pdf, verification
from portico.domain.documents.templates import version_content
from portico.domain.practices.models import CLIENT_EDITORS
from portico.plumbing.audit import audit_log
from portico.plumbing.files import inspection
from portico.plumbing.files.inspection import FileIncomplete, FileRejected
from portico.plumbing.models import FileKind
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, line_field


class CheckForm(OfficeForm):
    """The number or digest that is printed in the document, and a PDF to compare with it, which is not stored."""

    number = line_field(gettext_lazy("Document number or long code"), longest=100, required=True)
    pdf = forms.FileField(label=gettext_lazy("PDF to compare"), required=False, allow_empty_file=True)

    def clean_pdf(self) -> "UploadedFile[bytes] | None":
        file: UploadedFile[bytes] | None = self.cleaned_data["pdf"]
        if file is None:
            return None
        try:
            kind = inspection.inspect(cast(BinaryIO, file)).kind
        except FileIncomplete:
            # Cut off, it differs from ours.
            return file
        except FileRejected as rejected:
            raise ValidationError(str(rejected)) from rejected
        if kind != FileKind.PDF:
            raise ValidationError(_("This file is not a PDF. Choose the PDF of a completed document."))
        return file


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    form = _form(request)
    found = _find(request, form)
    context: dict[str, Any] = {  # Any: what the page shows.
        "form": form,
        "is_checked": form.is_valid(),
        "found": found,
        "is_unchanged": False,
        "comparison": "",
        "max_megabytes": inspection.MAX_MEGABYTES,
    }
    if found is not None:
        context |= {
            "title": version_content.content_in(found.request.version, "en")["title"],
            "is_unchanged": not verification.check(found),
            "comparison": _compare(found, form.cleaned_data["pdf"]),
        }
        audit_log.record(
            AuditAction.SUBMISSION_VIEWED,
            practice=request.practice,
            client=found.request.client,
            by=request.actor,
            about=found.ref,
        )
    return render(request, "office/documents/check.html", context, status=form.page_status)


def _find(request: OfficeRequest, form: CheckForm) -> Submission | None:
    """Returns the submission that a valid form names; a digest of several is refused in the form."""
    if not form.is_valid():
        return None
    try:
        return verification.find_submission(request.practice, form.cleaned_data["number"])
    except DigestOfSeveral as refusal:
        form.refused(refusal)
        return None


def _form(request: OfficeRequest) -> CheckForm:
    if request.method == "POST":
        return CheckForm(request.POST, request.FILES)
    return CheckForm(request.GET if "number" in request.GET else None)


def _compare(submission: Submission, file: "UploadedFile[bytes] | None") -> str:
    """Returns "same" or "other", or an empty text without a file."""
    if file is None:
        return ""
    return "same" if submission_pdf.is_made_of(submission, cast(BinaryIO, file)) else "other"
