"""Form keys: the same content returns the first result; other content and old forms are refused."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.configuration import WHOLE_SECONDS
from portico.domain.billing.models import Credit
from portico.domain.practices.models import Practice
from portico.plumbing import form_keys
from portico.plumbing.form_keys import FormOutOfDate, FormSentBefore
from portico.plumbing.models import FormKey
from tests import cast

pytestmark = pytest.mark.django_db

KEY = "k" * 43


@pytest.fixture
def credit(practice: Practice) -> Credit:
    """A credit created by a form with the key; the digest of its content is not stored yet."""
    return Credit.objects.create(
        practice=practice, client=cast.ana(practice), amount_minor=500, currency="USD", reason="Goodwill", form_key=KEY
    )


def find_result(content: object, key: str = KEY) -> Credit | None:
    rows = Credit.objects.all()
    return form_keys.find_result(
        rows, key, content, kind="credit", describe=lambda credit: f"{credit.amount_minor} cents"
    )


def test_other_content_with_the_same_key_is_refused(credit: Credit) -> None:
    form_keys.store(credit, KEY, (500, "Goodwill"), kind="credit")
    assert find_result((500, "Goodwill")) == credit
    with pytest.raises(FormSentBefore, match="already submitted this form: 500 cents"):
        find_result((600, "Goodwill"))


def test_an_unused_key_finds_nothing(credit: Credit) -> None:
    assert find_result((500, "Goodwill"), "o" * 43) is None
    assert find_result((500, "Goodwill"), "") is None
    form_keys.store(credit, "", (500, "Goodwill"), kind="credit")
    assert not FormKey.objects.exists()


def test_a_key_is_kept_for_a_month(credit: Credit, stopped_clock: Traveller) -> None:
    form_keys.store(credit, KEY, (500, "Goodwill"), kind="credit")
    stopped_clock.shift(form_keys.RETENTION)
    assert form_keys.delete_old() == 0
    assert find_result((500, "Goodwill")) == credit


@pytest.mark.parametrize("amount_minor", [500, 600])
def test_a_form_older_than_its_key_is_refused_as_out_of_date(
    credit: Credit, stopped_clock: Traveller, amount_minor: int
) -> None:
    form_keys.store(credit, KEY, (500, "Goodwill"), kind="credit")
    stopped_clock.shift(form_keys.RETENTION + timedelta(seconds=1))
    assert form_keys.delete_old() == 1
    with pytest.raises(FormOutOfDate, match=r"already submitted this form: 500 cents\. This page is out of date"):
        find_result((amount_minor, "Goodwill"))


def test_no_session_lasts_as_long_as_a_key() -> None:
    _default, _shortest, longest = WHOLE_SECONDS["SESSION_MAX_STAFF"]
    assert timedelta(seconds=longest) < form_keys.RETENTION


def test_only_a_digest_of_the_content_is_stored(credit: Credit, settings: Settings) -> None:
    form_keys.store(credit, KEY, (500, "Goodwill"), kind="credit")
    assert "Goodwill" not in FormKey.objects.get().digest
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]
    assert find_result((500, "Goodwill")) == credit
    with pytest.raises(FormSentBefore):
        find_result((600, "Goodwill"))
