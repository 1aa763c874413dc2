"""What the page `Practice` of Settings asks for."""

from dataclasses import fields
from functools import cache
from typing import Any, cast

import phonenumbers
from babel import Locale
from babel.dates import get_timezone_name
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.currency_table import CURRENCIES
from portico.domain.practices import time_zones
from portico.domain.practices.models import Practice
from portico.domain.practices.practice_settings import PracticeDetails
from portico.plumbing.text.input_validation import TextField
from portico.web import formatting
from portico.web.office.base_form import TOO_LONG, OfficeForm, WholeNumberField, line_field
from portico.web.office.clients.contact_forms import e164, written

# Eight accents by name; every other hue is as good.
HUES = {
    218: gettext_lazy("Harbor"),
    165: gettext_lazy("Pine"),
    140: gettext_lazy("Moss"),
    45: gettext_lazy("Clay"),
    20: gettext_lazy("Brick"),
    330: gettext_lazy("Plum"),
    285: gettext_lazy("Iris"),
    255: gettext_lazy("Ink"),
}
OWN = "own"
HIGHEST_HUE = 359
ENGLISH = Locale("en")


class PracticeForm(OfficeForm):
    """`accent` is one of the named hues or "own", for which `hue` stands; `version` is the practice's as shown."""

    name = line_field(gettext_lazy("Practice name"), longest=100, required=True)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    phone = line_field(gettext_lazy("Phone"), longest=40, is_phone=True, attrs={"inputmode": "tel"})
    country = forms.ChoiceField(label=gettext_lazy("Country"))
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))
    support_hours = line_field(gettext_lazy("Support hours"), longest=150)
    postal_address = TextField(
        label=gettext_lazy("Postal address"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": TOO_LONG},
    )
    greeting = TextField(
        label=gettext_lazy("Portal greeting, English"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"max_length": TOO_LONG},
    )
    greeting_es = TextField(
        label=gettext_lazy("Portal greeting, Spanish"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "lang": "es"}),
        error_messages={"max_length": TOO_LONG},
    )
    emergency_text = TextField(
        label=gettext_lazy("Emergency text, English"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"max_length": TOO_LONG},
    )
    emergency_text_es = TextField(
        label=gettext_lazy("Emergency text, Spanish"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "lang": "es"}),
        error_messages={"max_length": TOO_LONG},
    )
    accent = forms.ChoiceField(label=gettext_lazy("Accent colour"), widget=forms.RadioSelect)
    hue = WholeNumberField(
        label=gettext_lazy("Your own hue"),
        required=False,
        min_value=0,
        max_value=HIGHEST_HUE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), gettext_lazy("Type a whole number from 0 to 359.")
        ),
    )
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, practice: Practice, data: QueryDict | None = None, **initial: object) -> None:
        if data is not None and not data.get("currency"):
            # Not offered any more once the books have begun: the one that there is.
            data = data.copy()
            data["currency"] = practice.currency
        super().__init__(data, initial=opening(practice) | initial)
        choices: dict[str, list[Any]] = {  # Any: plain choices, or groups of them.
            "time_zone": zone_choices(practice.country, practice.time_zone),
            "country": country_choices(),
            "currency": currency_choices(practice.currency),
            "accent": [*((str(hue), name) for hue, name in HUES.items()), (OWN, _("Your own"))],
        }
        for name, offered in choices.items():
            cast(forms.ChoiceField, self.fields[name]).choices = offered
        self.fields["currency"].disabled = practice.currency_fixed_at is not None

    def clean(self) -> dict[str, Any]:  # Any: a field's value.
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        # Judged once the country is known.
        if cleaned.get("phone") and "country" in cleaned:
            try:
                cleaned["phone"] = e164(cleaned["phone"], cleaned["country"])
            except ValidationError as malformed:
                self.add_error("phone", malformed)
        if cleaned.get("accent") == OWN and cleaned.get("hue") is None and "hue" not in self.errors:
            self.add_error("hue", _("Type a whole number from 0 to 359."))
        return cleaned

    @property
    def shown_hue(self) -> int:
        """The hue that stands in the form, as far as it makes sense; else the one that was saved."""
        chosen = str(self["accent"].value() or "")
        typed = str(self["hue"].value() if chosen == OWN else chosen).strip()
        if typed.isascii() and typed.isdigit() and len(typed) <= len(str(HIGHEST_HUE)) and int(typed) <= HIGHEST_HUE:
            return int(typed)
        return cast(int, self.initial["saved_hue"])

    @property
    def description(self) -> PracticeDetails:
        cleaned = self.cleaned_data
        hue = cleaned["hue"] if cleaned["accent"] == OWN else int(cleaned["accent"])
        plain = {each.name: cleaned[each.name] for each in fields(PracticeDetails) if each.name != "hue"}
        return PracticeDetails(hue=hue, **plain)


def opening(practice: Practice) -> dict[str, Any]:  # Any: a field's value.
    """What the form opens with: what is saved."""
    saved = {each.name: getattr(practice, each.name) for each in fields(PracticeDetails)}
    is_named = practice.hue in HUES
    return saved | {
        "phone": written(practice.phone, practice.country) if practice.phone else "",
        "accent": str(practice.hue) if is_named else OWN,
        "hue": practice.hue,
        "saved_hue": practice.hue,
        "version": practice.version,
    }


@cache
def country_choices() -> list[tuple[str, str]]:
    """Every country that has a numbering plan, by its English name."""
    names = ENGLISH.territories
    return sorted(((code, names.get(code, code)) for code in phonenumbers.SUPPORTED_REGIONS), key=lambda each: each[1])


def currency_choices(present: str) -> list[tuple[str, str]]:
    """Those that Stripe can charge, by their English names, and the one that the practice has."""
    codes = {*CURRENCIES, present}
    return sorted(((code, formatting.currency_name(code, language="en")) for code in codes), key=lambda each: each[1])


def zone_choices(country: str, present: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The zones of the practice's country by their names, then those of the world by theirs in the database."""
    at_home = _zones_of(country)
    known = {name for name, _label in at_home}
    world = [(name, _plain(name)) for name in time_zones.offered() if name not in known]
    if present in time_zones.accepted() and present not in time_zones.offered():
        world.insert(0, (present, _plain(present)))
    groups = [(_("Everywhere else"), world)]
    if at_home:
        groups.insert(0, (ENGLISH.territories.get(country, country), at_home))
    if present not in time_zones.accepted():
        # Without it a browser would choose the first zone of the list.
        groups.insert(0, (_("Not a place’s time zone"), [("", _("Choose a time zone"))]))
    return groups


@cache
def _zones_of(country: str) -> list[tuple[str, str]]:
    names = [name for name in time_zones.offered() if time_zones.country_of(name) == country]
    return sorted(((name, _named(name)) for name in names), key=lambda each: each[1])


def _named(name: str) -> str:
    """Pacific Time, Los Angeles."""
    spoken = get_timezone_name(name, width="long", zone_variant="generic", locale=ENGLISH)
    return f"{spoken}, {_plain(name).rpartition('/')[2]}"


def _plain(name: str) -> str:
    return name.replace("_", " ")
