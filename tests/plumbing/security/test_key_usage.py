"""Key usage: every encrypted column is searched for the keys it needs."""

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
    """An installation with two keys; `settings.FIELD_KEYS.pop` removes one."""
    settings.FIELD_KEYS = {"second": secrets.token_bytes(32), **settings.FIELD_KEYS}
    return settings


def remove_key(settings: Settings) -> None:
    settings.FIELD_KEYS = {name: key for name, key in settings.FIELD_KEYS.items() if name != "second"}


def test_no_key_is_missing_with_all_keys(later_keys: Settings, practice: Practice) -> None:
    saved_forms.save(cast.fay(practice), path="/office/", fields=[PostedField("name", "Ana")])
    sealing.seal_all()
    assert key_usage.missing_keys() == {}


def test_a_saved_form_of_staff_names_its_key(later_keys: Settings, practice: Practice) -> None:
    saved_forms.save(cast.fay(practice), path="/office/", fields=[PostedField("name", "Ana")])
    remove_key(later_keys)
    assert key_usage.missing_keys() == {"second": ["staff saved forms"]}


def test_a_saved_form_of_a_client_names_its_key(later_keys: Settings, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    session, chosen = PortalSession.objects.get(), [PostedField("with", "new")]
    portal_saved_forms.save(session, client_ref=ana.ref, path="/portal/", fields=chosen)
    remove_key(later_keys)
    assert key_usage.missing_keys() == {"second": ["portal saved forms"]}


def test_a_staff_session_names_its_key(later_keys: Settings, practice: Practice) -> None:
    box = encryption.encrypt(b"", bound_to="x")
    StaffSession.objects.create(key_hash="x", contents=box, created_at=clock.now(), seen_at=clock.now())
    remove_key(later_keys)
    assert key_usage.missing_keys() == {"second": ["staff sessions"]}


def test_an_authenticator_names_its_key(later_keys: Settings, practice: Practice) -> None:
    seed = get_adapter().encrypt("ABCDEFGH")
    Authenticator.objects.create(user=cast.fay(practice), type="recovery_codes", data={"seed": seed, "used": [0]})
    remove_key(later_keys)
    assert key_usage.missing_keys() == {"second": ["authenticators"]}


def test_a_seal_names_its_key(later_keys: Settings, practice: Practice) -> None:
    cast.ana(practice)
    sealing.seal_all()
    remove_key(later_keys)
    assert key_usage.missing_keys() == {"second": ["audit seals"]}


def test_other_bytes_name_no_key() -> None:
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
