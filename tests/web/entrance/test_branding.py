"""Templates and static files: known icons, no other hosts, no inline code, accessible fields."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django import forms
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory
from django.utils import timezone

import portico
from portico.domain.practices.models import Practice
from portico.web import icons
from portico.web.template_engine import filters
from tests.support import templates

HERE = Path(portico.__file__).parent
STYLESHEET = (HERE / "static/portico/portico.css").read_text("utf-8")
# Mails carry their styles inline, as mail programs want it.
TEMPLATES = HERE / "templates"
PAGES = [path for path in sorted(TEMPLATES.rglob("*.html")) if path.relative_to(TEMPLATES).parts[0] != "emails"]
ERRORS = sorted(path.name for path in (HERE / "templates/errors").glob("*.html"))

# What `error_pages` passes to each of them.
AN_ERROR = {
    "practice": None,
    "entrance_path": "",
    "reference": "R7KQ-3D",
    "max_megabytes": 3,
    "back_url": "",
    "back_label": "",
    "message": "The client is archived.",
    "owners": "",
    "retry_at": None,
    "wait": "",
    "base_address": "https://portal.example",
    "right_address": "https://portal.example/",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(HERE / "templates"))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_icon_named_in_a_template_is_drawn(path: Path) -> None:
    named = re.findall(r"""\bicon\(["']([^"']+)["']""", path.read_text("utf-8"))
    assert [name for name in named if name not in icons.shapes_by_name()] == []


def test_unknown_icon_raises() -> None:
    with pytest.raises(icons.UnknownIcon):
        templates.render("{{ icon('unicorn') }}")


def test_icons_are_hidden_from_screen_readers() -> None:
    drawn = templates.render("{{ icon('mail') }}")
    assert drawn.startswith('<svg class="icon" aria-hidden="true" focusable="false" viewBox="0 0 24 24"><path')


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_template_has_inline_style_or_script(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|\bjs:", text, re.IGNORECASE) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag] == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_template_loads_from_another_host(path: Path) -> None:
    assert re.findall(r"""(?:src|srcset|<link[^>]*href)=["'](?:https?:)?//""", path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_page_that_reloads_itself_keeps_a_session_alive(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [tag for tag in re.findall(r"<meta[^>]*refresh[^>]*>", text) if "url=?background=1" not in tag] == []
    reloading = re.findall(r"""<[^<>]*hx-trigger="(?:load|every|revealed)[^>]*""", re.sub(r"{[{%].*?[%}]}", "", text))
    assert [tag for tag in reloading if "X-Portico-Background" not in tag] == []


def test_stylesheet_refers_to_local_files_only() -> None:
    asked = re.findall(r"""url\(["']?([^"')]+)""", STYLESHEET)
    assert asked
    for address in asked:
        assert (HERE / "static/portico" / address).is_file(), address
    assert "@import" not in STYLESHEET


def test_vendored_files_have_their_licences_beside_them() -> None:
    static = HERE / "static/portico"
    assert (static / "vendor/LICENSE-htmx.txt").is_file()
    assert len(list((static / "fonts").glob("OFL-*.txt"))) == len({"Hanken Grotesk", "Atkinson Hyperlegible Mono"})
    assert (HERE / "web/icons/LICENSE-lucide.txt").is_file()


class Asked(forms.Form):
    name = forms.CharField(label="First name", help_text="As on letters.")
    agreed = forms.BooleanField(label="Email ok", required=False, help_text="Recorded today.")
    language = forms.ChoiceField(
        label="Language", choices=[("en", "English"), ("es", "Español")], widget=forms.RadioSelect
    )


def drawn(call: str, **context: object) -> str:
    source = f'{{% from "ui/forms.html" import error_summary, field %}}{{{{ {call} }}}}'
    return re.sub(r"\s+", " ", templates.render(source, **context))


def test_field_links_label_hint_and_error_to_its_widget() -> None:
    shown = drawn("field(form.name, autocomplete='off')", form=Asked({}))
    assert '<label for="id_name">First name</label>' in shown
    control = re.search("<input[^>]*>", shown)
    assert control is not None
    assert 'aria-describedby="id_name_helptext id_name_error"' in control[0]
    assert 'aria-invalid="true"' in control[0]
    assert 'autocomplete="off"' in control[0]
    assert shown.index("<label") < shown.index("<input") < shown.index('id="id_name_helptext"')
    assert shown.index('id="id_name_helptext"') < shown.index('id="id_name_error"')


def test_unbound_field_shows_no_error() -> None:
    shown = drawn("field(form.name, hint='Another hint.', label='Name', optional=true)", form=Asked())
    assert "complaint" not in shown
    assert "aria-invalid" not in shown
    assert "Another hint." in shown
    assert "(optional)" in shown


def test_checkbox_label_follows_the_box() -> None:
    shown = drawn("field(form.agreed)", form=Asked())
    assert '<div class="tick">' in shown
    assert shown.index("<input") < shown.index('<label for="id_agreed">Email ok</label>')


def test_radio_buttons_have_a_legend() -> None:
    shown = drawn("field(form.language)", form=Asked())
    assert "<legend>Language" in shown
    assert shown.count('type="radio"') == len(["English", "Español"])


def test_error_summary_links_to_each_field() -> None:
    shown = drawn("error_summary(form)", form=Asked({}))
    assert "There are 2 problems" in shown
    assert '<a href="#id_name">First name</a>' in shown


def test_error_summary_is_empty_without_errors() -> None:
    assert drawn("error_summary(form, nothing)", form=Asked(), nothing=None).strip() == ""


def test_breakable_address_is_escaped() -> None:
    assert filters.breakable("ana.b@mail.example") == "ana<wbr>.b@<wbr>mail<wbr>.example"
    assert filters.breakable("https://a.example/portal/") == "https://<wbr>a<wbr>.example/<wbr>portal/"
    assert filters.breakable("<b>@x.example") == "&lt;b&gt;@<wbr>x<wbr>.example"


def test_user_input_is_escaped() -> None:
    shown = drawn("field(form.name)", form=Asked({"name": "<b>{{7*7}}</b>"}))
    assert 'value="&lt;b&gt;{{7*7}}&lt;/b&gt;"' in shown


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize(
    "practice", [None, Practice(slug="alder", name="Alder <Street>", phone="+15550100134")], ids=["alone", "practice"]
)
def test_an_error_page_needs_no_database_and_shows_its_reference(name: str, practice: Practice | None) -> None:
    door = practice.portal_path if practice else ""
    context = AN_ERROR | {"practice": practice, "entrance_path": door, "back_url": door}
    page = render_to_string(f"errors/{name}", context)
    assert "R7KQ-3D" in page
    assert page.count("<h1>") == 1
    assert ("(555) 010-0134" in page) == (practice is not None)
    assert "Alder <Street>" not in page


def test_429_shows_the_retry_time_in_the_practices_zone() -> None:
    with timezone.override("America/New_York"):
        page = render_to_string("errors/429.html", AN_ERROR | {"retry_at": datetime(2026, 11, 23, 19, 55, tzinfo=UTC)})
    assert "You can try again at 2:55 PM." in page


@pytest.mark.urls("tests.web.entrance_pages")
def test_menu_marks_current_page_and_section() -> None:
    source = '<a{{ current("office:clients") }}></a><a{{ current("portal:home", alone=true) }}></a>'

    def marks(path: str) -> str:
        request = RequestFactory().get(path)
        return templates.render(source, request=request)

    assert marks("/office/clients/") == '<a aria-current="page"></a><a></a>'
    assert marks("/office/clients/abc/") == '<a aria-current="true"></a><a></a>'
    assert marks("/portal/") == '<a></a><a aria-current="page"></a>'
    assert marks("/portal/profile/") == "<a></a><a></a>"


def test_every_template_compiles() -> None:
    assert PAGES
    for path in PAGES:
        get_template(name_of(path))
