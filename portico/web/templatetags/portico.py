"""Template tags and filters: icons, form fields, times, names. Built in: templates do not load them."""

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

# URL namespaces whose pages offer languages in the footer; the office is in English.
TRANSLATED_NAMESPACES = {"entrance", "portal"}
TONES = {"success": "good", "warning": "wait", "error": "bad"}
TONE_ICONS = {"good": "check", "wait": "hourglass", "bad": "circle-alert", "quiet": "info"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """{% icon "mail" %}: inline SVG. Raises UnknownIcon."""
    return icons.svg(name)


@register.simple_tag(takes_context=True)
def form_subject(context: template.Context) -> SafeString:
    """{% form_subject %}: the hidden field with the mailbox and client of a portal form."""
    return hidden_subject(page_subjects.name_of(context["request"]))


@register.simple_tag(takes_context=True)
def for_client(context: template.Context) -> str:
    """{% for_client %}: `?for=…`, the client in a link to a URL that does not name one."""
    query = urlencode(page_subjects.for_client(context["request"]))
    return f"?{query}" if query else ""


@register.simple_tag
def hidden_subject(name: str) -> SafeString:
    """{% hidden_subject ref %}: the hidden field with what the form's page is about."""
    return format_html('<input type="hidden" name="{}" value="{}">', page_subjects.FIELD, name)


@register.simple_tag
def control(bound: BoundField, *, describedby: str = "", **attributes: Any) -> SafeString:
    """{% control form.email %}: the widget without its label, described by its hint and its error.

    `describedby` takes further element ids. Every other argument becomes an attribute, with `-` for `_`.
    """
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    hint_id = f"{bound.auto_id}_helptext" if bound.help_text else ""
    return render_control(bound, attrs, describedby, hint_id)


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
    """{% field form.email %}: label, widget, hint and error.

    `label` and `hint` replace those of the form; `css` adds classes to the wrapper; other arguments as in `control`.
    """
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    hint = hint or str(bound.help_text)
    hint_id = f"{bound.auto_id}_helptext" if hint else ""
    return {
        "field": bound,
        "kind": kind_of(bound),
        "control": render_control(bound, attrs, describedby, hint_id),
        "label": label or bound.label,
        "hint": hint,
        "hint_id": hint_id,
        "optional": optional,
        "css": css,
    }


def kind_of(bound: BoundField) -> str:
    match bound.field.widget:
        case RadioSelect():  # Also the base class of CheckboxSelectMultiple.
            return "choices"
        case CheckboxInput():
            return "tick"
        case _:
            return "line"


def render_control(bound: BoundField, attrs: dict[str, Any], describedby: str, hint_id: str) -> SafeString:
    error_id = f"{bound.auto_id}_error" if bound.errors else ""
    if ids := " ".join(part for part in (describedby, hint_id, error_id) if part):
        attrs["aria-describedby"] = ids
    return bound.as_widget(attrs=attrs)


@register.inclusion_tag("ui/complaint.html")
def complaint(bound: BoundField) -> dict[str, object]:
    """{% complaint form.email %}: the errors of a field, for markup written by hand."""
    return {"field": bound}


@register.inclusion_tag("ui/error_summary.html")
def error_summary(*forms_and_formsets: "BaseForm | BaseFormSet[BaseForm] | None") -> dict[str, object]:
    """{% error_summary form addresses %}: all errors, each with a link to its field."""
    forms: list[BaseForm] = []
    general: list[str] = []
    for each in forms_and_formsets:
        if isinstance(each, BaseFormSet):
            forms.extend(each.forms)
            general.extend(str(error) for error in each.non_form_errors())
        elif each is not None:
            forms.append(each)
    for form in forms:
        general.extend(str(error) for error in form.non_field_errors())
    fields = [bound for form in forms if form.is_bound for bound in form if bound.errors]
    # Passwords are not rendered again, so the page says that they must be typed again.
    is_secret = any(isinstance(field.widget, PasswordInput) for form in forms for field in form.fields.values())
    return {"general": general, "fields": fields, "count": len(general) + len(fields), "is_secret": is_secret}


@register.filter
def browser_in_words(browser: str) -> str:
    return known_browsers.describe(browser)


@register.filter
def tone(level: str) -> str:
    """Returns the stylesheet's name for a message level."""
    return TONES.get(level, "quiet")


@register.filter
def tone_icon(level: str) -> str:
    return TONE_ICONS[tone(level)]


@register.simple_tag(takes_context=True)
def current(context: template.Context, name: str, *args: object, alone: bool = False) -> SafeString:
    """{% current "office:clients" %}: `aria-current` for a menu link to the current page.

    Pages below the link's URL count as current too, unless `alone`.
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
    """{% shown_practice as at %}: the practice of the page, from its context or its guard."""
    for practice in (context.get("practice"), getattr(context.get("request"), "practice", None)):
        if isinstance(practice, Practice):
            return practice
    return None


@register.inclusion_tag("ui/languages.html", takes_context=True)
def language_choice(context: template.Context) -> dict[str, object]:
    """{% language_choice %}: links to the same page in each language, for the footer of client pages.

    On an error page they lead to `entrance_path`.
    """
    request, address = context.get("request"), context.get("entrance_path", "")
    match = getattr(request, "resolver_match", None)
    query = QueryDict(mutable=True)
    if request is not None and match is not None and match.namespace in TRANSLATED_NAMESPACES:
        query, address = request.GET.copy(), request.path
        if query.pop("next", None) and context.get("next"):
            # The validated value, not the requested one.
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
    """Returns "Today, 9:20 AM" or "Nov 20, 2:14 PM"; empty for None."""
    if at is None:
        return ""
    return formatting.date_and_time(at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language())


@register.filter
def when_within(at: datetime | None) -> str:
    """Returns the same for use inside a sentence: "today, 9:20 AM"."""
    if at is None:
        return ""
    return formatting.date_and_time_in_sentence(
        at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language()
    )


@register.filter
def time_of_day(at: datetime | None) -> str:
    """Returns "9:20 AM"."""
    if at is None:
        return ""
    return formatting.time_of_day(at, zone=timezone.get_current_timezone(), language=get_language())


@register.filter
def on_day(value: date | None) -> str:
    """Returns "Nov 20", with the year if it is not this year."""
    if value is None:
        return ""
    return formatting.short_date(local_day(value), today=local_day(clock.now()), language=get_language())


@register.filter
def full_day(value: date | None) -> str:
    """Returns "Nov 20, 2026"."""
    if value is None:
        return ""
    return formatting.long_date(local_day(value), language=get_language())


@register.simple_tag(takes_context=True)
def today_in_full(context: template.Context) -> str:
    """{% today_in_full %}: "Nov 20, 2026" in the practice's time zone; empty on a page without a practice."""
    practice = shown_practice(context)
    return times.full_day(clock.today(practice.time_zone), get_language()) if practice is not None else ""


@register.filter
def short_month(value: date) -> str:
    """Returns "Nov"."""
    return times.short_month(local_day(value), get_language())


@register.filter
def full_month(value: date) -> str:
    """Returns "November 2026"."""
    return times.full_month(local_day(value), get_language())


@register.filter
def ago(at: datetime | None) -> str:
    """Returns "3 days ago"."""
    if at is None:
        return ""
    return formatting.time_ago(at, now=clock.now(), language=get_language())


@register.filter
def phone(number: str | None, at_home: str | None = "") -> str:
    """{{ phone.number|phone:practice.phone }}: in national format, or international for another country."""
    return phone_numbers.formatted(number, at_home=at_home or "") if number else ""


@register.filter
def dialled(text: str, country: str) -> SafeString:
    """Renders a text of several lines with links for phone numbers."""
    lines = [
        format_html_join("", "{}", ((_linked(part) if part.number else part.text,) for part in parts))
        for parts in phone_numbers.split_phone_numbers(text, country)
    ]
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines))


@register.filter
def calling(text: str, practice: Practice) -> SafeString:
    """Renders a sentence with a link for the practice's phone number."""
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
    """Returns "FO" for "Fay Okafor"."""
    return formatting.initials(str(name))


@register.filter
def breakable(address: str) -> SafeString:
    """Adds line break opportunities to a URL or email address: after an @ or a slash, and before a dot."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in _ADDRESS_PARTS.split(str(address))))


@register.filter
def masked(address: str) -> str:
    """Returns "j…n@gmail.com"."""
    return formatting.masked(str(address))
