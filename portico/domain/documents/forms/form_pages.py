"""The pages of a form: a group at the top level each, and the questions between groups."""

from collections.abc import Iterator
from dataclasses import dataclass

from portico.domain.documents.forms.questionnaire import Item, ItemType, Questionnaire


@dataclass(frozen=True)
class FormPage:
    """A page of a form. `number` counts all pages from 1, also those that are not open now."""

    number: int
    # The text of the group; empty for the questions between groups.
    title: str
    items: tuple[Item, ...]

    @property
    def link_ids(self) -> frozenset[str]:
        return frozenset(each.link_id for item in self.items for each in item.walk())

    @property
    def questions(self) -> list[Item]:
        return [each for item in self.items for each in item.walk() if each.is_question]


def pages_of(form: Questionnaire) -> list[FormPage]:
    """Returns the pages of a form in their order; each question is on one of them."""
    return [FormPage(number, title, items) for number, (title, items) in enumerate(_split(form.items), start=1)]


def open_pages(pages: list[FormPage], open_link_ids: frozenset[str]) -> list[FormPage]:
    """Returns the pages that have an open question or text; `open_link_ids` has the linkIds of open items."""
    return [page for page in pages if _leaves(page) & open_link_ids]


def page_with(pages: list[FormPage], link_id: str) -> FormPage | None:
    """Returns the page of the item, if there is such an item."""
    return next((page for page in pages if link_id in page.link_ids), None)


def _leaves(page: FormPage) -> frozenset[str]:
    return frozenset(each.link_id for item in page.items for each in item.walk() if not each.items)


def _split(items: tuple[Item, ...]) -> Iterator[tuple[str, tuple[Item, ...]]]:
    """Yields the title and the items of each page. Texts before a group begin its page."""
    loose: list[Item] = []
    for item in items:
        if item.type != ItemType.GROUP:
            loose.append(item)
            continue
        if any(each.is_question for each in loose):
            yield "", tuple(loose)
            loose = []
        yield item.text, (*loose, *item.items)
        loose = []
    if loose:
        yield "", tuple(loose)
