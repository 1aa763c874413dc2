"""`Signed on paper`: staff record that a consent was signed on paper, whether or not it was shared in the portal."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portico.domain.access import access_lookups
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, Language
from portico.domain.documents.models import DocumentRequest, Submission, TemplateKind, TemplateVersion
from portico.domain.documents.refusals import PaperOutOfDate
from portico.domain.documents.sharing import shareable
from portico.domain.documents.submissions import paper_signatures
from portico.domain.documents.submissions.paper_signatures import PaperSignature
from portico.domain.documents.templates import version_content
from portico.domain.documents.templates.template_files import UploadedFile
from portico.domain.practices.models import CLIENT_EDITORS
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.files import inspection
from portico.plumbing.refusals import Refused
from portico.plumbing.text import time_formatting
from portico.web.date_fields import DayField, use_order_of
from portico.web.files.accepted_files import ACCEPTED
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys, lookups
from portico.web.office.base_form import OfficeForm, line_field, posted
from portico.web.office.client_portal import contacts_card
from portico.web.office.documents.client_documents import find_document
from portico.web.office.documents.recipients import OWN
from portico.web.office.documents.share_form import CHANGED

# The hidden field with the version of a shared document that the page showed.
VERSION = "version"


class PaperForm(OfficeForm):
    """The facts on a signed paper, and its scan."""

    form_key = form_keys.field()
    signed_on = DayField(label=gettext_lazy("Date on the paper"), is_past=True)
    signer_name = line_field(gettext_lazy("Name of the person who signed"), longest=100, required=True)
    relationship = line_field(gettext_lazy("Relationship to client"), longest=100, required=True)
    witness = line_field(gettext_lazy("Witness"), longest=100)
    # An empty file is refused with the sentence of all uploads.
    scan = forms.FileField(label=gettext_lazy("Scan of the paper"), required=False, allow_empty_file=True)
    # Shown and needed if the date is before the publication of the current text.
    text = forms.ChoiceField(label=gettext_lazy("Text on the paper"), required=False)
    has_documents = True
    texts: Sequence[TemplateVersion] = ()

    def __init__(self, client: Client, data: QueryDict | None, files: Any, **kwargs: Any) -> None:  # Any: posted files.
        self.client = client
        # With files, Django takes a form for posted.
        super().__init__(data, files if data is not None else None, **kwargs)
        use_order_of(client.practice.country, self)

    def offer_texts(self, versions: Sequence[TemplateVersion]) -> None:
        self.texts = versions
        label = _("Version %(number)s, published on %(day)s")
        labels = [(each.ref, label % {"number": each.number, "day": self._published_on(each)}) for each in versions]
        cast(forms.ChoiceField, self.fields["text"]).choices = [("", _("Choose…")), *labels]

    def choose_text(self, current: TemplateVersion) -> TemplateVersion:
        """Returns the chosen version, else the current one; asks to choose if that is newer than the paper."""
        if chosen := next((each for each in self.texts if each.ref == self.cleaned_data.get("text")), None):
            return chosen
        published = time_formatting.day_of(current.published_at, self.client.practice.zone)
        if self.cleaned_data.get("signed_on", published) < published and "text" not in self.errors:
            message = _("This document’s text was published on %(day)s, after the date on the paper. Choose its text.")
            self.add_error("text", message % {"day": self._published_on(current)})
        return current

    def _published_on(self, version: TemplateVersion) -> str:
        day = time_formatting.day_of(version.published_at, self.client.practice.zone)
        return time_formatting.full_day(day, Language.ENGLISH)

    def clean_signed_on(self) -> date:
        day: date = self.cleaned_data["signed_on"]
        if day > clock.today(self.client.practice.time_zone):
            raise ValidationError(_("Enter the date on which it was signed. It can’t be in the future."))
        return day

    def clean_signer_name(self) -> str:
        name: str = self.cleaned_data["signer_name"]
        if not any(character.isalpha() for character in name):
            raise ValidationError(_("Enter the full name of the person who signed."))
        return name

    @property
    def paper(self) -> PaperSignature:
        names = ("signed_on", "signer_name", "relationship", "witness")
        entered = {name: self.cleaned_data[name] for name in names}
        return PaperSignature(**entered, language=self.cleaned_data.get("language", Language.ENGLISH.value))

    @property
    def uploaded_scan(self) -> UploadedFile | None:
        file = self.cleaned_data["scan"]
        return UploadedFile(file, file.name) if file is not None else None


class SharedPaperForm(PaperForm):
    """The form for a document that was shared; asks for the language if there are several."""

    def __init__(self, found: DocumentRequest, data: QueryDict | None = None, files: Any = None) -> None:
        super().__init__(found.client, data, files)
        self.found = found
        self.offer_texts([found.version])
        if len(found.version.content) > 1:
            self.fields["language"] = _language_field(*found.version.content)
            self.initial["language"] = version_content.language_for(found.version, found.access.holder_language)

    def clean(self) -> dict[str, Any]:  # Any: field values.
        self.choose_text(self.found.version)
        return self.cleaned_data


class UnsharedPaperForm(PaperForm):
    """The form for a consent that was not shared: also which one, and whose it is."""

    # Of a valid form.
    version: TemplateVersion
    document = forms.ChoiceField(label=gettext_lazy("Document"))
    person = forms.ChoiceField(label=gettext_lazy("Person"))

    def __init__(self, client: Client, data: QueryDict | None = None, files: Any = None) -> None:
        super().__init__(client, data, files)
        offered = shareable.list_for(client.practice, None)
        titles = [(each.ref, each.title) for each in offered if each.kind == TemplateKind.CONSENT]
        self.has_documents = bool(titles)
        cast(forms.ChoiceField, self.fields["document"]).choices = titles
        if data is not None and (ref := str(data.get("document"))) in dict(titles):
            self.offer_texts(shareable.published_versions_of(client.practice, ref))
        self.people = {OWN: access_lookups.access_or_default(client)}
        for row in contacts_card.rows_of(client):
            access = row.access or access_lookups.new_access(client, row.relationship)
            self.people[row.relationship.ref] = access
        people = [(value, access.holder_name()) for value, access in self.people.items()]
        cast(forms.ChoiceField, self.fields["person"]).choices = people
        self.fields["language"] = _language_field(*Language.values)
        self.initial["language"] = client.language

    def clean(self) -> dict[str, Any]:  # Any: field values.
        """Finds the version; refuses a language that it does not have."""
        entered = self.cleaned_data
        if "document" not in entered or "language" not in entered:
            return entered
        versions = shareable.versions_of(self.client.practice, [entered["document"]])
        if not versions:
            self.add_error("document", CHANGED)
            return entered
        self.version = self.choose_text(versions[0])
        if entered["language"] not in self.version.content:
            self.add_error("language", _("This document has no text in that language."))
        return entered

    @property
    def access(self) -> PortalAccess:
        return self.people[self.cleaned_data["person"]]


def _language_field(*languages: str) -> forms.ChoiceField:
    choices = [(code, str(Language(code).label)) for code in Language.values if code in languages]
    return forms.ChoiceField(label=_("Language of the paper"), choices=choices)


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    """Records the paper of a document that was shared and is not completed."""
    client = lookups.get_client(request, ref)
    found = find_document(client, document)
    if found.version.template.kind != TemplateKind.CONSENT:
        raise Http404
    if found.is_complete and request.method != "POST":
        return redirect("office:submission", ref=ref, document=document)
    _record_view(request, client)
    form = SharedPaperForm(found, posted(request), request.FILES)

    def save() -> Submission:
        if request.POST.get(VERSION) != found.version.ref:
            raise PaperOutOfDate
        return paper_signatures.record(found, form.paper, scan=form.uploaded_scan, by=request.actor)

    return _answer(request, form, save, found)


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def record_unshared(request: OfficeRequest, ref: str) -> HttpResponse:
    """Records the paper of a consent that was not shared."""
    client = lookups.get_client(request, ref)
    _record_view(request, client)
    form = UnsharedPaperForm(client, posted(request), request.FILES)

    def save() -> Submission:
        return paper_signatures.record_unshared(
            form.access,
            form.version,
            form.paper,
            scan=form.uploaded_scan,
            form_key=form_keys.key_of(request),
            by=request.actor,
        )

    return _answer(request, form, save)


def _answer(
    request: OfficeRequest, form: PaperForm, save: Callable[[], Submission], found: DocumentRequest | None = None
) -> HttpResponse:
    """Saves a valid form and shows the completed document; otherwise shows the form."""
    if not form.is_valid():
        return _page(request, form, found)
    try:
        submission = save()
    except Refused as refusal:
        return _page(request, form.refused(refusal), found)
    messages.success(request, _("Recorded as signed on paper."))
    return redirect("office:submission", ref=form.client.ref, document=submission.request.ref)


def _page(request: OfficeRequest, form: PaperForm, found: DocumentRequest | None) -> HttpResponse:
    context = {
        "client": form.client,
        "document": found,
        "title": version_content.content_in(found.version, Language.ENGLISH)["title"] if found is not None else "",
        "form": form,
        "accepted": ACCEPTED,
        "max_megabytes": inspection.MAX_MEGABYTES,
    }
    return render(request, "office/documents/paper_signature.html", context, status=form.page_status)


def _record_view(request: OfficeRequest, client: Client) -> None:
    if request.method != "POST":
        audit_log.record(AuditAction.DOCUMENTS_VIEWED, practice=request.practice, client=client, by=request.actor)
