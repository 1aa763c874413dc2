"""The form of `Settings` > `Practice`."""

from dataclasses import fields
from functools import cache
from operator import itemgetter
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
from portico.plumbing import images
from portico.web import formatting
from portico.web.office.base_form import OfficeForm, WholeNumberField, line_field, text_field
from portico.web.office.clients.address_and_phone_forms import e164, written

# The named accents; any other hue can be typed.
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
CUSTOM_HUE = "own"
MAX_HUE = 359
MIN_MAJORITY, MAX_MAJORITY = 14, 25
ENGLISH = Locale("en")


class PracticeForm(OfficeForm):
    """`hue` counts only if `accent` is "own"; `version` is the practice's when the page was rendered."""

    name = line_field(gettext_lazy("Practice name"), longest=100, required=True)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    phone = line_field(gettext_lazy("Phone"), longest=40, is_phone=True, attrs={"inputmode": "tel"})
    country = forms.ChoiceField(label=gettext_lazy("Country"))
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))
    age_of_majority = WholeNumberField(
        label=gettext_lazy("Age of majority"),
        required=False,
        min_value=MIN_MAJORITY,
        max_value=MAX_MAJORITY,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), gettext_lazy("Enter a whole number from 14 to 25.")
        ),
    )
    support_hours = line_field(gettext_lazy("Support hours, English"), longest=150)
    support_hours_es = line_field(gettext_lazy("Support hours, Spanish"), longest=150, attrs={"lang": "es"})
    postal_address = text_field(gettext_lazy("Postal address"), longest=300, rows=3)
    greeting = text_field(gettext_lazy("Portal greeting, English"), longest=300, rows=2)
    greeting_es = text_field(gettext_lazy("Portal greeting, Spanish"), longest=300, rows=2, lang="es")
    emergency_text = text_field(gettext_lazy("Emergency text, English"), longest=500, rows=4)
    emergency_text_es = text_field(gettext_lazy("Emergency text, Spanish"), longest=500, rows=4, lang="es")
    accent = forms.ChoiceField(label=gettext_lazy("Accent color"), widget=forms.RadioSelect)
    hue = WholeNumberField(
        label=gettext_lazy("Custom hue"),
        required=False,
        min_value=0,
        max_value=MAX_HUE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), gettext_lazy("Enter a whole number from 0 to 359.")
        ),
    )
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, practice: Practice, data: QueryDict | None = None, **initial: object) -> None:
        # The currency is not rendered once it is fixed. Left empty, both stay as they are.
        for name in ("currency", "age_of_majority") if data is not None else ():
            if data is not None and not data.get(name, "").strip():
                data = data.copy()
                data[name] = str(getattr(practice, name))
        super().__init__(data, initial=initial_values(practice) | initial)
        choices: dict[str, list[Any]] = {  # Any: plain choices, or groups of them.
            "time_zone": zone_choices(practice.country, practice.time_zone),
            "country": country_choices(),
            "currency": currency_choices(practice.currency),
            "accent": [*((str(hue), name) for hue, name in HUES.items()), (CUSTOM_HUE, _("Custom"))],
        }
        for name, offered in choices.items():
            cast(forms.ChoiceField, self.fields[name]).choices = offered
        self.fields["currency"].disabled = practice.currency_fixed_at is not None

    def clean(self) -> dict[str, Any]:  # Any: a field's value.
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        # Validated here because it depends on the country.
        if cleaned.get("phone") and "country" in cleaned:
            try:
                cleaned["phone"] = e164(cleaned["phone"], cleaned["country"])
            except ValidationError as malformed:
                self.add_error("phone", malformed)
        if cleaned.get("accent") == CUSTOM_HUE and cleaned.get("hue") is None and "hue" not in self.errors:
            self.add_error("hue", _("Enter a whole number from 0 to 359."))
        return cleaned

    @property
    def shown_hue(self) -> int:
        """Returns the hue in the form if it is valid, otherwise the saved one."""
        chosen = str(self["accent"].value() or "")
        typed = str(self["hue"].value() if chosen == CUSTOM_HUE else chosen).strip()
        if typed.isascii() and typed.isdigit() and len(typed) <= len(str(MAX_HUE)) and int(typed) <= MAX_HUE:
            return int(typed)
        return cast(int, self.initial["saved_hue"])

    @property
    def details(self) -> PracticeDetails:
        cleaned = self.cleaned_data
        hue = cleaned["hue"] if cleaned["accent"] == CUSTOM_HUE else int(cleaned["accent"])
        others = {field.name: cleaned[field.name] for field in fields(PracticeDetails) if field.name != "hue"}
        return PracticeDetails(hue=hue, **others)


def initial_values(practice: Practice) -> dict[str, Any]:  # Any: a field's value.
    """Returns the saved values as the form's initial ones."""
    saved = {field.name: getattr(practice, field.name) for field in fields(PracticeDetails)}
    is_named = practice.hue in HUES
    return saved | {
        "phone": written(practice.phone, practice.country) if practice.phone else "",
        "accent": str(practice.hue) if is_named else CUSTOM_HUE,
        "hue": practice.hue,
        "saved_hue": practice.hue,
        "version": practice.version,
    }


@cache
def country_choices() -> list[tuple[str, str]]:
    """Returns code and English name of every country with a phone numbering plan, by name."""
    names = ENGLISH.territories
    return sorted(((code, names.get(code, code)) for code in phonenumbers.SUPPORTED_REGIONS), key=itemgetter(1))


def currency_choices(current: str) -> list[tuple[str, str]]:
    """Returns code and English name of the currencies Stripe charges and of the current one, by name."""
    codes = {*CURRENCIES, current}
    return sorted(((code, formatting.currency_name(code, language="en")) for code in codes), key=itemgetter(1))


def zone_choices(country: str, current: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns the choices in groups: zones of the practice's country by English name, then all others by tz name."""
    domestic = _zones_of(country)
    listed = {name for name, _label in domestic}
    others = [(name, _readable(name)) for name in time_zones.offered() if name not in listed]
    if current in time_zones.accepted() and current not in time_zones.offered():
        others.insert(0, (current, _readable(current)))
    groups = [(_("Other countries"), others)]
    if domestic:
        groups.insert(0, (ENGLISH.territories.get(country, country), domestic))
    if current not in time_zones.accepted():
        # Without an empty choice a browser would select the first zone of the list.
        groups.insert(0, (_("Not a regional time zone"), [("", _("Choose a time zone"))]))
    return groups


@cache
def _zones_of(country: str) -> list[tuple[str, str]]:
    names = [name for name in time_zones.offered() if time_zones.country_of(name) == country]
    return sorted(((name, _zone_label(name)) for name in names), key=itemgetter(1))


def _zone_label(name: str) -> str:
    """Returns a label such as "Pacific Time, Los Angeles"."""
    zone_name = get_timezone_name(name, width="long", zone_variant="generic", locale=ENGLISH)
    return f"{zone_name}, {_readable(name).rpartition('/')[2]}"


def _readable(name: str) -> str:
    return name.replace("_", " ")


class LogoForm(forms.Form):
    """One file, not yet checked to be an image: saving the logo does that."""

    use_required_attribute = False

    logo = forms.FileField(
        label=gettext_lazy("Choose a logo"),
        # The file name is not stored, so its length does not matter.
        max_length=None,
        error_messages=dict.fromkeys(
            ("required", "missing", "invalid", "empty"), gettext_lazy("Choose a PNG, JPEG or WebP file.")
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    @property
    def file(self) -> bytes:
        """Returns the content, cut one byte above the size limit: enough for it to be rejected."""
        file: bytes = self.cleaned_data["logo"].read(images.MAX_BYTES + 1)
        return file
