"""Filters of templates: times, names, money, phone numbers, the text of mails."""

import re
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import quote

from django.template.defaultfilters import linebreaksbr
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from portico.domain.access.notices import known_browsers
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.text import money as money_format
from portico.plumbing.text import phone_number_display, time_formatting
from portico.web import formatting

_ADDRESS_PARTS = re.compile(r"(?<=@)|(?<=/)(?=[^/])|(?=\.)")
BLANK_LINES = re.compile(r"\n\s*\n")

TONES = {"success": "good", "warning": "wait", "error": "bad"}
TONE_ICONS = {"good": "check", "wait": "hourglass", "bad": "circle-alert", "quiet": "info"}


def browser_in_words(browser: str) -> str:
    return known_browsers.describe(browser)


def tone(level: str) -> str:
    """Returns the stylesheet's name for a message level."""
    return TONES.get(level, "quiet")


def tone_icon(level: str) -> str:
    return TONE_ICONS[tone(level)]


def local_day(value: date) -> date:
    return time_formatting.day_of(value, timezone.get_current_timezone()) if isinstance(value, datetime) else value


def when(at: datetime | None) -> str:
    """Returns "Today, 9:20 AM" or "Nov 20, 2:14 PM"; empty for None."""
    if at is None:
        return ""
    return formatting.date_and_time(at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language())


def when_within(at: datetime | None) -> str:
    """Returns the same for use inside a sentence: "today, 9:20 AM"."""
    if at is None:
        return ""
    return formatting.date_and_time_in_sentence(
        at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language()
    )


def time_of_day(at: datetime | None) -> str:
    """Returns "9:20 AM"."""
    if at is None:
        return ""
    return formatting.time_of_day(at, zone=timezone.get_current_timezone(), language=get_language())


def time_in_sentence(at: datetime) -> str:
    """Returns "9:20 AM", as it follows "at"; in Spanish with its article."""
    return time_formatting.time_in_sentence(at, timezone.get_current_timezone(), get_language())


def on_day(value: date | None) -> str:
    """Returns "Nov 20", with the year if it is not this year."""
    if value is None:
        return ""
    return formatting.short_date(local_day(value), today=local_day(clock.now()), language=get_language())


def full_day(value: date | None) -> str:
    """Returns "Nov 20, 2026"."""
    if value is None:
        return ""
    return formatting.long_date(local_day(value), language=get_language())


def short_month(value: date) -> str:
    """Returns "Nov"."""
    return time_formatting.short_month(local_day(value), get_language())


def full_month(value: date) -> str:
    """Returns "November 2026"."""
    return time_formatting.full_month(local_day(value), get_language())


def ago(at: datetime | None) -> str:
    """Returns "3 days ago"."""
    if at is None:
        return ""
    return formatting.time_ago(at, now=clock.now(), language=get_language())


def phone(number: str | None, at_home: str | None = "") -> str:
    """{{ phone.number|phone(practice.phone) }}: in national format, or international for another country."""
    return phone_number_display.formatted(number, at_home=at_home or "") if number else ""


def dialed(text: str, country: str) -> SafeString:
    """Renders a text of several lines with links for phone numbers."""
    lines = [
        format_html_join("", "{}", ((_linked(part) if part.number else part.text,) for part in parts))
        for parts in phone_number_display.split_phone_numbers(text, country)
    ]
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines))


def calling(text: str, practice: Practice) -> SafeString:
    """Renders a sentence with a link for the practice's phone number."""
    if not practice.phone:
        return format_html("{}", text)
    before, number, after = text.partition(phone_number_display.formatted(practice.phone))
    return format_html(
        "{}{}{}", before, _linked(phone_number_display.TextPart(number, practice.phone)) if number else "", after
    )


def _linked(part: phone_number_display.TextPart) -> SafeString:
    return format_html('<a class="nowrap" href="tel:{}">{}</a>', part.number, part.text)


def money(minor: int | None, currency: str) -> str:
    """{{ invoice.total_minor|money(invoice.currency) }}: $140.00."""
    return "" if minor is None else money_format.formatted(minor, currency, language=get_language())


def file_size(size: int) -> str:
    """{{ file.size|file_size }}: 2.4 MB."""
    return formatting.file_size(size, language=get_language())


def initials(name: str) -> str:
    """Returns "FO" for "Fay Okafor"."""
    return formatting.initials(str(name))


def breakable(address: str) -> SafeString:
    """Adds line break opportunities to a URL or email address: after an @ or a slash, and before a dot."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in _ADDRESS_PARTS.split(str(address))))


def masked(address: str) -> str:
    """Returns "j…n@gmail.com"."""
    return formatting.masked(str(address))


def paragraphs(text: str) -> list[str]:
    """Splits typed text at blank lines; single line breaks stay within a paragraph."""
    return [part.strip("\n") for part in BLANK_LINES.split(text) if part.strip()]


def unbroken(text: str) -> str:
    """Replaces the spaces of a phone number, so that a line breaks at its hyphens only."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def url_quoted(value: str) -> str:
    """Quotes a value for use in a query string, slashes included."""
    return quote(value, safe="")


FILTERS: dict[str, Callable[..., object]] = {
    "browser_in_words": browser_in_words,
    "tone": tone,
    "tone_icon": tone_icon,
    "when": when,
    "when_within": when_within,
    "time_of_day": time_of_day,
    "time_in_sentence": time_in_sentence,
    "on_day": on_day,
    "full_day": full_day,
    "short_month": short_month,
    "full_month": full_month,
    "ago": ago,
    "phone": phone,
    "dialed": dialed,
    "calling": calling,
    "money": money,
    "file_size": file_size,
    "initials": initials,
    "breakable": breakable,
    "masked": masked,
    "paragraphs": paragraphs,
    "unbroken": unbroken,
    "url_quoted": url_quoted,
    "linebreaksbr": linebreaksbr,
}
