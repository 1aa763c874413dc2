"""The form with which a client asks for help, at the entrance and in the portal."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portico.domain.access.help_requests.help_requests import HelpRequestInput
from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.mail import rendering
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.plumbing.text.input_validation import AddressField, AddressWidget, LineField, TextField

TOO_LONG = _("Shorten this to %(limit_value)d characters. It has %(show_value)d.")
MAX_MESSAGE_LENGTH = 1000
# Where an emergency is a call to 911.
COUNTRIES_WITH_911 = {"US", "CA"}


class HelpRequestForm(forms.Form):
    """A name, a phone number or email address to reach them, and a message."""

    use_required_attribute = False

    name = LineField(
        label=_("Your name"),
        max_length=100,
        error_messages={"required": _("Enter your name."), "max_length": TOO_LONG},
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    contact = LineField(
        is_phone=True,
        label=_("Phone or email"),
        help_text=_("Where we can reach you."),
        max_length=254,
        error_messages={"required": _("Enter a phone number or email address."), "max_length": TOO_LONG},
        widget=forms.TextInput({"autocomplete": "tel", "autocapitalize": "none", "spellcheck": "false"}),
    )
    message = TextField(
        label=_("What do you need help with?"),
        help_text=_("Please leave out health details."),
        max_length=MAX_MESSAGE_LENGTH,
        error_messages={"required": _("Tell us what you need help with."), "max_length": TOO_LONG},
        widget=forms.Textarea({"rows": "5"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        super().__init__(*args, **kwargs)
        # With `maxlength` a browser cuts pasted text without a word.
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)

    @property
    def entry(self) -> HelpRequestInput:
        return HelpRequestInput(**self.cleaned_data, language=get_language() or "en")


class EntranceHelpForm(HelpRequestForm):
    """The same with the address that they tried to sign in with, if they know it."""

    address = AddressField(
        malformed=_("Enter one email address, such as name@example.com, or leave this empty."),
        label=_("Email you tried to sign in with"),
        required=False,
        widget=AddressWidget({"autocomplete": "email"}),
    )

    field_order = ("name", "contact", "address", "message")


def refuse_for_limit(form: HelpRequestForm, practice: Practice, exceeded: RateLimitExceeded) -> None:
    """Adds to the form, which keeps what was typed, that it was not sent and when it can be."""
    phone, wait = letterhead.phone(practice), rendering.duration(_wait(exceeded))
    sentence = _("We got several requests in a short time, so yours wasn’t sent. Send it again in %(wait)s.")
    if phone:
        sentence = _(
            "We got several requests in a short time, so yours wasn’t sent. Send it again in %(wait)s, or call us at "
            "%(phone)s."
        )
    form.add_error(None, sentence % {"wait": wait, "phone": phone})


def mark_for_limit(response: HttpResponse, exceeded: RateLimitExceeded) -> HttpResponse:
    """Makes the page a 429 that says when to try again."""
    response.status_code = HTTPStatus.TOO_MANY_REQUESTS
    response["Retry-After"] = str(_wait(exceeded))
    return response


def _wait(exceeded: RateLimitExceeded) -> int:
    return int(exceeded.limit.window.total_seconds())


def context_for(practice: Practice, form: HelpRequestForm | None) -> dict[str, object]:
    """Returns the context of the page; without a form it says that the request was sent."""
    return {
        "practice": practice,
        "form": form,
        "form_key": tokens.new_token(),
        "has_911": practice.country in COUNTRIES_WITH_911,
    }
