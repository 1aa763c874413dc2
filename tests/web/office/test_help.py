"""The guide for staff: a page for each subject, and the list of all headings."""

import re
from html import unescape
from pathlib import Path

from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.practices.models import Practice
from portico.web.office.help import help_contents
from tests import cast

PRODUCT = Path(__file__).resolve().parents[3] / "portico"
# Labels that people know, each in bold on some page of the guide.
LABELS = (
    "Client Portal Access",
    "Email ok",
    "Save Client",
    "Save access",
    "Access billing documents",
    "Resend email invitation",
    "Send Email",
    "Generate PIN",
    "Help requests",
    "I have a PIN",
    "Allow more tries",
    "Send me a new link",
    "Pay a balance with credit card using Stripe",
    "Share with client",
    "Record a payment",
    "Pay Now",
    "Save Card",
    "Refund",
    "Payments to review",
    "Save and check with Stripe",
    "Create webhook",
    "Invitation letter (PDF)",
    "Shareable documents",
    "Share",
    "Share & Send Now",
    "Get Started",
    "Sign here",
    "Submit & Continue",
    "Sign documents",
    "Why isn’t it done?",
    "Mark as reviewed",
    "Countersign",
    "Ask again",
)
# On Stripe's pages, and a part of each Stripe key.
OF_STRIPE = {"Developers", "API keys", "test", "live"}


def guide(office: Browser) -> dict[str, str]:
    """Returns the HTML of each page by its subject."""
    return {each.subject: office.get(f"/office/help/{each.subject}/").text for each in help_contents.PAGES}


def bold_words(office: Browser) -> set[str]:
    """Returns the words in bold on all pages of the guide: labels of screens, with "…" for what varies."""
    sections = re.findall(r'<section class="card".*?</section>', "".join(guide(office).values()), re.DOTALL)
    found = re.findall(r"<b>(.*?)</b>", "".join(sections), re.DOTALL)
    return {" ".join(unescape(words).split()) for words in found}


def words_of_screens() -> str:
    """Returns the source of all pages but the guide's."""
    sources = [*PRODUCT.rglob("*.py"), *(PRODUCT / "templates").rglob("*.html")]
    return "\n".join(each.read_text() for each in sources if each.parent.name != "help")


def test_the_guide_mentions_the_labels_people_know(office: Browser) -> None:
    assert set(LABELS) - bold_words(office) == set()


def test_every_label_in_bold_is_on_a_screen(office: Browser) -> None:
    screens = words_of_screens()

    def is_shown(label: str) -> bool:
        parts = [part.strip() for part in label.split("…")]
        return f'"{label}"' in screens if len(parts) == 1 else all(part in screens for part in parts)

    assert [label for label in bold_words(office) - OF_STRIPE if not is_shown(label)] == []


def test_shows_the_practices_url_and_sender(office: Browser, practice: Practice) -> None:
    words = guide(office)["signing-in"]
    assert practice.portal_address in words
    assert "portal@portico.example" in words


def test_each_page_has_its_sections_and_lists_them(office: Browser) -> None:
    pages = guide(office)
    for each in help_contents.PAGES:
        html = pages[each.subject]
        listed = [(section.anchor, str(section.heading)) for section in each.sections]
        found = re.findall(r'<section class="card" id="([a-z-]+)".*?<h2 id="[a-z-]+">(.*?)</h2>', html, re.DOTALL)
        assert found == listed
        assert re.findall(r'<li><a href="#([a-z-]+)">', html) == [anchor for anchor, _heading in listed]
        assert f'href="/office/help/{each.subject}/" aria-current="page"' in html


def test_the_list_of_headings_keeps_the_anchors_of_one_page(office: Browser) -> None:
    page = office.get("/office/help/").text
    for each in help_contents.PAGES:
        for section in each.sections:
            link = f'<a href="/office/help/{each.subject}/#{section.anchor}">{section.heading}</a>'
            assert f'<li id="{section.anchor}">{link}</li>' in page
    anchors = [section.anchor for each in help_contents.PAGES for section in each.sections]
    assert len(anchors) == len(set(anchors)) == 26


def test_an_unknown_subject_is_404(office: Browser) -> None:
    assert office.get("/office/help/nothing/").status_code == 404


def test_tab_and_menu_link_to_it(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    page = office.get(f"/office/clients/{ana.ref}/edit/portal/").text
    assert page.count('href="/office/help/"') == 1
    assert page.count('href="/office/help/problems/#cannot"') == 1


def test_query_count(office: Browser, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for address in ("/office/help/", "/office/help/billing/"):
        office.get(address)
        with django_assert_num_queries(2):
            office.get(address)
