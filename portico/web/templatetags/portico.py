"""The product's own tags and filters: icons, fields, times, names."""

import re
from datetime import date, datetime
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxInput, PasswordInput, RadioSelect
from django.forms.forms import BaseForm
from django.forms.formsets import BaseFormSet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from portico.domain.access.sign_in import known_browsers
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.text import money as money_format
from portico.plumbing.text import phone_numbers, times
from portico.web import formatting, icons, languages, page_subjects

register = template.Library()

_ADDRESS_PARTS = re.compile(r"(?<=@)|(?<=/)(?=[^/])|(?=\.)")

# Where the foot of a doorway offers the languages; the office is in English.
CLIENTS_PAGES = {"entrance", "portal"}
TONES = {"success": "good", "warning": "wait", "error": "bad"}
TONE_ICONS = {"good": "check", "wait": "hourglass", "bad": "circle-alert", "quiet": "info"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """{% icon "mail" %}: the drawing, inline. An unknown name is an error."""
    return icons.svg(name)


@register.simple_tag(takes_context=True)
def form_subject(context: template.Context) -> SafeString:
    """{% form_subject %}: the hidden field in which a form of the portal names its mailbox and client."""
    return hidden_subject(page_subjects.name_of(context["request"]))


@register.simple_tag(takes_context=True)
def for_client(context: template.Context) -> str:
    """{% for_client %}: `?for=…`, which names the client in a link to a page whose address does not."""
    query = urlencode(page_subjects.for_client(context["request"]))
    return f"?{query}" if query else ""


@register.simple_tag
def hidden_subject(name: str) -> SafeString:
    """{% hidden_subject ref %}: the hidden field in which a form names what its page is about."""
    return format_html('<input type="hidden" name="{}" value="{}">', page_subjects.FIELD, name)


@register.simple_tag
def control(bound: BoundField, *, describedby: str = "", **attributes: Any) -> SafeString:
    """{% control form.email %}: the control alone, tied to its hint and its complaint.

    `describedby` names further elements that explain it; every other argument becomes an
    attribute, `_` standing for `-`.
    """
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    hint_id = f"{bound.auto_id}_helptext" if bound.help_text else ""
    return drawn_control(bound, attrs, describedby, hint_id)


@register.inclusion_tag("ui/field.html")
def field(
    bound: BoundField,
    *,
    label: str = "",
    hint: str = "",
    optional: bool = False,
    css: str = "",
    describedby: str = "",
    **attributes: Any,
) -> dict[str, object]:
    """{% field form.email %}: label, control, hint and complaint, in that order.

    `label` and `hint` stand in for the form's own; `css` adds classes to the frame; the rest
    is as in `control`.
    """
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    hint = hint or str(bound.help_text)
    hint_id = f"{bound.auto_id}_helptext" if hint else ""
    return {
        "field": bound,
        "kind": kind_of(bound),
        "control": drawn_control(bound, attrs, describedby, hint_id),
        "label": label or bound.label,
        "hint": hint,
        "hint_id": hint_id,
        "optional": optional,
        "css": css,
    }


def kind_of(bound: BoundField) -> str:
    match bound.field.widget:
        case RadioSelect():  # the parent of a group of ticks too
            return "choices"
        case CheckboxInput():
            return "tick"
        case _:
            return "line"


def drawn_control(bound: BoundField, attrs: dict[str, Any], describedby: str, hint_id: str) -> SafeString:
    error_id = f"{bound.auto_id}_error" if bound.errors else ""
    if explained_by := " ".join(part for part in (describedby, hint_id, error_id) if part):
        attrs["aria-describedby"] = explained_by
    return bound.as_widget(attrs=attrs)


@register.inclusion_tag("ui/complaint.html")
def complaint(bound: BoundField) -> dict[str, object]:
    """{% complaint form.email %}: what is wrong with a field, for markup written by hand."""
    return {"field": bound}


@register.inclusion_tag("ui/error_summary.html")
def error_summary(*asked: "BaseForm | BaseFormSet[BaseForm] | None") -> dict[str, object]:
    """{% error_summary form addresses %}: what needs another look, each a link to its field."""
    forms: list[BaseForm] = []
    general: list[str] = []
    for each in asked:
        if isinstance(each, BaseFormSet):
            forms.extend(each.forms)
            general.extend(str(sentence) for sentence in each.non_form_errors())
        elif each is not None:
            forms.append(each)
    for form in forms:
        general.extend(str(sentence) for sentence in form.non_field_errors())
    fields = [bound for form in forms if form.is_bound for bound in form if bound.errors]
    # A secret never comes back to the page that it was typed on.
    is_secret = any(isinstance(field.widget, PasswordInput) for form in forms for field in form.fields.values())
    return {"general": general, "fields": fields, "count": len(general) + len(fields), "is_secret": is_secret}


@register.filter
def browser_in_words(browser: str) -> str:
    return known_browsers.describe(browser)


@register.filter
def tone(level: str) -> str:
    """The meaning of a message's level, as the stylesheet names it."""
    return TONES.get(level, "quiet")


@register.filter
def tone_icon(level: str) -> str:
    return TONE_ICONS[tone(level)]


@register.simple_tag(takes_context=True)
def current(context: template.Context, name: str, *args: object, alone: bool = False) -> SafeString:
    """{% current "office:clients" %}: marks a link of a menu as the place where one is.

    Pages below an address count as that place, unless it stands `alone`.
    """
    request = context.get("request")
    if request is None:
        return SafeString("")
    address = reverse(name, args=args)
    if request.path == address:
        return SafeString(' aria-current="page"')
    if not alone and request.path.startswith(address):
        return SafeString(' aria-current="true"')
    return SafeString("")


@register.simple_tag(takes_context=True)
def shown_practice(context: template.Context) -> Practice | None:
    """{% shown_practice as at %}: whose page this is, said by the page or found by its guard."""
    for practice in (context.get("practice"), getattr(context.get("request"), "practice", None)):
        if isinstance(practice, Practice):
            return practice
    return None


@register.inclusion_tag("ui/languages.html", takes_context=True)
def language_choice(context: template.Context) -> dict[str, object]:
    """{% language_choice %}: the languages at the foot of a client's doorway, each a link to the same page in it.

    Where there is no page to come back to (an error), `entrance_path` says where the links lead.
    """
    request, address = context.get("request"), context.get("entrance_path", "")
    match = getattr(request, "resolver_match", None)
    query = QueryDict(mutable=True)
    if request is not None and match is not None and match.namespace in CLIENTS_PAGES:
        query, address = request.GET.copy(), request.path
        if query.pop("next", None) and context.get("next"):
            # As the page has judged it, not as it was asked.
            query["next"] = context["next"]
    choices = []
    for code, name in settings.LANGUAGES:
        query[languages.LANGUAGE_PARAMETER] = code
        choices.append({"code": code, "name": name, "href": f"{address}?{query.urlencode()}"})
    return {"choices": choices if address else [], "spoken": get_language()}


def local_day(value: date) -> date:
    return times.day_of(value, timezone.get_current_timezone()) if isinstance(value, datetime) else value


@register.filter
def when(at: datetime | None) -> str:
    """Today, 9:20 AM. Nov 20, 2:14 PM. Nothing for None."""
    if at is None:
        return ""
    return formatting.date_and_time(at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language())


@register.filter
def when_within(at: datetime | None) -> str:
    """The same inside a sentence: today, 9:20 AM."""
    if at is None:
        return ""
    return formatting.date_and_time_in_sentence(
        at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language()
    )


@register.filter
def time_of_day(at: datetime | None) -> str:
    """9:20 AM."""
    if at is None:
        return ""
    return formatting.time_of_day(at, zone=timezone.get_current_timezone(), language=get_language())


@register.filter
def on_day(value: date | None) -> str:
    """Nov 20; another year's carries its year."""
    if value is None:
        return ""
    return formatting.short_date(local_day(value), today=local_day(clock.now()), language=get_language())


@register.filter
def full_day(value: date | None) -> str:
    """Nov 20, 2026."""
    if value is None:
        return ""
    return formatting.long_date(local_day(value), language=get_language())


@register.simple_tag(takes_context=True)
def today_in_full(context: template.Context) -> str:
    """{% today_in_full %}: Nov 20, 2026, on the practice's calendar; empty on a page of no practice."""
    practice = shown_practice(context)
    return times.full_day(clock.today(practice.time_zone), get_language()) if practice is not None else ""


@register.filter
def short_month(value: date) -> str:
    """Nov."""
    return times.short_month(local_day(value), get_language())


@register.filter
def full_month(value: date) -> str:
    """November 2026."""
    return times.full_month(local_day(value), get_language())


@register.filter
def ago(at: datetime | None) -> str:
    """3 days ago."""
    if at is None:
        return ""
    return formatting.time_ago(at, now=clock.now(), language=get_language())


@register.filter
def phone(number: str | None, at_home: str | None = "") -> str:
    """{{ phone.number|phone:practice.phone }}: national, or international when abroad."""
    return phone_numbers.formatted(number, at_home=at_home or "") if number else ""


@register.filter
def dialled(text: str, country: str) -> SafeString:
    """A text of several lines in which telephone numbers are links."""
    lines = [
        format_html_join("", "{}", ((_linked(part) if part.number else part.text,) for part in parts))
        for parts in phone_numbers.split_phone_numbers(text, country)
    ]
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines))


@register.filter
def calling(text: str, practice: Practice) -> SafeString:
    """A sentence in which the practice's own telephone number is a link."""
    if not practice.phone:
        return format_html("{}", text)
    before, number, after = text.partition(phone_numbers.formatted(practice.phone))
    return format_html(
        "{}{}{}", before, _linked(phone_numbers.TextPart(number, practice.phone)) if number else "", after
    )


def _linked(part: phone_numbers.TextPart) -> SafeString:
    return format_html('<a class="nowrap" href="tel:{}">{}</a>', part.number, part.text)


@register.filter
def money(minor: int | None, currency: str) -> str:
    """{{ invoice.total_minor|money:invoice.currency }}: $140.00."""
    return "" if minor is None else money_format.formatted(minor, currency, language=get_language())


@register.filter
def initials(name: str) -> str:
    """FO for Fay Okafor."""
    return formatting.initials(str(name))


@register.filter
def breakable(address: str) -> SafeString:
    """An address that goes to the next line where a reader would break it: after an @ or a slash, and before a dot."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in _ADDRESS_PARTS.split(str(address))))


@register.filter
def masked(address: str) -> str:
    """j…n@gmail.com."""
    return formatting.masked(str(address))
