"""The forms of `Settings` > `Emails`: the sender, and the default invitation in each language."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.practices.models import Practice
from portico.domain.practices.practice_settings import Sender
from portico.plumbing.text.mailboxes import header_address
from portico.web.office.base_form import EMAIL_ENTRY, OfficeForm, line_field
from portico.web.office.client_portal.portal_tab_form import InvitationTextForm


class SenderForm(OfficeForm):
    """Sender name and reply-to address; `version` is the practice's when the page was rendered."""

    sender_name = line_field(gettext_lazy("Sender name"), longest=100)
    reply_to = line_field(gettext_lazy("Reply-to"), longest=254, attrs=EMAIL_ENTRY)
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def clean_reply_to(self) -> str:
        address: str = self.cleaned_data["reply_to"]
        if not address:
            return ""
        try:
            return header_address(address)
        except ValueError as malformed:
            raise ValidationError(
                _(
                    "This doesn’t look like an email address. It needs a name in plain letters, an @ and a domain, "
                    "like desk@example.com."
                )
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
            field.error_messages["required"] = _("This is needed.")
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
