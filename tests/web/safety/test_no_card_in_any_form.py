"""A card number in any field of any form is neither stored, logged nor shown again."""

import re
from collections.abc import Iterator

import pytest
from django.db.models import Model

from portico.plumbing.logs import JsonFormatter
from tests.support.database import written_tables
from tests.support.world import World
from tests.web.safety.test_no_card_number import CARD, holds
from tests.web.visitors import forms_of, undone

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.slow]

# Widgets that take no text: a date, a whole number, a checkbox.
NO_TEXT = re.compile(r"(?:^|-)(?:quantity|\w+_on|\w+_months|date_of_birth|hue)$")


def stored(written: set[type[Model]]) -> Iterator[str]:
    """Returns those of the tables that contain the text."""
    for model in written:
        # Searched as one text; `holds` does not match across the separators.
        if holds("|".join(str(value) for row in model._default_manager.values_list() for value in row)):
            yield model.__name__


@pytest.mark.parametrize("visitor", ["nobody", "the client", "owner"])
def test_no_field_accepts_a_card_number(world: World, visitor: str, caplog: pytest.LogCaptureFixture) -> None:
    browser, wrong, tried = world.browsers[visitor], [], 0
    for path, found in forms_of(world, visitor).items():
        for name in {name for form in found for name in form.typed}:
            form = next(form for form in found if name in form.typed)
            with undone(browser):
                with written_tables.recorded() as written:
                    answer = browser.post(path, form.filled() | {name: CARD})
                wrong += [f"{path} {name}: stored in {table}" for table in stored(written)]
            if holds(answer.content.decode()) and not NO_TEXT.search(name):
                wrong.append(f"{path} {name}: shown again")
            if holds(answer.headers.get("Location", "")):
                wrong.append(f"{path} {name}: in an address")
            tried += 1
    assert wrong == []
    assert tried > {"nobody": 4, "the client": 0, "owner": 40}[visitor]
    assert not any(holds(JsonFormatter().format(record)) for record in caplog.records)
