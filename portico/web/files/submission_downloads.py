"""Downloads of completed documents as PDF, for staff and in the portal, with the countersignature if asked for."""

from django.http import Http404, HttpRequest, HttpResponse

from portico.domain.documents.models import Submission
from portico.domain.documents.submissions import submission_pdf

# The query parameter that asks for the PDF with the countersignature.
PARAMETER = "countersigned"


def download(request: HttpRequest, submission: Submission, *, with_network_address: bool = False) -> HttpResponse:
    """Returns the PDF that the request asks for. Raises Http404 if the document is not countersigned."""
    name, countersignature = f"document-{submission.ref}", None
    if PARAMETER in request.GET:
        name, countersignature = f"{name}-countersigned", getattr(submission, "countersignature", None)
        if countersignature is None:
            raise Http404
    content = submission_pdf.render(
        submission, countersignature=countersignature, with_network_address=with_network_address
    )
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return response


def kind_of(request: HttpRequest) -> str:
    """Returns the kind of document, for the audit log."""
    return "countersigned_document" if PARAMETER in request.GET else "completed_document"
