"""A page that stays open in one tab while something happens in another."""

from typing import Any

from django.test import Client as Browser

from tests.web.page_forms import FormOnPage, forms_on


class Tab:
    """An open page and its form with the action `to`, by default the page's own URL."""

    def __init__(self, browser: Browser, page: str, *, to: str = "") -> None:
        self.browser = browser
        answer = browser.get(page)
        assert answer.status_code == 200, page
        path = page.partition("?")[0]
        self.form = form_to(to or path, answer.content.decode(), at=path)

    def press(self, typed: dict[str, str] | None = None, *, follow: bool = True) -> Any:  # Any: the test client's own.
        """Posts the form with the hidden fields of the opened page."""
        return self.browser.post(self.form.action, self.form.fields | (typed or {}), follow=follow)

    def showing(self, answer: Any) -> "Tab":  # Any: as above.
        """Returns a tab with the page in the response."""
        self.form = form_to(self.form.action, answer.content.decode(), at=answer.request["PATH_INFO"])
        return self


def form_to(address: str, page: str, *, at: str) -> FormOnPage:
    (form,) = [each for each in forms_on(page, at=at) if (each.action, each.method) == (address, "post")]
    return form
