"""`Settings` > `Emails`: the staff members who get an email about documents that clients completed."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from portico.domain.practices import practice_settings
from portico.domain.practices.models import DocumentNotices, Practice, Role
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.settings.setting_form import SettingForm, show_conflict


class DocumentNoticesForm(SettingForm):
    """The staff members to notify."""

    choice_field = "document_notices"
    document_notices = forms.ChoiceField(
        label=gettext_lazy("Email these staff about completed documents"),
        choices=DocumentNotices.choices,
        widget=forms.RadioSelect,
    )


def form_of(practice: Practice) -> DocumentNoticesForm:
    """Returns the form with the practice's choice."""
    return DocumentNoticesForm(
        initial={"document_notices": practice.document_notices, "shown": practice.document_notices}
    )


@office_page(Role.OWNER)
@require_POST
def save(request: OfficeRequest) -> HttpResponse:
    form = DocumentNoticesForm(request.POST)
    if form.is_valid():
        notices = DocumentNotices(form.cleaned_data["document_notices"])
        with show_conflict(request, form):
            practice_settings.save_document_notices(
                request.practice, notices, shown=form.cleaned_data["shown"], by=request.actor
            )
            messages.success(request, _("Emails about completed documents saved."))
    else:
        messages.error(request, _("Choose from the list."))
    return redirect("office:settings_emails")
