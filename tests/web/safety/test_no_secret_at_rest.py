"""Session ids, PINs, codes, links and set-up tokens are stored as hashes."""

import pytest
from django.apps import apps
from django.conf import settings

from portico.domain.access import client_views
from portico.domain.access.address_change import change_requests, confirmation_links
from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import sign_in_links, sign_in_pins
from portico.domain.practices.models import Practice, StaffSession
from portico.domain.practices.staff import recovery_codes, set_up_links
from portico.plumbing import tokens
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db


def everything_stored() -> str:
    """Yields each value of every table, including those of Django and allauth."""
    values = []
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.values_list():
            values += [bytes(value).decode("latin-1") if isinstance(value, memoryview) else str(value) for value in row]
    return "\n".join(values)


def test_no_table_contains_a_usable_secret(practice: Practice) -> None:
    ana, fay = cast.ana(practice), cast.fay(practice)
    phone = cast.in_the_portal(Browser(), ana)
    mailed = cast.mailed(practice, "ana@mail.example", browser="the key of a browser that asked")
    form_key = tokens.new_token()
    sign_in_pins.generate(ana, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(ana, form_key, to=cast.DESK)
    assert shown is not None
    authenticator = cast.with_authenticator(fay)
    desk = cast.signed_in_with_factor(Browser(), fay)
    desk.post("/office/account/password/", {"old": "wrong"})
    code = sign_in_links.code_of(mailed)
    staff_session = desk.cookies[settings.SESSION_COOKIE_NAME].value
    session = StaffSession.objects.get(key_hash=tokens.digest(staff_session))
    portal_session = PortalSession.objects.latest("id")
    change = change_requests.request(
        portal_session, cast.with_access(ana), "ana@new.example", form_key="", by=cast.DESK
    )
    secrets = {
        "a view as the client": client_views.start(ana, staff=fay, session_ref=session.ref, reason="").key,
        "a link to a new email": (confirmation_links.AddressChangeMail().link(change) or "").rstrip("/")[-40:],
        "a client's session": phone.cookies[settings.CLIENT_COOKIE_NAME].value,
        "a browser that is known": phone.cookies[settings.BROWSER_COOKIE_NAME].value,
        "a link": sign_in_links.url_of(mailed).rstrip("/").rpartition("/")[2],
        "a code": code,
        "a code without its blank": code.replace(" ", ""),
        "a browser that asked": "the key of a browser that asked",
        "a PIN": shown[1],
        "a staff session": staff_session,
        "a set-up link": set_up_links.create_link(fay, by=cast.DESK),
        "an authenticator": authenticator,
        "a password": cast.PASSWORD,
    } | {f"recovery code {number}": code for number, code in enumerate(recovery_codes.unused(fay))}
    stored = everything_stored()
    assert "ana@mail.example" in stored
    assert {name for name, secret in secrets.items() if secret in stored} == set()
