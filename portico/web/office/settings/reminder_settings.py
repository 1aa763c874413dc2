"""The days of automatic reminders of bills and of documents, in `Settings` > `Emails`."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from portico.domain.practices import practice_settings
from portico.domain.practices.models import Practice, Role
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.settings.setting_form import SettingForm, show_conflict

DAYS = {
    -7: gettext_lazy("7 days before the due date"),
    -3: gettext_lazy("3 days before the due date"),
    3: gettext_lazy("3 days after the due date"),
    7: gettext_lazy("7 days after the due date"),
    14: gettext_lazy("14 days after the due date"),
    30: gettext_lazy("30 days after the due date"),
    60: gettext_lazy("60 days after the due date"),
}


DOCUMENT_DAYS = {
    1: gettext_lazy("1 day after sharing"),
    2: gettext_lazy("2 days after sharing"),
    5: gettext_lazy("5 days after sharing"),
    7: gettext_lazy("7 days after sharing"),
    14: gettext_lazy("14 days after sharing"),
}
MAX_DOCUMENT_DAYS = 3


class ReminderDaysForm(SettingForm):
    """The days after the due date of a bill, negative for days before it."""

    choice_field = "days"
    days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Remind clients of an unpaid bill"),
        help_text=gettext_lazy("Uncheck all to send no reminders."),
        choices=list(DAYS.items()),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


def form_of(practice: Practice) -> ReminderDaysForm:
    """Returns the form with the practice's days."""
    return ReminderDaysForm(initial={"days": practice.reminder_steps, "shown": practice.reminder_days})


@office_page(Role.OWNER)
@require_POST
def save(request: OfficeRequest) -> HttpResponse:
    form = ReminderDaysForm(request.POST)
    if form.is_valid():
        days, shown = form.cleaned_data["days"], form.cleaned_data["shown"]
        with show_conflict(request, form):
            practice_settings.save_reminder_days(request.practice, days, shown=shown, by=request.actor)
            messages.success(request, _("Reminders saved."))
    else:
        messages.error(request, _("Choose the days from the list."))
    return redirect("office:settings_emails")


class DocumentReminderDaysForm(SettingForm):
    """The days after documents were shared."""

    choice_field = "document_days"
    document_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Remind clients of incomplete documents"),
        help_text=gettext_lazy("At most three. Uncheck all to send no reminders."),
        choices=list(DOCUMENT_DAYS.items()),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


def documents_form_of(practice: Practice) -> DocumentReminderDaysForm:
    """Returns the form with the practice's days."""
    initial = {"document_days": practice.document_reminder_steps, "shown": practice.document_reminder_days}
    return DocumentReminderDaysForm(initial=initial)


@office_page(Role.OWNER)
@require_POST
def save_for_documents(request: OfficeRequest) -> HttpResponse:
    form = DocumentReminderDaysForm(request.POST)
    if form.is_valid() and len(form.cleaned_data["document_days"]) <= MAX_DOCUMENT_DAYS:
        days, shown = form.cleaned_data["document_days"], form.cleaned_data["shown"]
        with show_conflict(request, form):
            practice_settings.save_document_reminder_days(request.practice, days, shown=shown, by=request.actor)
            messages.success(request, _("Reminders saved."))
    else:
        messages.error(request, _("Choose at most three days from the list."))
    return redirect("office:settings_emails")
