"""Idempotency keys of forms: a form that is submitted twice takes effect once."""

from typing import Any

from django import forms
from django.http import HttpRequest

from portico.plumbing import tokens
from portico.plumbing.text.input_validation import is_unstorable

LENGTH = 43


class FormKeyField(forms.CharField):
    """Reads the submitted key, and renders a new one: a page that is shown again is a new form."""

    def bound_data(self, data: Any, initial: Any) -> str:  # Any: Django's own signature.
        return tokens.new_token()


def field() -> FormKeyField:
    return FormKeyField(required=False, max_length=LENGTH, widget=forms.HiddenInput, initial=tokens.new_token)


def clean_key(text: str) -> str:
    """Returns the submitted key; empty if it is too long or contains unstorable characters."""
    return "" if len(text) > LENGTH or is_unstorable(text) else text


def key_of(request: HttpRequest) -> str:
    """Returns the posted key, or a new one if it is missing or malformed."""
    return clean_key(request.POST.get("form_key", "")) or tokens.new_token()
