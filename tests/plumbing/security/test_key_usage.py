"""Whichever key the data were made with is found, wherever a box of ours stands."""

import base64
import secrets

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.test import Client as Browser
from pytest_django import Settings

from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import saved_forms as portal_saved_forms
from portico.domain.practices.models import Practice, StaffSession
from portico.domain.practices.staff import saved_forms
from portico.plumbing import clock
from portico.plumbing.audit import sealing
from portico.plumbing.form_recovery import PostedField
from portico.plumbing.security import encryption, key_usage
from tests import cast


@pytest.fixture
def later_keys(settings: Settings, practice: Practice) -> Settings:
    """A house where a second key has come first; give it away with `settings.FIELD_KEYS.pop`."""
    settings.FIELD_KEYS = {"second": secrets.token_bytes(32), **settings.FIELD_KEYS}
    return settings


def lose(settings: Settings) -> None:
    settings.FIELD_KEYS = {name: key for name, key in settings.FIELD_KEYS.items() if name != "second"}


def test_nothing_is_missing_while_every_key_is_there(later_keys: Settings, practice: Practice) -> None:
    saved_forms.save(cast.fay(practice), path="/office/", fields=[PostedField("name", "Ana")])
    sealing.seal_all()
    assert key_usage.missing_keys() == {}


def test_a_kept_form_names_its_key(later_keys: Settings, practice: Practice) -> None:
    saved_forms.save(cast.fay(practice), path="/office/", fields=[PostedField("name", "Ana")])
    lose(later_keys)
    assert key_usage.missing_keys() == {"second": ["staff saved forms"]}


def test_a_kept_form_of_the_portal_names_its_key(later_keys: Settings, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    session, chosen = PortalSession.objects.get(), [PostedField("with", "new")]
    portal_saved_forms.save(session, client_ref=ana.ref, path="/portal/", fields=chosen)
    lose(later_keys)
    assert key_usage.missing_keys() == {"second": ["portal saved forms"]}


def test_a_staff_session_names_its_key(later_keys: Settings, practice: Practice) -> None:
    box = encryption.encrypt(b"", bound_to="x")
    StaffSession.objects.create(key_hash="x", contents=box, created_at=clock.now(), seen_at=clock.now())
    lose(later_keys)
    assert key_usage.missing_keys() == {"second": ["staff sessions"]}


def test_an_authenticators_seed_names_its_key(later_keys: Settings, practice: Practice) -> None:
    seed = get_adapter().encrypt("ABCDEFGH")
    Authenticator.objects.create(user=cast.fay(practice), type="recovery_codes", data={"seed": seed, "used": [0]})
    lose(later_keys)
    assert key_usage.missing_keys() == {"second": ["authenticators"]}


def test_a_seal_names_its_key(later_keys: Settings, practice: Practice) -> None:
    cast.ana(practice)
    sealing.seal_all()
    lose(later_keys)
    assert key_usage.missing_keys() == {"second": ["audit seals"]}


def test_what_is_no_box_names_none() -> None:
    for other in (
        b"",
        b"\x01",
        b"\x01\x02",
        b"\x89PNG" + bytes(50),
        b"\x01\x02k!" + bytes(50),
        b"\x01\x10" + bytes(20),
    ):
        assert encryption.key_id_of(other) is None
    box = encryption.encrypt(b"", bound_to="x")
    assert encryption.key_id_of(box) == "t1"
    assert encryption.key_id_of(base64.b64decode(get_adapter().encrypt("x"))) == "t1"
