"""Forms of the pages about shareable documents."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.models.templates import MAX_NOTE, MAX_TITLE
from portico.domain.documents.templates import consent_text, template_content, template_editing
from portico.domain.documents.templates.template_content import LANGUAGES, Content
from portico.domain.documents.templates.template_editing import TemplateSettings
from portico.domain.documents.templates.template_files import UploadedFile
from portico.web.office.base_form import OfficeForm, WholeNumberField, line_field, text_field
from portico.web.office.shareable_documents.template_labels import KIND_HINTS

_TEXTS = ("title", "note", "text")


def revision_field() -> forms.IntegerField:
    """Returns the hidden field with the revision of the template that the page showed."""
    return forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class NewTemplateForm(OfficeForm):
    """Kind and title of a new document."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(kind.value, kind.label) for kind in KIND_HINTS],
        widget=forms.RadioSelect,
    )
    title = line_field(_("Title"), longest=MAX_TITLE, required=True)


class TemplateForm(OfficeForm):
    """A document's editor: title, note, text and file in each language, and the settings for all its versions.

    One form, so that each of its buttons saves all that was entered. Names of fields end in the language.
    """

    revision = revision_field()
    title = line_field(_("Title in this list"), longest=MAX_TITLE, required=True)
    in_welcome_packet = forms.BooleanField(label=_("In the welcome packet"), required=False)
    may_be_declined = forms.BooleanField(label=_("The client may decline it"), required=False)
    repeat_after_months = WholeNumberField(
        label=_("Ask again after (months)"),
        required=False,
        min_value=0,
        max_value=template_editing.MAX_REPEAT_MONTHS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, template: DocumentTemplate, data: Any = None, files: Any = None) -> None:  # Any: posted data.
        self.template = template
        self.content = template_content.to_edit(template)
        names = ("revision", "title", "in_welcome_packet", "may_be_declined")
        initial: dict[str, Any] = {name: getattr(template, name) for name in names}
        initial["repeat_after_months"] = template.repeat_after_months or ""
        for language, own in self.content.items():
            initial |= {f"{name}_{language}": own.get(name, "") for name in ("title", "note", "text")}
        # With files, Django takes a form for posted.
        super().__init__(data, files if data is not None else None, initial=initial)
        for language in LANGUAGES:
            self._add_fields(TemplateKind(template.kind), language)

    def _add_fields(self, kind: TemplateKind, language: str) -> None:
        self.fields[f"title_{language}"] = line_field(
            _("Title for clients"), longest=MAX_TITLE, attrs={"lang": language}
        )
        note = _("Which file to send") if kind == TemplateKind.UPLOAD else _("Note above the document")
        self.fields[f"note_{language}"] = text_field(note, longest=MAX_NOTE, rows=2, lang=language)
        if kind == TemplateKind.CONSENT:
            self.fields[f"text_{language}"] = text_field(
                _("Text"), longest=consent_text.MAX_CHARACTERS, rows=18, lang=language
            )
        if kind == TemplateKind.FILE:
            # An empty file is refused with the sentence of all uploads.
            self.fields[f"file_{language}"] = forms.FileField(label=_("File"), required=False, allow_empty_file=True)

    def clean_repeat_after_months(self) -> int:
        return self.cleaned_data["repeat_after_months"] or 0

    def texts_in(self, language: str) -> list[forms.BoundField]:
        """Returns the fields of the texts in one language."""
        return [self[f"{name}_{language}"] for name in _TEXTS if f"{name}_{language}" in self.fields]

    def draft(self) -> Content:
        """Returns the draft with the entered texts."""
        for language in LANGUAGES:
            own = cast(dict[str, Any], self.content[language])  # Any: JSON.
            for name in _TEXTS:
                if f"{name}_{language}" in self.cleaned_data:
                    own[name] = self.cleaned_data[f"{name}_{language}"]
        return self.content

    def uploaded_files(self) -> dict[str, UploadedFile]:
        """Returns the posted files by language."""
        posted = {language: self.cleaned_data.get(f"file_{language}") for language in LANGUAGES}
        return {language: UploadedFile(file, file.name) for language, file in posted.items() if file is not None}

    def settings(self) -> TemplateSettings:
        names = ("title", "in_welcome_packet", "may_be_declined", "repeat_after_months")
        return TemplateSettings(**{name: self.cleaned_data[name] for name in names})
