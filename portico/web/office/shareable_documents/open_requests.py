"""`Update open requests`: documents that are not completed get the version that was published since."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from portico.domain.documents.sharing import version_updates
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import posted_number
from portico.web.office.shareable_documents.found_templates import TEMPLATE_EDITORS, get_template
from portico.web.office.shown_refusals import show_refusal

WITH_STARTED = "with_started"
VERSION = "version"


@office_page(*TEMPLATE_EDITORS)
@require_POST
def update(request: OfficeRequest, ref: str) -> HttpResponse:
    """Updates those that are not started, and the started ones too if that is checked."""
    template = get_template(request, ref)
    shown = posted_number(request, VERSION) or 0
    with_started = WITH_STARTED in request.POST
    with show_refusal(request):
        number = version_updates.update(template, shown=shown, with_started=with_started, by=request.actor)
        said = ngettext("%(number)d document was updated.", "%(number)d documents were updated.", number)
        notices = [said % {"number": number}]
        outdated = version_updates.count_outdated(template)
        if left := outdated.total if with_started else outdated.not_started:
            more = ngettext("%(number)d is left. Update again.", "%(number)d are left. Update again.", left)
            notices.append(more % {"number": left})
        messages.success(request, " ".join(notices))
    return redirect("office:shareable_document", ref=ref)
