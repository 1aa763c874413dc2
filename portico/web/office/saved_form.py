"""The page of a form that staff posted after their session had ended, to submit again."""

import re

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portico.domain.practices.staff import saved_forms as staff_saved_forms
from portico.plumbing.form_recovery import PostedField
from portico.web import redirects, saved_forms
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest

# Hidden fields: submitted again, but not listed.
_HIDDEN_FIELDS = re.compile(
    r"(?:^|-)(?:version|form_key|shown|id|TOTAL_FORMS|INITIAL_FORMS|MIN_NUM_FORMS|MAX_NUM_FORMS)$"
)


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    """Shows the form to the person who posted it; 404 for anyone else."""
    saved = staff_saved_forms.find(request.staff, ref)
    fields = saved_forms.read_fields(saved)
    if saved is None or fields is None:
        raise Http404
    context = {
        "path": redirects.safe_office_path(saved.path, method="POST"),
        "fields": fields,
        "typed": [(label_of(field.name), display_value(field)) for field in fields if was_typed(field)],
    }
    return render(request, "office/kept_post.html", context)


def was_typed(field: PostedField) -> bool:
    return bool(field.value.strip()) and not _HIDDEN_FIELDS.search(field.name)


def label_of(name: str) -> str:
    """Returns a readable field name: "First name", "Addresses 2: address"."""
    numbered = re.sub(r"-(\d{1,4})-", lambda match: f" {int(match[1]) + 1}: ", name)
    return re.sub(r"[-_]+", " ", numbered).capitalize()


def display_value(field: PostedField) -> str:
    return _("Yes") if field.value == "on" else field.value
