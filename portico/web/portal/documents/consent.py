"""A consent form: its text, and `Sign here`."""

from collections.abc import Sequence
from http import HTTPStatus

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.clients.models import RelationshipKind
from portico.domain.documents.completion import signatures, signing
from portico.domain.documents.completion.signatures import Signature
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.refusals import SignatureMissing
from portico.domain.documents.templates import consent_text, version_content
from portico.plumbing import clock
from portico.plumbing.text.input_validation import LineField
from portico.web import saved_forms
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import completion, found_documents, shown_language, shown_version
from portico.web.portal.flash_messages import Notice

# The hidden field that says whether the page showed the consent to sign electronically.
AGREEMENT = "agreement"
AGREEMENT_SHOWN = {"shown": True, "none": False}
TOO_LONG = gettext_lazy("Shorten this to %(limit_value)d characters. It has %(show_value)d.")
SAVED_FORM_NOTICE = gettext_lazy(
    "You were signed out, and nothing has been signed yet. Check what you entered and send it again."
)


class SignatureForm(forms.Form):
    """`Sign here`: the name, the relationship to the client and, the first time, the consent to sign electronically."""

    use_required_attribute = False

    name = LineField(
        label=gettext_lazy("Your full name"),
        max_length=100,
        error_messages={"required": gettext_lazy("Enter your full name."), "max_length": TOO_LONG},
        widget=forms.TextInput({"autocomplete": "name", "spellcheck": "false"}),
    )
    relationship = LineField(
        label=gettext_lazy("Relationship to client"),
        help_text=gettext_lazy("For example: Self, Mother, Legal guardian."),
        max_length=100,
        error_messages={"required": gettext_lazy("Enter your relationship to the client."), "max_length": TOO_LONG},
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    agrees = forms.BooleanField(
        required=False,
        error_messages={"required": gettext_lazy("Check the box to sign electronically, or ask us for a paper copy.")},
    )

    def __init__(self, *args: object, is_first: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature.
        if is_first:
            self.fields["agrees"].label = signatures.agreement()
            self.fields["agrees"].required = True
        else:
            del self.fields["agrees"]
        for field in self.fields.values():
            # With `maxlength` a browser cuts pasted text without a word.
            field.widget.attrs.pop("maxlength", None)


def respond(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Shows the text with the signature below it; POST signs."""
    if request.method == "POST":
        return _sign(request, found)
    kept = saved_forms.find_fields_of_client(request)
    initial = {"relationship": _usual_relationship(request)}
    if kept is not None:
        initial = {name: kept.get(name, "") for name in ("name", "relationship")}
    form = SignatureForm(initial=initial, is_first=_is_first(request))
    return _page(request, found, form, notices=[Notice("info", SAVED_FORM_NOTICE)] if kept is not None else [])


def _sign(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Signs what the page showed: its language, and the consent to sign electronically if it was asked for."""
    language = shown_language.posted(request)
    with_agreement = AGREEMENT_SHOWN.get(request.POST.get(AGREEMENT, ""))
    if language is None or with_agreement is None:
        typed = {name: request.POST.get(name, "") for name in ("name", "relationship")}
        form = SignatureForm(initial=typed, is_first=_is_first(request))
        notices = [Notice("error", shown_language.SHOWN_AGAIN)]
        return _page(request, found, form, HTTPStatus.CONFLICT, notices=notices)
    form = SignatureForm(request.POST, is_first=with_agreement)
    if not shown_version.is_current(request.POST, found):
        return _page(request, found, form, HTTPStatus.CONFLICT, notices=[shown_version.updated(found)])
    if not form.is_valid():
        return _page(request, found, form, HTTPStatus.UNPROCESSABLE_CONTENT)
    entered = form.cleaned_data
    try:
        signing.submit(
            found,
            language=language,
            draft_number=0,
            signature=Signature(entered["name"], entered["relationship"], entered.get("agrees", False)),
            signer=found_documents.signer(request),
            by=request.actor,
        )
    except SignatureMissing as refusal:
        # The last signature of the mailbox was removed with a restore: the page has to ask for the consent again.
        if refusal.field not in form.fields:
            form = SignatureForm(request.POST, is_first=_is_first(request))
        if form.is_valid():
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return _page(request, found, form, HTTPStatus(refusal.status))
    return completion.go_on(request, found)


def _is_first(request: PortalRequest) -> bool:
    return request.client_view is None and signatures.is_first(request.account)


def _usual_relationship(request: PortalRequest) -> str:
    """Returns "Self" where the access is the client's own, or that of the contact to the client."""
    if request.access.relationship is not None:
        return str(RelationshipKind(request.access.relationship.kind).label)
    is_minor = request.client.is_minor_on(clock.today(request.practice.time_zone))
    return "" if is_minor or len(request.accesses) > 1 else _("Self")


def _page(
    request: PortalRequest,
    found: DocumentRequest,
    form: SignatureForm,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    notices: Sequence[Notice] = (),
) -> HttpResponse:
    language = found_documents.language_of(found)
    content = version_content.content_in(found.version, language)
    context = {
        "messages": notices or [*flash_messages.notice_of(request), *shown_version.notices_of(found)],
        "document": found,
        "title": content["title"],
        "note": content.get("note", ""),
        "text": consent_text.to_html(content["text"]),
        "text_language": language,
        "form": form,
        "page_language": shown_language.shown(),
        "agreement": "shown" if "agrees" in form.fields else "none",
        "intent": signatures.intent(),
        "may_be_declined": found.version.template.may_be_declined,
    }
    return render(request, "portal/documents/consent.html", context, status=status)
