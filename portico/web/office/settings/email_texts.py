"""`Settings` > `Emails` > texts of the emails about bills and documents: subject and message in each language."""

from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portico.domain.billing import bill_mail_texts
from portico.domain.clients.models import Language
from portico.domain.documents.sharing import document_mails
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice, Role
from portico.domain.practices.practice_settings import SettingsConflict
from portico.plumbing.mail import outbox
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.clients import edit_conflicts
from portico.web.office.clients.edit_conflicts import FieldConflict
from portico.web.office.settings.email_settings import EXAMPLE_NAME, DefaultTextForm

EXAMPLE_NUMBER, EXAMPLE_MINUTES = 2, 12
DOCUMENTS = document_mails.KIND
KINDS = (*bill_mail_texts.KINDS, DOCUMENTS)
# The label of the email's button.
BUTTONS = {
    bill_mail_texts.NEW_BILL: gettext_lazy("See your bill"),
    bill_mail_texts.RECEIPT: gettext_lazy("See your receipt"),
    bill_mail_texts.REMINDER: gettext_lazy("See your bills"),
    DOCUMENTS: gettext_lazy("See your documents"),
}
# What the email shows below the message, whatever the text; the button named as in the language of the email.
ADDITIONS = {
    bill_mail_texts.NEW_BILL: gettext_lazy("The button “%(button)s” is always added."),
    bill_mail_texts.REMINDER: gettext_lazy("The button “%(button_for_one)s” or “%(button)s” is always added."),
    DOCUMENTS: gettext_lazy("The button “%(button)s” is always added."),
    bill_mail_texts.RECEIPT: gettext_lazy("The date, the amount and the button “%(button)s” are always added."),
}


@dataclass(frozen=True)
class Sample:
    """The text in one language, and how it reads for an example client; `shown` is None while there are errors."""

    language: str
    name: str
    form: DefaultTextForm
    shown: MailText | None
    complaints: list[str]
    button: str
    addition: str
    is_default: bool


@office_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, kind: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    texts = _texts_of(request.practice, kind)
    if request.method != "POST":
        return _page(request, kind, _forms(texts))
    forms = [DefaultTextForm(language, text, request.POST) for language, text in texts.items()]
    # A list first, so that every form is validated and collects its errors.
    results = [form.is_valid() for form in forms]
    action = request.POST.get("action", "")
    if action == "preview":
        return _page(request, kind, forms)
    if action.startswith("own-"):
        typed = {form.language: _typed(form) for form in forms}
        language = action.removeprefix("own-")
        if language in typed:
            typed[language] = _default_text(kind, language)
        return _page(request, kind, _forms(typed))
    if not all(results):
        return _page(request, kind, forms, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    saved = {form.language: form.text for form in forms}
    try:
        _save_texts(request, kind, saved)
    except SettingsConflict:
        return _conflict_page(request, kind, forms)
    messages.success(request, _("The email text was saved."))
    return redirect("office:settings_email_text", kind)


def _placeholders_of(kind: str) -> tuple[str, ...]:
    return document_mails.PLACEHOLDERS if kind == DOCUMENTS else bill_mail_texts.PLACEHOLDERS[kind]


def _texts_of(practice: Practice, kind: str) -> dict[str, MailText]:
    return document_mails.texts_of(practice) if kind == DOCUMENTS else bill_mail_texts.texts_of(practice, kind)


def _default_text(kind: str, language: str) -> MailText:
    return document_mails.default_text(language) if kind == DOCUMENTS else bill_mail_texts.default_text(kind, language)


def _save_texts(request: OfficeRequest, kind: str, texts: dict[str, MailText]) -> None:
    version = _version(request)
    if kind == DOCUMENTS:
        document_mails.save_texts(request.practice, texts, version=version, by=request.actor)
    else:
        bill_mail_texts.save(request.practice, kind, texts, version=version, by=request.actor)


def _conflict_page(request: OfficeRequest, kind: str, typed: list[DefaultTextForm]) -> HttpResponse:
    """Renders the typed texts beside those that another owner saved meanwhile; saving again overwrites them."""
    request.practice.refresh_from_db(fields=["version"])
    saved = _forms(_texts_of(request.practice, kind))
    conflicts: list[FieldConflict] = []
    for mine, theirs in zip(typed, saved, strict=True):
        conflicts += edit_conflicts.of_forms(mine, theirs)
    return _page(
        request,
        kind,
        typed,
        version=request.practice.version,
        conflicts=conflicts,
        status=HTTPStatus.CONFLICT,
    )


def _version(request: OfficeRequest) -> int:
    """Returns the practice's version when the page was rendered; 0, which no practice has, if it was not sent."""
    version = request.POST.get("version", "")
    return int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0


def _forms(texts: dict[str, MailText]) -> list[DefaultTextForm]:
    return [DefaultTextForm(language, text) for language, text in texts.items()]


def _typed(form: DefaultTextForm) -> MailText:
    return MailText(form["subject"].value() or "", form["message"].value() or "")


def _page(
    request: OfficeRequest,
    kind: str,
    forms: list[DefaultTextForm],
    *,
    version: int = 0,
    conflicts: list[FieldConflict] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        # That of the first page: what a colleague saved since is noticed at the end, also after a preview.
        "version": version or _version(request) or request.practice.version,
        "conflicts": conflicts,
        "kind": kind,
        "label": outbox.kind_label(kind),
        "forms": forms,
        "samples": [_sample(request, kind, form) for form in forms],
        "sender_address": settings.EMAIL_FROM,
        "placeholders": _placeholders_of(kind),
    }
    return render(request, "office/settings/emails/text.html", context, status=status)


def _sample(request: OfficeRequest, kind: str, form: DefaultTextForm) -> Sample:
    text = _typed(form)
    with translation.override(form.language):
        values = {
            bill_mail_texts.FIRST_NAME: EXAMPLE_NAME,
            bill_mail_texts.PRACTICE_NAME: request.practice.name,
            bill_mail_texts.NUMBER_OF_BILLS: bill_mail_texts.number_of_bills(EXAMPLE_NUMBER),
            document_mails.NUMBER_OF_DOCUMENTS: document_mails.number_of_documents(EXAMPLE_NUMBER),
            document_mails.MINUTES: document_mails.minutes_of(EXAMPLE_MINUTES),
        }
        shown = bill_mail_texts.filled_in(text, {name: values[name] for name in _placeholders_of(kind)})
        button = str(BUTTONS[kind])
        button_for_one = str(BUTTONS[bill_mail_texts.NEW_BILL])
    errors = form.errors.values() if form.is_bound else ()
    complaints = [str(message) for messages_of_field in errors for message in messages_of_field]
    return Sample(
        language=form.language,
        name=Language(form.language).label,
        form=form,
        shown=None if complaints else shown,
        complaints=complaints,
        button=button,
        addition=str(ADDITIONS[kind]) % {"button": button, "button_for_one": button_for_one},
        is_default=text == _default_text(kind, form.language),
    )
