"""`make check` finds a template that does not compile or has lines too long to review."""

from jinja2 import Environment

from scripts import templates


def faults(source: str) -> list[str]:
    return templates.faults_in({"page.html": source}, Environment(autoescape=True))


def test_a_good_template_has_no_faults() -> None:
    assert faults(f"{'x' * 160}\n{{{{ name|upper }}}}\n") == []


def test_a_long_line_is_found() -> None:
    assert faults(f"<p>\n{'x' * 161}\n</p>") == ["page.html:2: 161 characters"]


def test_a_template_that_does_not_compile_is_found() -> None:
    assert faults("{% if name %}") != []


def test_an_unknown_filter_is_found_within_a_condition() -> None:
    assert faults("{% if name %}\n{{ name|unknown }}{% endif %}") == ["page.html:2: no filter named unknown"]


def test_an_unknown_template_is_found_within_a_condition() -> None:
    assert faults('{% if name %}{% include "page.html" %}{% include "moved.html" %}{% endif %}') == [
        "page.html: no template moved.html"
    ]
