"""Reads the `Client Portal` tab and builds what a browser would post."""

import re
from html import unescape

from django.http import HttpResponse
from django.test import Client as Browser

from portico.domain.clients.models import Client


def address_of(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


def page(office: Browser, person: Client) -> str:
    answer = office.get(address_of(person))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def hidden(shown: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', shown)
    assert found is not None
    return found[1]


def form_of(office: Browser, person: Client, **typed: str) -> dict[str, str]:
    """Returns the form data: hidden fields, the selected address and the input."""
    shown = page(office, person)
    row = person.email_addresses.open().order_by("id").first()
    return {
        "enabled": "on",
        "address": row.ref if row else "",
        "access_billing_documents": "on",
        "signs_documents": "on",
        "subject": "Welcome",
        "message": "Hello [first name]",
        "form_key": hidden(shown, "form_key"),
        "version": hidden(shown, "version"),
        **typed,
    }


def post(office: Browser, person: Client, data: dict[str, str]) -> HttpResponse:
    return office.post(address_of(person), data)  # type: ignore[return-value]  # Django's test answer.


def send(office: Browser, person: Client, **typed: str) -> HttpResponse:
    return post(office, person, form_of(office, person, action="send", **typed))


def banner(shown: str) -> str:
    found = re.search(r'<section class="notice" data-tone="(\w+)" id="banner".*?</section>', shown, re.DOTALL)
    return re.sub(r"<svg.*?</svg>|<[^>]+>", " ", found[0]) if found else ""


def squeezed(text: str) -> str:
    return " ".join(text.split())
