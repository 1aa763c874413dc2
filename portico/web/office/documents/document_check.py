"""`Check a document`: says whether a document number or a digest is the practice's, and unchanged."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.submissions import verification
from portico.domain.documents.templates import version_content
from portico.domain.practices.models import CLIENT_EDITORS
from portico.plumbing.audit import audit_log
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, line_field


class CheckForm(OfficeForm):
    """The number or digest that is printed in the document."""

    number = line_field(_("Document number or digest"), longest=100, required=True)


@office_page(*CLIENT_EDITORS)
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    form = CheckForm(request.GET if "number" in request.GET else None)
    context: dict[str, object] = {"form": form, "is_checked": form.is_valid(), "found": None, "is_unchanged": False}
    if form.is_valid():
        found = verification.find_submission(request.practice, form.cleaned_data["number"])
        if found is not None:
            context |= {
                "found": found,
                "title": version_content.content_in(found.request.version, "en")["title"],
                "is_unchanged": not verification.check(found),
            }
            audit_log.record(
                AuditAction.SUBMISSION_VIEWED,
                practice=request.practice,
                client=found.request.client,
                by=request.actor,
                about=found.ref,
            )
    return render(request, "office/documents/check.html", context, status=422 if form.errors else 200)
