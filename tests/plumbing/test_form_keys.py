"""Keys of forms: the same content gives the first result, other content is refused, older rows stay as they were."""

import pytest
from pytest_django.fixtures import Settings

from portico.domain.billing.models import Credit
from portico.domain.practices.models import Practice
from portico.plumbing import form_keys
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.models import FormKey
from tests import cast

pytestmark = pytest.mark.django_db

KEY = "k" * 43


@pytest.fixture
def credit(practice: Practice) -> Credit:
    """Made by a form with the key; what it said is not written down yet."""
    return Credit.objects.create(
        practice=practice, client=cast.ana(practice), amount_minor=500, currency="USD", reason="Goodwill", form_key=KEY
    )


def find_result(content: object, key: str = KEY) -> Credit | None:
    rows = Credit.objects.all()
    return form_keys.find_result(
        rows, key, content, kind="credit", describe=lambda credit: f"{credit.amount_minor} cents"
    )


def test_the_same_content_gives_the_row_and_other_content_is_told_what_came_first(credit: Credit) -> None:
    form_keys.store(credit, KEY, (500, "Goodwill"), kind="credit")
    assert find_result((500, "Goodwill")) == credit
    with pytest.raises(FormSentBefore, match="already sent once: 500 cents"):
        find_result((600, "Goodwill"))


def test_a_key_that_made_nothing_gives_nothing(credit: Credit) -> None:
    assert find_result((500, "Goodwill"), "o" * 43) is None
    assert find_result((500, "Goodwill"), "") is None
    form_keys.store(credit, "", (500, "Goodwill"), kind="credit")
    assert not FormKey.objects.exists()


def test_a_row_from_before_the_comparison_is_given_as_it_was(credit: Credit) -> None:
    assert find_result((600, "Goodwill")) == credit


def test_what_is_kept_is_no_content_and_outlives_a_new_secret_key(credit: Credit, settings: Settings) -> None:
    form_keys.store(credit, KEY, (500, "Goodwill"), kind="credit")
    assert "Goodwill" not in FormKey.objects.get().digest
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]
    assert find_result((500, "Goodwill")) == credit
    with pytest.raises(FormSentBefore):
        find_result((600, "Goodwill"))
