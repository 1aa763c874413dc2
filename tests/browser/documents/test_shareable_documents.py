"""Shareable documents and the form builder in a real browser: things are moved without leaving the place."""

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.documents.models import DocumentTemplate
from portico.domain.practices.models import Practice
from tests import cast, shared_documents
from tests.browser.test_settings import window_of
from tests.support.browser.chromium import Browsing, axe

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
LIST = "/office/settings/documents/"


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def titles() -> list[str]:
    return list(DocumentTemplate.objects.order_by("position").values_list("title", flat=True))


def test_a_document_is_moved_by_dragging_and_by_keyboard(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    names = ["First", "Second", "Third"]
    for position, title in enumerate(names):
        DocumentTemplate.objects.filter(pk=shared_documents.consent(practice).template_id).update(
            title=title, position=position
        )
    page = window_of(cast.elm(practice), browsing, live_server)
    page.goto(LIST)
    rows = page.get_by_test_id("shareable-document")
    rows.filter(has_text="Third").locator("[data-grip]").drag_to(
        rows.filter(has_text="First"), target_position={"x": 40, "y": 4}
    )
    expect(rows.first).to_contain_text("Third")
    assert titles() == ["Third", "First", "Second"]
    assert axe(page) == []

    down = page.get_by_role("button", name="Move down: Third")
    down.focus()
    page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("First")
    # The button keeps the focus, so that Enter moves the row on.
    expect(down).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows.last).to_contain_text("Third")
    assert titles() == names


def test_a_question_is_moved_without_jumping_to_the_top(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    asked = [shared_documents.item(f"n{n}", "string", f"Question {n}") for n in range(1, 31)]
    template = shared_documents.form(practice, *asked).template
    page = window_of(cast.elm(practice), browsing, live_server)
    page.goto(f"{LIST}{template.ref}/questions/")
    up = page.get_by_role("button", name="Move up: Question 30")
    up.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    for place in (29, 28):
        up.click()
        expect(page.get_by_test_id("question").nth(place - 1)).to_contain_text("Question 30")
    assert page.evaluate("scrollY") > before / 2
    template.refresh_from_db()
    assert template.draft is not None
    items = [each["linkId"] for each in template.draft["en"]["questionnaire"]["item"]]
    assert items[27:] == ["n30", "n28", "n29"]


@pytest.mark.parametrize("answer", ["an error page", "a failure", "no network"])
def test_a_failed_move_leaves_the_list_and_says_so(
    browsing: Browsing, live_server: LiveServer, practice: Practice, answer: str
) -> None:
    asked = [shared_documents.item(f"n{n}", "string", f"Question {n}") for n in range(1, 31)]
    template = shared_documents.form(practice, *asked).template
    page = window_of(cast.elm(practice), browsing, live_server)
    page.goto(f"{LIST}{template.ref}/questions/")
    up = page.get_by_role("button", name="Move up: Question 30")
    if answer == "an error page":
        # CSRF protection answers 403.
        page.locator("form", has=up).locator("[name=csrfmiddlewaretoken]").evaluate("field => field.value = 'expired'")
    elif answer == "a failure":
        page.route("**/place/", lambda route: route.fulfill(status=500, body="<p id=questions-h>Not available</p>"))
    else:
        page.route("**/place/", lambda route: route.abort())
    up.click()
    said = page.get_by_text("Part of the page couldn’t be updated.")
    expect(said).to_be_in_viewport()
    expect(page.get_by_test_id("question")).to_have_count(30)
    assert axe(page) == []

    page.unroute_all()
    page.get_by_role("button", name="Move down: Question 1", exact=True).click()
    expect(page.get_by_test_id("question").first).to_contain_text("Question 2")
    expect(said).to_have_count(0)
    if answer == "no network":
        # htmx also logs it.
        assert "Failed to fetch" in browsing.complaints.pop()


def test_a_drop_that_failed_leaves_the_buttons_as_they_were(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    for position, title in enumerate(["First", "Second", "Third"]):
        DocumentTemplate.objects.filter(pk=shared_documents.consent(practice).template_id).update(
            title=title, position=position
        )
    page = window_of(cast.elm(practice), browsing, live_server)
    page.goto(LIST)
    rows = page.get_by_test_id("shareable-document")
    page.route("**/place/", lambda route: route.fulfill(status=500))
    rows.filter(has_text="Third").locator("[data-grip]").drag_to(
        rows.filter(has_text="First"), target_position={"x": 40, "y": 4}
    )
    expect(page.get_by_text("Part of the page couldn’t be updated.")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Move up: Third").click()
    expect(rows.nth(1)).to_contain_text("Third")
    assert titles() == ["First", "Third", "Second"]
