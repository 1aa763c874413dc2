"""Extra fields in a valid form are never stored."""

import pytest
from django.apps import apps
from django.db.models import Model
from django.urls import resolve

from tests.support.database import written_tables
from tests.support.world import World
from tests.web.page_forms import FormOnPage
from tests.web.visitors import forms_of, undone

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MARK = "not-offered-here"
TOKEN = "csrfmiddlewaretoken"
# Keys, codes and files cannot be made up, and this payment can no longer be taken back.
UNGUESSABLE = {
    *("office:sign_in", "office:own_authenticator", "office:own_passkey", "office:logo", "office:stripe_keys"),
    *("office:payment_taking_back", "entrance:pin", "office:document_import", "office:document_translation"),
}


def columns() -> set[str]:
    """Returns all column names of our models."""
    ours = [model for model in apps.get_models() if model.__module__.startswith("portico.")]
    fields = [field for model in ours for field in model._meta.concrete_fields]
    return {name for field in fields for name in (field.name, field.attname)}


def rows_with_the_mark(written: set[type[Model]]) -> list[str]:
    return [f"{model.__name__}: {row}" for model in written for row in model._base_manager.values() if MARK in str(row)]


def as_filled_in(forms: list[FormOnPage]) -> list[dict[str, str]]:
    """Yields each distinct form, ignoring tokens."""
    filled = [{name: value for name, value in form.filled().items() if name != TOKEN} for form in forms]
    return [fields for number, fields in enumerate(filled) if fields not in filled[:number]]


@pytest.mark.parametrize("visitor", ["nobody", "the client", "owner"])
def test_what_a_page_does_not_offer_is_never_stored(world: World, visitor: str) -> None:
    browser, stored, refused = world.browsers[visitor], [], set()
    for path, forms in forms_of(world, visitor).items():
        offered = {name for form in forms for name in form.offers}
        more = dict.fromkeys(columns() - offered, MARK)
        for fields in as_filled_in(forms):
            with undone(browser):
                with written_tables.recorded() as written:
                    answer = browser.post(path, more | fields)
                stored += [f"{path}: {row}" for row in rows_with_the_mark(written)]
            assert answer.status_code < 500, path
            if answer.status_code >= 400:
                refused.add(resolve(path).view_name)
    assert stored == []
    # A rejected form stores nothing anyway; all others were accepted.
    assert refused <= UNGUESSABLE
