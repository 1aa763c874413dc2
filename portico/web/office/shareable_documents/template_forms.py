"""Forms of the pages about shareable documents."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.domain.documents import consent_text, template_content, templates
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.template_content import LANGUAGES, Content
from portico.web.office.base_form import OfficeForm, WholeNumberField, line_field, text_field
from portico.web.office.shareable_documents.template_labels import KIND_HINTS


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
    title = line_field(_("Title"), longest=templates.MAX_TITLE, required=True)


class TemplateSettingsForm(OfficeForm):
    """The settings of a document, for all its versions."""

    title = line_field(_("Title in this list"), longest=templates.MAX_TITLE, required=True)
    in_welcome_packet = forms.BooleanField(label=_("In the welcome packet"), required=False)
    may_be_declined = forms.BooleanField(label=_("The client may decline it"), required=False)
    repeat_after_months = WholeNumberField(
        label=_("Ask again after how many months"),
        required=False,
        min_value=0,
        max_value=templates.MAX_REPEAT_MONTHS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    revision = revision_field()

    @classmethod
    def of(cls, template: DocumentTemplate, data: Any = None) -> "TemplateSettingsForm":  # Any: posted data.
        names = ("title", "in_welcome_packet", "may_be_declined", "revision")
        initial = {name: getattr(template, name) for name in names}
        initial["repeat_after_months"] = template.repeat_after_months or ""
        # Two forms of the page have a revision.
        return cls(data, initial=initial, auto_id="id_settings_%s")

    def clean_repeat_after_months(self) -> int:
        return self.cleaned_data["repeat_after_months"] or 0


class ContentForm(OfficeForm):
    """Title, note and text of a document in each language. Names of fields end in the language."""

    revision = revision_field()

    def __init__(self, template: DocumentTemplate, data: Any = None) -> None:  # Any: posted data.
        self.content = template_content.to_edit(template)
        initial: dict[str, Any] = {"revision": template.revision}
        for language, own in self.content.items():
            initial |= {f"{name}_{language}": own.get(name, "") for name in ("title", "note", "text")}
        super().__init__(data, initial=initial)
        is_consent = template.kind == TemplateKind.CONSENT
        for language in LANGUAGES:
            self.fields[f"title_{language}"] = line_field(
                _("Title for clients"), longest=template_content.MAX_TITLE, attrs={"lang": language}
            )
            note = _("Which file to send") if template.kind == TemplateKind.UPLOAD else _("Note above the document")
            self.fields[f"note_{language}"] = text_field(note, longest=template_content.MAX_NOTE, rows=2, lang=language)
            if is_consent:
                self.fields[f"text_{language}"] = text_field(
                    _("Text"), longest=consent_text.MAX_CHARACTERS, rows=18, lang=language
                )

    def in_language(self, language: str) -> list[forms.BoundField]:
        """Returns the fields of one language."""
        return [self[name] for name in self.fields if name.endswith(f"_{language}")]

    def draft(self) -> Content:
        """Returns the draft with what was entered."""
        for language in LANGUAGES:
            own = cast(dict[str, Any], self.content[language])  # Any: JSON.
            for name in ("title", "note", "text"):
                if f"{name}_{language}" in self.cleaned_data:
                    own[name] = self.cleaned_data[f"{name}_{language}"]
        return self.content
