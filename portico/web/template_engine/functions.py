"""Functions that templates call: addresses, icons, form fields, what depends on the request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.forms import BoundField, CheckboxInput, PasswordInput, RadioSelect
from django.forms.forms import BaseForm
from django.forms.formsets import BaseFormSet
from django.http import QueryDict
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from jinja2 import pass_context
from jinja2.runtime import Context

from portico.domain.access import client_views
from portico.domain.access.models import ClientView
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.text import time_formatting
from portico.plumbing.text.result_cache import cached
from portico.web import client_mismatch, icons, languages

# URL namespaces whose pages offer languages in the footer; the office is in English.
TRANSLATED_NAMESPACES = {"entrance", "portal"}


def url(name: str, *args: object, **kwargs: object) -> str:
    """{{ url("office:client", client.ref) }}: the address of a page."""
    return _url(settings.ROOT_URLCONF, name, args, tuple(kwargs.items()))


@cached
def _url(urlconf: str, name: str, args: tuple[object, ...], kwargs: tuple[tuple[str, object], ...]) -> str:
    return reverse(name, urlconf, args, dict(kwargs))


@pass_context
def form_subject(context: Context) -> SafeString:
    """{{ form_subject() }}: the hidden field with the mailbox and client of a portal form; empty in a view by staff."""
    if context["request"].client_view:
        return SafeString("")
    return hidden_subject(client_mismatch.name_of(context["request"]))


@pass_context
def client_query(context: Context) -> str:
    """{{ client_query() }}: `?for=…`, the client in a link to a URL that does not name one."""
    query = urlencode(client_mismatch.for_client(context["request"]))
    return f"?{query}" if query else ""


def hidden_subject(name: str) -> SafeString:
    """{{ hidden_subject(ref) }}: the hidden field with what the form's page is about."""
    return format_html('<input type="hidden" name="{}" value="{}">', client_mismatch.FIELD, name)


def inert(client_view: ClientView | None) -> SafeString:
    """{{ inert(request.client_view) }}: disables a button of the portal while staff view the page as the client."""
    if client_view is None:
        return SafeString("")
    return format_html(' disabled title="{}"', client_views.read_only_message(client_view))


def action_href(address: str, client_view: ClientView | None) -> SafeString:
    """{{ action_href(url(…), request.client_view) }}: the address of a link that begins to pay; none in such a view."""
    if client_view is None:
        return format_html(' href="{}"', address)
    title = client_views.read_only_message(client_view)
    return format_html(' role="link" aria-disabled="true" title="{}"', title)


@pass_context
def client_view_of_page(context: Context) -> ClientView | None:
    """{{ client_view_of_page() }}: the view in which staff are shown the page, also an error page; else None."""
    request = context.get("request")
    return context.get("client_view") or getattr(request, "client_view", None)


def view_ends_at(client_view: ClientView) -> datetime:
    """{{ view_ends_at(client_view) }}: the time at which the view ends by itself."""
    return client_views.ends_at(client_view)


def control(bound: BoundField, *, describedby: str = "", hint: str = "", **attributes: Any) -> SafeString:
    """{{ control(form.email) }}: the widget without its label, described by its hint and its error.

    `describedby` takes further element ids. Every other argument becomes an attribute, with `-` for `_`.
    """
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    hint_id = f"{bound.auto_id}_helptext" if hint or bound.help_text else ""
    error_id = f"{bound.auto_id}_error" if bound.errors else ""
    if ids := " ".join(part for part in (describedby, hint_id, error_id) if part):
        attrs["aria-describedby"] = ids
    return bound.as_widget(attrs=attrs)


def kind_of(bound: BoundField) -> str:
    """Returns how the macro `field` lays out the field: as "choices", a "tick" or a "line"."""
    match bound.field.widget:
        case RadioSelect():  # Also the base class of CheckboxSelectMultiple.
            return "choices"
        case CheckboxInput():
            return "tick"
        case _:
            return "line"


@dataclass(frozen=True)
class ErrorSummary:
    """The errors of a page's forms: sentences that belong to no field, and the fields with errors."""

    general: list[str]
    fields: list[BoundField]
    # Passwords are not rendered again, so the page says that they must be typed again.
    is_secret: bool

    @property
    def count(self) -> int:
        return len(self.general) + len(self.fields)


def errors_of(*forms_and_formsets: "BaseForm | BaseFormSet[BaseForm] | None") -> ErrorSummary:
    """Returns what the macro `error_summary` shows."""
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
    is_secret = any(isinstance(field.widget, PasswordInput) for form in forms for field in form.fields.values())
    return ErrorSummary(general, fields, is_secret)


@pass_context
def current(context: Context, name: str, *args: object, alone: bool = False) -> SafeString:
    """{{ current("office:clients") }}: `aria-current` for a menu link to the current page.

    Pages below the link's URL count as current too, unless `alone`.
    """
    request = context.get("request")
    if request is None:
        return SafeString("")
    address = url(name, *args)
    if request.path == address:
        return SafeString(' aria-current="page"')
    if not alone and request.path.startswith(address):
        return SafeString(' aria-current="true"')
    return SafeString("")


@pass_context
def practice_of_page(context: Context) -> Practice | None:
    """{% set page_practice = practice_of_page() %}: the practice of the page, from its context or its guard."""
    for practice in (context.get("practice"), getattr(context.get("request"), "practice", None)):
        if isinstance(practice, Practice):
            return practice
    return None


@pass_context
def language_choices(context: Context) -> list[dict[str, str]]:
    """Returns links to the same page in each language, for the footer of client pages; empty in the office.

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
    if not address:
        return []
    choices = []
    for code, name in settings.LANGUAGES:
        query[languages.LANGUAGE_PARAMETER] = code
        choices.append({"code": code, "name": name, "href": f"{address}?{query.urlencode()}"})
    return choices


@pass_context
def today_in_full(context: Context) -> str:
    """{{ today_in_full() }}: "Nov 20, 2026" in the practice's time zone; empty on a page without a practice."""
    practice = practice_of_page(context)
    return (
        time_formatting.full_day(clock.today(practice.time_zone), translation.get_language())
        if practice is not None
        else ""
    )


def in_language(language: str, caller: Callable[[], str]) -> str:
    """{% call in_language("es") %}…{% endcall %}: the part in another language than the page."""
    with translation.override(language):
        return caller()


FUNCTIONS: dict[str, Callable[..., object]] = {
    "url": url,
    "icon": icons.svg,
    "control": control,
    "kind_of": kind_of,
    "errors_of": errors_of,
    "current": current,
    "form_subject": form_subject,
    "hidden_subject": hidden_subject,
    "client_query": client_query,
    "inert": inert,
    "action_href": action_href,
    "client_view_of_page": client_view_of_page,
    "view_ends_at": view_ends_at,
    "practice_of_page": practice_of_page,
    "language_choices": language_choices,
    "today_in_full": today_in_full,
    "in_language": in_language,
}
