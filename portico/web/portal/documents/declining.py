"""Declining a document that the practice allows to be declined."""

from http import HTTPStatus

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portico.domain.documents.completion import request_states
from portico.plumbing.text.input_validation import LineField
from portico.web import saved_forms
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import found_documents


class DeclineForm(forms.Form):
    """An optional reason for the practice."""

    use_required_attribute = False

    reason = LineField(
        label=_("Reason (optional)"),
        required=False,
        max_length=500,
        error_messages={"max_length": _("Shorten this to %(limit_value)d characters. It has %(show_value)d.")},
    )


@portal_documents_page
@require_http_methods(["GET", "HEAD", "POST"])
def decline(request: PortalRequest, ref: str) -> HttpResponse:
    """Asks for the reason; POST declines and leads back to the list."""
    found = found_documents.find(request, ref)
    if not found.is_open and request.method != "POST":
        return redirect(found_documents.address(request, "portal:document", ref))
    if not found.version.template.may_be_declined:
        raise Http404
    form = DeclineForm(request.POST) if request.method == "POST" else _blank_form(request)
    if request.method == "POST" and form.is_valid():
        request_states.decline(found, reason=form.cleaned_data["reason"], by=request.actor)
        return flash_messages.redirect_with_notice(
            found_documents.list_address(request), flash_messages.DOCUMENT_DECLINED
        )
    context = {"document": found, "title": found_documents.title_of(found), "form": form}
    status = HTTPStatus.UNPROCESSABLE_CONTENT if form.is_bound else HTTPStatus.OK
    return render(request, "portal/documents/decline.html", context, status=status)


def _blank_form(request: PortalRequest) -> DeclineForm:
    kept = saved_forms.find_fields_of_client(request)
    return DeclineForm(initial={"reason": kept.get("reason", "")} if kept is not None else {})
