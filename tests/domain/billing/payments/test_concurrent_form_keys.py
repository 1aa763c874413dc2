"""One form key sent concurrently with different contents; and what happens without the lock."""

from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, transaction

from portico.domain.access.onboarding import new_clients
from portico.domain.access.onboarding.new_clients import CreatedClient
from portico.domain.billing.models import Credit
from portico.domain.billing.payments import account_credits
from portico.domain.clients.client_input import ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.models import FormKey
from tests import cast
from tests.support.at_once import HANDS, at_once, errors

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

KEY = "k" * 43


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def give(ana: Client, amount_minor: int) -> Credit:
    return account_credits.give(
        ana, amount_minor=amount_minor, reason="Goodwill", shown=None, form_key=KEY, by=cast.DESK
    )


def create_client(practice: Practice, name: str) -> CreatedClient:
    entry = ClientInput(ClientDetails(first_name=name, last_name="Cole"))
    return new_clients.create(practice, entry, None, None, form_key=KEY, by=cast.DESK)


def test_one_form_key_gives_one_credit(ana: Client) -> None:
    results = at_once(*[partial(give, ana, 1_000 + number) for number in range(HANDS)])
    assert errors(results) == [FormSentBefore] * (HANDS - 1)
    assert (Credit.objects.count(), FormKey.objects.count()) == (1, 1)


def test_one_form_key_creates_one_client(practice: Practice) -> None:
    results = at_once(*[partial(create_client, practice, f"Carol {number}") for number in range(HANDS)])
    assert errors(results) == [FormSentBefore] * (HANDS - 1)
    assert Client.objects.count() == 1


def test_without_the_lock_a_constraint_refuses_one_credit(ana: Client) -> None:
    both_have_read = Barrier(2)

    def give_without_lock(amount_minor: int) -> Credit:
        with transaction.atomic():
            assert not Credit.objects.filter(form_key=KEY).exists()
            both_have_read.wait(30)
            return Credit.objects.create(
                practice=ana.practice,
                client=ana,
                amount_minor=amount_minor,
                currency="USD",
                reason="Goodwill",
                form_key=KEY,
            )

    assert errors(at_once(partial(give_without_lock, 1_000), partial(give_without_lock, 2_000))) == [IntegrityError]
