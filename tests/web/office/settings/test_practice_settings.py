"""`Settings` > `Practice`: details, texts for clients, hue and logo."""

import random
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Logo, Practice
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.pictures import picture

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db
PRACTICE = "/office/settings/practice/"
LOGO = f"{PRACTICE}logo/"
ENTRANCE = "/portal/alder-street/"
# Session with colleague and practice, the menu.
QUERIES = 2

TYPED = {
    "name": "Alder Street Therapy",
    "time_zone": "America/New_York",
    "country": "US",
    "phone": "(212) 555-0177",
    "support_hours": "Mon–Fri, 9 to 5",
    "accent": "218",
    "version": "1",
}


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


def shown(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def upload(browser: Browser, file: bytes, name: str = "logo.png") -> "Answer":
    return browser.post(LOGO, {"logo": SimpleUploadedFile(name, file, "image/png")})


def test_saved_settings_are_shown_to_clients(owner: Browser, practice: Practice) -> None:
    typed = TYPED | {
        "name": "Alder & Birch",
        "phone": "212 555 0199",
        "support_hours": "Weekdays",
        "support_hours_es": "Días laborables",
        "postal_address": "14 Alder Street\nPortland",
        "greeting": "Come in, the lamp is on.",
        "emergency_text": "In an emergency call 911.\nOr us: (212) 555-0199.",
    }
    answer = owner.post(PRACTICE, typed, follow=True)
    assert "The practice settings were saved." in answer.content.decode()
    practice.refresh_from_db()
    assert (practice.name, practice.phone, practice.version) == ("Alder & Birch", "+12125550199", 2)
    entrance = shown(Browser(), ENTRANCE)
    assert "Alder & Birch" in entrance
    assert "Come in, the lamp is on." in entrance
    home = shown(cast.in_the_portal(Browser(), cast.ana(practice)), f"{ENTRANCE}home/")
    assert '<a class="nowrap" href="tel:911">911</a>.<br>Or us:' in home
    assert '<a class="nowrap" href="tel:+12125550199">(212) 555-0199</a>' in home
    assert "Weekdays" in home
    assert "Días laborables" in shown(Browser(headers={"accept-language": "es"}), f"{ENTRANCE}help/")


def test_the_first_invoice_fixes_the_currency(owner: Browser, practice: Practice) -> None:
    assert '<option value="USD" selected>US dollar (USD)</option>' in shown(owner, PRACTICE)
    owner.post(PRACTICE, TYPED | {"currency": "EUR"})
    practice.refresh_from_db()
    assert practice.currency == "EUR"
    cast.bill(cast.ana(practice))
    page = shown(owner, PRACTICE)
    assert re.search(r'<select[^>]*name="currency"[^>]*disabled', page)
    assert "Can’t be changed after the first invoice or payment." in page
    owner.post(PRACTICE, TYPED | {"currency": "USD", "version": "2", "name": "Alder"})
    practice.refresh_from_db()
    assert (practice.name, practice.currency) == ("Alder", "EUR")


def test_an_unsupported_currency_is_refused(owner: Browser, practice: Practice) -> None:
    assert owner.post(PRACTICE, TYPED | {"currency": "XTS"}).status_code == 422
    practice.refresh_from_db()
    assert practice.currency == "USD"


def test_the_audit_log_names_fields_without_values(owner: Browser) -> None:
    owner.post(PRACTICE, TYPED | {"greeting": "Come in", "accent": "20"})
    entry = AuditEntry.objects.get(action=AuditAction.PRACTICE_EDITED)
    assert entry.details == {"fields": "greeting, hue"}
    assert "Practice settings changed: portal greeting, accent color" in shown(owner, "/office/settings/trail/")


def test_the_owner_sets_the_age_of_majority(owner: Browser, practice: Practice) -> None:
    owner.post(PRACTICE, TYPED | {"age_of_majority": "21"})
    practice.refresh_from_db()
    assert practice.age_of_majority == 21
    refused = owner.post(PRACTICE, TYPED | {"age_of_majority": "99", "version": "2"})
    assert "Enter a whole number from 14 to 25." in refused.text
    assert owner.post(PRACTICE, TYPED | {"age_of_majority": " \n", "version": "2"}).status_code == 302
    practice.refresh_from_db()
    assert practice.age_of_majority == 21


def test_saving_without_changes_does_nothing(owner: Browser, practice: Practice) -> None:
    for _ in range(2):
        assert owner.post(PRACTICE, TYPED).status_code == 302
    practice.refresh_from_db()
    assert practice.version == 1
    assert not AuditEntry.objects.filter(action=AuditAction.PRACTICE_EDITED).exists()


def test_spanish_texts_fall_back_to_english(owner: Browser, practice: Practice) -> None:
    lucia = cast.client(practice, "Lucía", address="lucia@mail.example", language="es")
    owner.post(PRACTICE, TYPED | {"emergency_text": "Call 911."})
    portal = cast.in_the_portal(Browser(), lucia)
    assert "Call " in shown(portal, f"{ENTRANCE}home/")
    owner.post(PRACTICE, TYPED | {"emergency_text": "Call 911.", "emergency_text_es": "Llame al 911.", "version": "2"})
    home = shown(portal, f"{ENTRANCE}home/")
    assert "Llame al " in home
    assert "Call " not in home


def test_a_phone_number_is_parsed_for_the_country(owner: Browser, practice: Practice) -> None:
    owner.post(PRACTICE, TYPED | {"country": "ES", "phone": "912 34 56 78"})
    practice.refresh_from_db()
    assert (practice.country, practice.phone) == ("ES", "+34912345678")
    assert 'value="912 34 56 78"' in shown(owner, PRACTICE)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Enter a practice name."),
        ("name", "\u202e\u200b", "Enter a practice name."),
        ("name", "x" * 101, "Enter at most 100 characters."),
        ("phone", "nine one one", "Enter a complete phone number."),
        ("time_zone", "Mars/Olympus", "Mars/Olympus is not one of the available choices."),
        ("time_zone", "localtime", "localtime is not one of the available choices."),
        ("time_zone", "Factory", "Factory is not one of the available choices."),
        ("greeting", "x" * 301, "Enter at most 300 characters."),
        ("emergency_text", "\x00", "This text contains a character that can’t be saved."),
        ("accent", "400", "400 is not one of the available choices."),
    ],
)
def test_invalid_input_is_explained_and_kept(
    owner: Browser, practice: Practice, field: str, value: str, sentence: str
) -> None:
    answer = owner.post(PRACTICE, TYPED | {"support_hours": "Typed by hand", field: value})
    assert answer.status_code == 422
    page = unescape(answer.content.decode())
    assert sentence in page
    assert "Typed by hand" in page
    practice.refresh_from_db()
    assert practice.version == 1


def test_a_zone_without_a_place_must_be_replaced(owner: Browser, practice: Practice) -> None:
    Practice.objects.update(time_zone="EST")
    page = shown(owner, PRACTICE)
    assert page.index('<option value="">Choose a time zone') < page.index('<option value="America/New_York">')
    assert 'value="EST"' not in page
    assert owner.post(PRACTICE, TYPED | {"time_zone": "EST"}).status_code == 422
    assert owner.post(PRACTICE, TYPED | {"time_zone": ""}).status_code == 422
    assert owner.post(PRACTICE, TYPED).status_code == 302
    practice.refresh_from_db()
    assert practice.time_zone == "America/New_York"


@pytest.mark.parametrize("zone", ["UTC", "US/Eastern"])
def test_a_zone_that_is_not_offered_can_stay(owner: Browser, practice: Practice, zone: str) -> None:
    Practice.objects.update(time_zone=zone)
    assert f'<option value="{zone}" selected>' in shown(owner, PRACTICE)
    assert owner.post(PRACTICE, TYPED | {"time_zone": zone, "name": "Alder"}).status_code == 302
    practice.refresh_from_db()
    assert (practice.time_zone, practice.name) == (zone, "Alder")


def test_invisible_characters_are_removed(owner: Browser, practice: Practice) -> None:
    owner.post(PRACTICE, TYPED | {"name": "Alder\u202e\u2028Street", "greeting": "Come\x07 in"})
    practice.refresh_from_db()
    assert (practice.name, practice.greeting) == ("Alder Street", "Come in")


def test_a_concurrent_edit_shows_both_versions(owner: Browser, practice: Practice) -> None:
    owner.post(PRACTICE, TYPED | {"support_hours": "Weekdays"})
    answer = owner.post(PRACTICE, TYPED | {"support_hours": "Weekends", "greeting": "Hello"})
    page = unescape(answer.content.decode())
    assert answer.status_code == 409
    assert re.findall(r"<dt>(.*?)</dt><dd class=\"break\">(.*?)</dd>", page)[:2] == [
        ("Support hours, English: your version", "Weekends"),
        ("Support hours, English: saved version", "Weekdays"),
    ]
    practice.refresh_from_db()
    assert practice.support_hours == "Weekdays"
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    owner.post(PRACTICE, TYPED | {"support_hours": "Weekends", "version": version[1]})
    practice.refresh_from_db()
    assert practice.support_hours == "Weekends"


def test_other_fields_are_never_stored(owner: Browser, practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    owner.post(PRACTICE, TYPED | {"slug": "mine", "currency": "EUR", "suspended_at": "2026-01-01", "logo_digest": "x"})
    practice.refresh_from_db()
    assert (practice.slug, practice.currency, practice.suspended_at, practice.logo_digest) == (
        *("alder-street", "USD"),
        *(None, ""),
    )


def test_only_owners_may_change_settings(client: Browser, practice: Practice) -> None:
    desk = cast.signed_in(client, cast.fay(practice))
    assert desk.post(PRACTICE, TYPED | {"name": "Mine"}).status_code == 403
    assert upload(desk, picture()).status_code == 403
    practice.refresh_from_db()
    assert (practice.name, practice.logo_digest) == ("Alder Street Therapy", "")
    assert AuditEntry.objects.filter(action=AuditAction.DENIED_ROLE).count() == 2


# --- the hue


@pytest.mark.parametrize("hue", [0, 140, 359])
def test_every_page_carries_the_practices_hue(owner: Browser, practice: Practice, hue: int) -> None:
    owner.post(PRACTICE, TYPED | {"accent": "own", "hue": str(hue)})
    practice.refresh_from_db()
    assert practice.hue == hue
    portal = cast.in_the_portal(Browser(), cast.ana(practice))
    for browser, address in ((owner, PRACTICE), (Browser(), ENTRANCE), (portal, f"{ENTRANCE}home/")):
        assert f'<link rel="stylesheet" href="/look/hue-{hue}.css">' in shown(browser, address)
    sheet = Browser().get(f"/look/hue-{hue}.css")
    assert sheet.content.decode() == f":root {{ --brand-hue: {hue}; }}\n"
    assert sheet["Content-Type"] == "text/css; charset=utf-8"
    assert sheet["Cache-Control"] == "public, max-age=31536000, immutable"


def test_error_pages_carry_the_hue_too(practice: Practice) -> None:
    Practice.objects.update(hue=20)
    assert "/look/hue-20.css" in Browser().get(f"{ENTRANCE}link/").content.decode()


@pytest.mark.parametrize("path", ["hue-360.css", "hue-99999999999999999999.css", "hue--1.css", "hue-x.css", "hue-.css"])
def test_an_invalid_hue_has_no_stylesheet(practice: Practice, path: str) -> None:
    assert Browser().get(f"/look/{path}").status_code == 404


@pytest.mark.parametrize("hue", ["", "360", "-1", "1.5", "red"])
def test_an_invalid_hue_is_refused(owner: Browser, practice: Practice, hue: str) -> None:
    answer = owner.post(PRACTICE, TYPED | {"accent": "own", "hue": hue})
    assert answer.status_code == 422
    assert "Enter a whole number from 0 to 359." in answer.content.decode()
    assert "/look/hue-218.css" in answer.content.decode()


def test_a_preview_shows_the_hue_and_saves_nothing(owner: Browser, practice: Practice) -> None:
    typed = TYPED | {"accent": "own", "hue": "77", "name": "Half typ", "phone": "half"}
    page = owner.post(PRACTICE, typed | {"action": "preview"})
    assert page.status_code == 200
    assert "/look/hue-77.css" in page.content.decode()
    assert 'value="Half typ"' in page.content.decode()
    assert "/look/hue-77.css" in owner.post(f"{PRACTICE}sample/", typed).content.decode()
    practice.refresh_from_db()
    assert (practice.hue, practice.name) == (218, "Alder Street Therapy")


# --- the logo


def test_the_logo_is_shown_to_clients(owner: Browser, practice: Practice) -> None:
    answer = upload(owner, picture("JPEG"))
    assert answer.status_code == 302
    practice.refresh_from_db()
    address = f"{ENTRANCE}logo/{practice.logo_digest}.png"
    portal = cast.in_the_portal(Browser(), cast.ana(practice))
    for browser, place in ((owner, PRACTICE), (Browser(), ENTRANCE), (portal, f"{ENTRANCE}home/")):
        assert f'<img class="logo" src="{address}" alt="">' in shown(browser, place)
    image = Browser().get(address)
    assert image.content == bytes(Logo.objects.get().png)
    assert image["Content-Type"] == "image/png"
    assert image["X-Content-Type-Options"] == "nosniff"
    assert image["Cache-Control"] == "public, max-age=31536000, immutable"
    assert AuditEntry.objects.filter(action=AuditAction.LOGO_CHANGED).count() == 1


def test_a_new_logo_replaces_the_old_one(owner: Browser, practice: Practice) -> None:
    upload(owner, picture())
    practice.refresh_from_db()
    first = f"{ENTRANCE}logo/{practice.logo_digest}.png"
    upload(owner, picture(size=(50, 50)))
    assert Logo.objects.count() == 1
    assert Browser().get(first).status_code == 404


def test_uploading_the_same_logo_changes_nothing(owner: Browser) -> None:
    upload(owner, picture())
    upload(owner, picture())
    assert AuditEntry.objects.filter(action=AuditAction.LOGO_CHANGED).count() == 1


def test_the_logo_can_be_removed(owner: Browser, practice: Practice) -> None:
    upload(owner, picture())
    for _ in range(2):
        assert owner.post(f"{LOGO}removal/").status_code == 302
    practice.refresh_from_db()
    assert (practice.logo_digest, Logo.objects.count()) == ("", 0)
    assert '<img class="logo"' not in shown(owner, PRACTICE)
    assert AuditEntry.objects.filter(action=AuditAction.LOGO_REMOVED).count() == 1


def test_a_logo_is_served_for_its_practice_only(owner: Browser, practice: Practice) -> None:
    upload(owner, picture())
    practice.refresh_from_db()
    cast.birch()
    assert Browser().get(f"/portal/birch-lane/logo/{practice.logo_digest}.png").status_code == 404


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "This file can’t be read as an image."),
        (b"", "Choose a PNG, JPEG or WebP file."),
        (b"\x89PNG\r\n\x1a\n\0", "This file can’t be read as an image."),
        (b"\0" * (2 * 1024 * 1024 + 1), "at most 2 MB and 4,000 × 4,000 pixels"),
    ],
)
def test_a_file_that_is_no_image_is_refused(owner: Browser, practice: Practice, file: bytes, sentence: str) -> None:
    answer = upload(owner, file)
    assert answer.status_code == 422
    assert sentence in unescape(answer.content.decode())
    assert not Logo.objects.exists()


def test_random_bytes_never_cause_a_server_error(owner: Browser) -> None:
    content, rng = picture("WEBP", size=(40, 30)), random.Random(1)
    for _ in range(12):
        broken = bytearray(content[: rng.randrange(len(content))])
        for at in range(0, len(broken), 7):
            broken[at] = rng.randrange(256)
        assert upload(owner, bytes(broken), "\u202e../../x\r\n.svg").status_code in {302, 422}


def test_the_page_takes_a_fixed_number_of_queries(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        owner.get(PRACTICE)
        with django_assert_num_queries(QUERIES):
            owner.get(PRACTICE)
        upload(owner, picture())
