"""The random key of a form, by which pressing twice does a thing once."""

from typing import Any

from django import forms
from django.http import HttpRequest

from portico.plumbing import tokens
from portico.plumbing.text.input_validation import is_unstorable

LENGTH = 43


class FormKeyField(forms.CharField):
    """Reads the key of the page that was sent, and draws a new one: a page that is shown again is another form."""

    def bound_data(self, data: Any, initial: Any) -> str:  # Any: Django's own signature.
        return tokens.new_token()


def field() -> FormKeyField:
    return FormKeyField(required=False, max_length=LENGTH, widget=forms.HiddenInput, initial=tokens.new_token)


def clean_key(text: str) -> str:
    """The key as it came back, or nothing when no form of ours holds such a one."""
    return "" if len(text) > LENGTH or is_unstorable(text) else text


def key_of(request: HttpRequest) -> str:
    """The key that was posted; a new one where none came that can be read."""
    return clean_key(request.POST.get("form_key", "")) or tokens.new_token()
