"""Texts of templates: translated, escaped and filled in as Jinja2's own functions do it."""

from django.template import engines
from django.utils import translation
from jinja2 import Environment


def in_html(source: str, **context: object) -> str:
    return rendered(source, context, is_html=True)


def in_text(source: str, **context: object) -> str:
    return rendered(source, context, is_html=False)


def rendered(source: str, context: dict[str, object], *, is_html: bool) -> str:
    environment: Environment = engines["jinja2"].env  # type: ignore[attr-defined]  # The backend's own.
    return environment.overlay(autoescape=is_html).from_string(source).render(context)


def test_a_text_is_in_the_active_language() -> None:
    for language, text in (("en", "Sign out"), ("es", "Cerrar sesión"), ("en", "Sign out")):
        with translation.override(language):
            assert in_html("{{ _('Sign out') }}") == text
            assert in_html("{% trans %}Sign out{% endtrans %}") == text


def test_a_variable_is_escaped_in_html_only() -> None:
    source = "{% trans name=name %}<b>To</b> {{ name }}, 5%{% endtrans %}"
    assert in_html(source, name="<i>") == "<b>To</b> &lt;i&gt;, 5%"
    assert in_text(source, name="<i>") == "<b>To</b> <i>, 5%"


def test_one_text_is_markup_in_html_and_plain_in_a_text_file() -> None:
    source = "{{ _('A & B') ~ '<' }}"
    assert [in_text(source), in_html(source), in_text(source)] == ["A & B<", "A & B&lt;", "A & B<"]


def test_a_percent_sign_is_shown_once() -> None:
    assert in_html("{% trans %}100% done{% endtrans %}") == "100% done"
