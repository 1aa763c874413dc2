"""Refusals on the `Client Portal` tab keep the input and explain the next step."""

import re
from html import unescape

import pytest
from django.test import Client as Browser

from portico.domain.access.models import Invitation, PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.web.office.client_portal.tab_posts import address_of, form_of, hidden, page, post, send

HOSTILE = [
    "{{7*7}} {% now 'Y' %}",
    "<script>alert(1)</script><b>bold</b>",
    "a\u202eb\u200fc\u2028d\x85e\x07f\x1bg",
    "'; DROP TABLE clients_client; --",
    "[first name] [[first name]] [portal address",
]


def test_missing_email_ok_is_shown_beside_the_button(office: Browser, practice: Practice) -> None:
    carla = cast.client(practice, "Carla", address="carla@mail.example", email_ok=False)
    cast.with_access(carla)
    before = page(office, carla)
    assert "carla@mail.example has no <b>Email ok</b>" in before
    answer = send(office, carla, message="Kept as typed")
    after = unescape(answer.content.decode())
    assert answer.status_code == 409
    note = after[after.index('id="send-note"') :]
    assert "carla@mail.example has no Email ok. Record Carla’s consent in Client Info first. Nothing was sent." in note
    assert f'href="/office/clients/{carla.ref}/edit/info/"' in note
    assert "Kept as typed" in after
    assert not OutgoingEmail.objects.exists()
    assert AuditEntry.objects.get(action=AuditAction.INVITATION_REFUSED).client == carla


def test_after_a_refusal_the_same_page_can_be_saved_at_once(office: Browser, practice: Practice) -> None:
    carla = cast.client(practice, "Carla", address="carla@mail.example", email_ok=False)
    refused = send(office, carla).content.decode()
    again = form_of(office, carla, action="save", version=hidden(refused, "version"))
    assert post(office, carla, again).status_code == 302


def test_access_off_links_to_the_switch(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, action="send")
    del data["enabled"]
    answer = post(office, ana, data)
    note = answer.content.decode().partition('id="send-note"')[2]
    assert answer.status_code == 409
    assert "Turn on Client Portal Access and save it first. Nothing was sent." in note
    assert 'href="#id_enabled"' in note


def test_no_address_links_to_client_info(office: Browser, practice: Practice) -> None:
    nora = cast.client(practice, "Nora")
    answer = send(office, nora)
    assert answer.status_code == 409
    assert f'href="/office/clients/{nora.ref}/edit/info/"' in answer.content.decode().partition('id="send-note"')[2]


@pytest.mark.parametrize(
    ("field", "length"), [("subject", 151), ("subject", 50_000), ("message", 5_001), ("message", 50_000)]
)
@pytest.mark.parametrize("action", ["save", "send"])
def test_too_long_text_is_refused_and_stays(
    office: Browser, practice: Practice, field: str, length: int, action: str
) -> None:
    ana = cast.ana(practice)
    typed = "x" * length
    answer = post(office, ana, form_of(office, ana, **{"action": action, field: typed}))
    assert answer.status_code == 422
    assert typed in answer.content.decode()
    assert f"You entered {length}." in answer.content.decode()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("field", ["subject", "message"])
def test_empty_text_can_be_saved_but_not_sent(office: Browser, practice: Practice, field: str) -> None:
    ana = cast.ana(practice)
    assert post(office, ana, form_of(office, ana, **{"action": "send", field: " "})).status_code == 422
    assert not Invitation.objects.exists()
    assert post(office, ana, form_of(office, ana, **{"action": "save", field: " "})).status_code == 302


@pytest.mark.parametrize("typed", HOSTILE)
def test_html_is_escaped(office: Browser, practice: Practice, typed: str) -> None:
    ana = cast.ana(practice)
    assert send(office, ana, subject=typed, message=typed).status_code == 302
    email = OutgoingEmail.objects.get()
    assert not re.search("[\x00-\x09\x0b-\x1f\x85\u2028\u202e\u200f]", email.subject + str(email.content["blocks"]))
    data = form_of(office, ana, subject=typed, message=typed)
    shown = office.post(f"{address_of(ana)}preview/", data).content.decode()
    assert "<script" not in shown
    assert "49" not in shown


@pytest.mark.parametrize("field", ["subject", "message", "address", "form_key", "version"])
def test_nul_is_refused_in_every_field(office: Browser, practice: Practice, field: str) -> None:
    ana = cast.ana(practice)
    for action in ("save", "send"):
        answer = post(office, ana, form_of(office, ana, **{"action": action, field: "a\x00b"}))
        assert answer.status_code == 422
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 400])
def test_invalid_version_saves_nothing(office: Browser, practice: Practice, version: str) -> None:
    ana = cast.ana(practice)
    assert post(office, ana, form_of(office, ana, action="save", version=version)).status_code in {409, 422}
    assert not PortalAccess.objects.filter(enabled_at__isnull=False).exists()
