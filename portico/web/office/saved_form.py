"""What somebody typed before their session ended, as a form to press again."""

import re

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portico.domain.practices.staff import saved_forms
from portico.plumbing import form_recovery
from portico.plumbing.form_recovery import PostedField
from portico.plumbing.security.encryption import DecryptionFailed
from portico.web import office_redirects
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest

# What a page tells itself; posted again, but nothing that a person typed.
_BOOKKEEPING = re.compile(r"(?:^|-)(?:version|press|shown|id|TOTAL_FORMS|INITIAL_FORMS|MIN_NUM_FORMS|MAX_NUM_FORMS)$")


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    """Only to the same person; a colleague at the same desk finds nothing here."""
    kept = saved_forms.find(request.staff, ref)
    if kept is None:
        raise Http404
    try:
        fields = form_recovery.fields_of(kept)
    except DecryptionFailed as lost:
        raise Http404 from lost
    context = {
        "path": office_redirects.own_path(kept.path),
        "fields": fields,
        "typed": [(label_of(field.name), display_value(field)) for field in fields if was_typed(field)],
    }
    return render(request, "office/kept_post.html", context)


def was_typed(field: PostedField) -> bool:
    return bool(field.value.strip()) and not _BOOKKEEPING.search(field.name)


def label_of(name: str) -> str:
    """A name that a person can read: "First name", "Addresses 2: address"."""
    numbered = re.sub(r"-(\d{1,4})-", lambda match: f" {int(match[1]) + 1}: ", name)
    return re.sub(r"[-_]+", " ", numbered).capitalize()


def display_value(field: PostedField) -> str:
    return _("Yes") if field.value == "on" else field.value
