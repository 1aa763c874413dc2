"""Around midnight, every page, file, PDF and email shows the practice's local date and time, never UTC."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader
from time_machine import Traveller

from portico.domain.billing.invoices import invoicing
from portico.domain.billing.payments import account_credits
from portico.domain.practices.models import Role, StaffMember
from portico.domain.practices.staff import authenticator_apps
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text import time_formatting
from portico.web.route_list import all_routes
from tests import cast
from tests.support.portal_client import Browser
from tests.support.world import World, made_of
from tests.web.page_text import plain
from tests.web.visitors import undone

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

# A time close to midnight in that zone, on another date than in UTC; and the time at which the pages are read.
MOMENTS = {
    "America/New_York": datetime(2026, 11, 23, 21, 57),  # noqa: DTZ001  # On the wall there.
    "America/Sao_Paulo": datetime(2026, 11, 23, 23, 57),  # noqa: DTZ001
    "Pacific/Auckland": datetime(2026, 11, 23, 0, 3),  # noqa: DTZ001
}
LATER = timedelta(days=3)


@dataclass(frozen=True)
class Written:
    """A time as formatted in one time zone."""

    days: tuple[str, ...]
    time: str

    def found_in(self, text: str) -> list[str]:
        return [words for words in (*self.days, self.time) if re.search(rf"(?<!\d){re.escape(words)}(?!\d)", text)]


def written(at: datetime, zone: str) -> Written:
    local = at.astimezone(ZoneInfo(zone))
    days = (
        time_formatting.short_day(local.date(), "en"),
        time_formatting.short_day(local.date(), "es"),
        time_formatting.full_day(local.date(), "es"),
        local.date().isoformat(),
        f"{local:%m/%d/%Y}",
        f"{local:%d/%m/%Y}",
        f"{local:%B} {local.day}",
    )
    return Written(days, time_formatting.time_of_day(at, ZoneInfo(zone), "en"))


def everything(world: World) -> Iterator[tuple[str, str]]:
    """Yields each page and file that the owner and the client may open, and each email, as text."""
    for visitor in ("owner", "the client"):
        browser = world.browsers[visitor]
        for route in all_routes():
            if "GET" in route.methods:
                path = world.path(route)
                with undone(browser):
                    answer = browser.get(path)
                if answer.status_code == 200:
                    yield f"{visitor}: {path}", text_of(answer.headers["Content-Type"], answer.getvalue())
                    yield f"{visitor}: {path}, its name", answer.headers.get("Content-Disposition", "")
    for mail in OutgoingEmail.objects.select_related("practice").order_by("id"):
        composer = outbox.composer_of(mail.kind)
        letter = composer.compose(mail, composer.link(mail))
        yield f"mail: {mail.kind}", f"{mail.subject} {letter.text} {plain(letter.html.encode())}"


def text_of(kind: str, content: bytes) -> str:
    if kind == "application/pdf":
        return " ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    if kind.startswith("text/html"):
        return plain(content)
    return content.decode(errors="replace")


def made_at_that_moment(zone: str) -> World:
    """The world, with more rows that are shown with a time."""
    world = made_of(cast.alder(zone))
    fay = StaffMember.objects.get(practice=world.practice, role=Role.FRONT_DESK)
    authenticator_apps.save(fay, authenticator_apps.new_secret(), first=True, by=cast.DESK)
    cast.mailed(world.practice, "ana@mail.example")
    invoicing.void(cast.bill(world.ana), reason="Twice", shown=None, by=cast.DESK)
    account_credits.give(world.ana, amount_minor=2_000, reason="Late", shown=None, by=cast.DESK)
    return world


@pytest.mark.parametrize("zone", MOMENTS)
def test_every_time_is_in_the_practices_zone(zone: str, db: None, stopped_clock: Traveller) -> None:
    moment = MOMENTS[zone].replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    stopped_clock.move_to(moment)
    world = made_at_that_moment(zone)
    stopped_clock.shift(LATER)
    owner = StaffMember.objects.get(practice=world.practice, name="Dr. Naomi Elm")
    world.browsers["owner"] = cast.signed_in_with_factor(Browser(), owner)
    world.browsers["the client"] = cast.in_the_portal(Browser(), world.ana)
    wrong = [written(at, "UTC") for at in (moment, moment + LATER)]
    right = [written(at, zone) for at in (moment, moment + LATER)]
    texts = list(everything(world))
    assert {name: found for name, text in texts if (found := [w for each in wrong for w in each.found_in(text)])} == {}
    # The test has seen dates and times, on pages of both audiences, in files and in mails.
    seen = {name.split(":")[0] for name, text in texts if any(each.found_in(text) for each in right)}
    assert seen == {"owner", "the client", "mail"}
