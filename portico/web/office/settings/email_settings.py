"""`Settings` > `Emails`: the sender of emails, and the default text of invitations."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.access.help_requests import staff_notices
from portico.domain.access.onboarding import invitation_text, saved_default_texts
from portico.domain.access.onboarding.invitation_text import ExpandedText, InvitationText
from portico.domain.billing import bill_mail_texts
from portico.domain.clients.models import Language
from portico.domain.documents.completion import completion_notices
from portico.domain.documents.sharing import document_mails
from portico.domain.practices.models import Practice, Role
from portico.domain.practices.practice_settings import Sender, SettingsConflict
from portico.plumbing.mail import outbox, rendering
from portico.plumbing.text.mailboxes import header_address
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, address_field, line_field
from portico.web.office.client_portal.portal_tab_form import InvitationTextForm
from portico.web.office.clients import edit_conflicts
from portico.web.office.clients.edit_conflicts import FieldConflict
from portico.web.office.settings import document_notice_settings, help_request_settings, reminder_settings


class SenderForm(OfficeForm):
    """Sender name and reply-to address; `version` is the practice's when the page was rendered."""

    sender_name = line_field(gettext_lazy("Sender name"), longest=100)
    reply_to = address_field(gettext_lazy("Reply-to"))
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def clean_reply_to(self) -> str:
        address: str = self.cleaned_data["reply_to"]
        if not address:
            return ""
        try:
            return header_address(address)
        except ValueError as malformed:
            raise ValidationError(
                _("Enter a complete email address, like desk@example.com, without accented letters before the @.")
            ) from malformed

    @property
    def sender(self) -> Sender:
        return Sender(self.cleaned_data["sender_name"], self.cleaned_data["reply_to"])


class DefaultTextForm(InvitationTextForm):
    """The default invitation in one language; the language code is the prefix of its fields."""

    def __init__(self, language: str, text: InvitationText, data: QueryDict | None = None) -> None:
        super().__init__(data, prefix=language, initial={"subject": text.subject, "message": text.message})
        self.language = language
        for field in self.fields.values():
            field.required = True
            field.widget.attrs["lang"] = language


class EmailsForms:
    """The forms of the page as one: bound to `data`, or unbound with `texts` as initial values."""

    def __init__(
        self,
        practice: Practice,
        texts: dict[str, InvitationText],
        data: QueryDict | None = None,
        **sender: Any,  # Any: a field's value.
    ) -> None:
        initial = {name: getattr(practice, name) for name in ("sender_name", "reply_to", "version")}
        self.sender = SenderForm(data, initial=initial | sender)
        self.texts = {language: DefaultTextForm(language, text, data) for language, text in texts.items()}

    def is_valid(self) -> bool:
        # A list first, so that every form is validated and collects its errors.
        results = [form.is_valid() for form in (self.sender, *self.texts.values())]
        return all(results)

    @property
    def chosen_texts(self) -> dict[str, InvitationText]:
        return {language: form.text for language, form in self.texts.items()}


EXAMPLE_NAME = "Jordan"


@dataclass(frozen=True)
class InvitationSample:
    """The invitation in one language as an example client would get it; `letter` is None while there are errors."""

    language: str
    name: str
    form: DefaultTextForm
    letter: ExpandedText | None
    complaints: list[str]
    is_own: bool


@office_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest) -> HttpResponse:
    if request.method == "POST":
        return _save(request)
    return _page(request, EmailsForms(request.practice, _texts(request.practice)))


@office_page(Role.OWNER)
@require_POST
def preview(request: OfficeRequest, language: str) -> HttpResponse:
    """Renders the invitation in one language from the submitted form, without saving."""
    if language not in Language.values:
        raise Http404
    form = DefaultTextForm(language, InvitationText("", ""), request.POST)
    return render(
        request, "office/settings/emails/invitation.html", _shared_context() | {"each": _sample(request, form)}
    )


def _save(request: OfficeRequest) -> HttpResponse:
    forms = EmailsForms(request.practice, _texts(request.practice), request.POST)
    action = request.POST.get("action", "")
    if action.startswith("own-"):
        return _page(request, _with_default_text(request, forms, action.removeprefix("own-")))
    is_valid = forms.is_valid()
    if action == "preview":
        # The preview button for browsers without JavaScript: nothing is saved.
        return _page(request, forms)
    if not is_valid:
        return _page(request, forms, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        version = forms.sender.cleaned_data["version"]
        saved_default_texts.save(
            request.practice, forms.sender.sender, forms.chosen_texts, version=version, by=request.actor
        )
    except SettingsConflict:
        return _conflict_page(request, forms)
    messages.success(request, _("The email settings were saved."))
    return redirect("office:settings_emails")


def _with_default_text(request: OfficeRequest, typed: EmailsForms, language: str) -> EmailsForms:
    """Returns the form as typed, with Portico's own text in one language; saves nothing."""
    texts = _typed_texts(typed)
    if language in texts:
        texts[language] = invitation_text.default_text(language)
    return EmailsForms(request.practice, texts, **typed.sender.values())


def _conflict_page(request: OfficeRequest, typed: EmailsForms) -> HttpResponse:
    """Renders the typed form beside the version another owner saved meanwhile; saving again overwrites that."""
    practice = Practice.objects.get(pk=request.practice.pk)
    saved = EmailsForms(practice, _texts(practice))
    conflicts = edit_conflicts.of_forms(typed.sender, saved.sender)
    for language, form in typed.texts.items():
        conflicts += edit_conflicts.of_forms(form, saved.texts[language])
    form_again = EmailsForms(practice, _typed_texts(typed), **(typed.sender.values() | {"version": practice.version}))
    return _page(request, form_again, conflicts=conflicts, status=HTTPStatus.CONFLICT)


def _texts(practice: Practice) -> dict[str, InvitationText]:
    return invitation_text.defaults_of(practice)


def _typed_texts(typed: EmailsForms) -> dict[str, InvitationText]:
    return {
        language: InvitationText(form["subject"].value() or "", form["message"].value() or "")
        for language, form in typed.texts.items()
    }


def _page(
    request: OfficeRequest,
    forms: EmailsForms,
    *,
    conflicts: list[FieldConflict] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = _shared_context() | {
        "sender": forms.sender,
        "texts": list(forms.texts.values()),
        "samples": [_sample(request, form) for form in forms.texts.values()],
        "placeholders": invitation_text.PLACEHOLDERS,
        "conflicts": conflicts,
        "reminders": reminder_settings.form_of(request.practice),
        "document_reminders": reminder_settings.documents_form_of(request.practice),
        "other_texts": [(kind, outbox.kind_label(kind)) for kind in (*bill_mail_texts.KINDS, document_mails.KIND)],
        "help_notices": help_request_settings.form_of(request.practice),
        "document_notices": document_notice_settings.form_of(request.practice),
        "document_notices_pause": rendering.duration(completion_notices.PAUSE),
        "help_notices_pause": rendering.duration(staff_notices.PAUSE),
    }
    return render(request, "office/settings/emails/index.html", context, status=status)


def _sample(request: OfficeRequest, form: DefaultTextForm) -> InvitationSample:
    errors = form.errors.values() if form.is_bound else ()
    complaints = [str(message) for messages_of_field in errors for message in messages_of_field]
    text = InvitationText(form["subject"].value() or "", form["message"].value() or "")
    values = {"first_name": EXAMPLE_NAME, "clinician": request.staff.name}
    return InvitationSample(
        language=form.language,
        name=Language(form.language).label,
        form=form,
        letter=None if complaints else invitation_text.expand_for(text, request.practice, **values),
        complaints=complaints,
        is_own=text == invitation_text.default_text(form.language),
    )


def _shared_context() -> dict[str, object]:
    return {
        "sender_address": settings.EMAIL_FROM,
        # Called by the template while the email's language is active.
        "link_works_for": partial(rendering.duration, settings.SIGNIN_LINK_TTL),
    }
