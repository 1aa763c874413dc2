"""Every mail that shows a time shows it in the practice's time zone, and names the zone in the same way."""

from datetime import UTC, datetime

import pytest
from time_machine import Traveller

from portico.domain.access.address_change import change_requests
from portico.domain.access.models import PortalSession, SignInMethod
from portico.domain.access.sign_in import link_redemption, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.practices.models import Practice
from portico.domain.practices.staff import authenticator_apps
from portico.plumbing import tokens
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.domain.access.notices.test_notices import change_address, sign_in_by_link

pytestmark = pytest.mark.django_db

# Already Tuesday in UTC, and in Dubai.
LATE = datetime(2026, 11, 24, 2, 20, tzinfo=UTC)
ZONES = {
    "America/Sao_Paulo": ("Nov 23", "11:20 PM GMT-03:00"),
    "America/Bogota": ("Nov 23", "9:20 PM GMT-05:00"),
    "Asia/Dubai": ("Nov 24", "6:20 AM GMT+04:00"),
    "America/New_York": ("Nov 23", "9:20 PM EST"),
}
# All that show a time, which `test_every_mail` checks.
KINDS = ("sign_in", "pin_used", "address_removed", "address_change_requested", "new_browser", "second_factor_changed")


def write_one_of_each(practice: Practice) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    cast.mailed(practice, "ana@mail.example")
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=Browser("Safari on iPhone", "another"))
    form_key = tokens.new_token()
    sign_in_pins.generate(ana, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(ana, form_key, to=cast.DESK)
    assert shown is not None
    visitor = Browser("Chrome on Android", "a third")
    assert sign_in_pins.enter(practice, "ana@mail.example", shown[1], visitor=visitor, ip="203.0.113.7")
    session = PortalSession.objects.exclude(method=SignInMethod.PIN).latest("id")
    change_requests.request(session, cast.with_access(ana), "ana@other.example", form_key="", by=cast.DESK)
    change_address(ana, "ana@new.example")
    authenticator_apps.save(cast.fay(practice), authenticator_apps.new_secret(), first=True, by=cast.DESK)


@pytest.mark.parametrize("zone", ZONES)
def test_each_mail_says_the_practices_time_and_names_its_zone(
    zone: str, practice: Practice, stopped_clock: Traveller
) -> None:
    stopped_clock.move_to(LATE)
    practice.time_zone = zone
    practice.save(update_fields=["time_zone"])
    write_one_of_each(practice)
    day, time = ZONES[zone]
    for kind in KINDS:
        mail = OutgoingEmail.objects.select_related("practice").filter(kind=kind).latest("id")
        composer = outbox.composer_of(kind)
        letter = composer.compose(mail, composer.link(mail))
        for body in (letter.text, letter.html):
            assert (kind, day in body, time in body) == (kind, True, True), body
