"""Two tabs of one browser, each with its own page."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpResponseBase
from django.test import Client as Browser

from tests.web.page_forms import FormOnPage, forms_on


@dataclass
class Answer:
    status: int
    path: str
    text: str


class Tab:
    """A tab that keeps its page while other tabs load theirs."""

    def __init__(self, browser: Browser, address: str = "") -> None:
        self.browser = browser
        self.page = Answer(0, "", "")
        if address:
            self.open(address)

    def open(self, address: str) -> Answer:
        self.page = _answer(self.browser.get(address, follow=True), address)
        return self.page

    @property
    def forms(self) -> list[FormOnPage]:
        return [form for form in forms_on(self.page.text, at=self.page.path) if form.method == "post"]

    def form(self, address: str = "") -> FormOnPage:
        """Returns the form whose action ends with `address`; without it, the form posted to the page's own URL."""
        return next(form for form in self.forms if form.action.endswith(address or self.page.path))

    def press(self, address: str = "", *, to: str = "", **typed: str) -> Answer:
        """Submits the form of the page with the typed values; `to` is its action if that has a query."""
        form = self.form(address)
        answer = self.browser.post(to or form.action, form.filled() | typed, follow=True)
        return _answer(answer, form.action)


def _answer(answer: HttpResponseBase, asked: str) -> Answer:
    led: list[tuple[str, int]] = getattr(answer, "redirect_chain", [])
    content: bytes = answer.content  # type: ignore[attr-defined]  # None of them streams.
    return Answer(answer.status_code, urlsplit(led[-1][0] if led else asked).path, content.decode(errors="replace"))
