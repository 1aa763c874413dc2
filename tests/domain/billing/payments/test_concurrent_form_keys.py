"""One form sent several times at the same moment with different contents; beside it, without the lock."""

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


def welcome(practice: Practice, name: str) -> CreatedClient:
    entry = ClientInput(ClientDetails(first_name=name, last_name="Cole"))
    return new_clients.create(practice, entry, None, None, form_key=KEY, by=cast.DESK)


def test_of_different_credits_under_one_key_one_is_given_and_the_others_are_told(ana: Client) -> None:
    ended = at_once(*[partial(give, ana, 1_000 + number) for number in range(HANDS)])
    assert errors(ended) == [FormSentBefore] * (HANDS - 1)
    assert (Credit.objects.count(), FormKey.objects.count()) == (1, 1)


def test_of_different_clients_under_one_key_one_is_created_and_the_others_are_told(practice: Practice) -> None:
    ended = at_once(*[partial(welcome, practice, f"Carol {number}") for number in range(HANDS)])
    assert errors(ended) == [FormSentBefore] * (HANDS - 1)
    assert Client.objects.count() == 1


def test_without_the_lock_both_are_about_to_be_given_and_only_the_database_refuses_one(ana: Client) -> None:
    both_have_looked = Barrier(2)

    def give_without_lock(amount_minor: int) -> Credit:
        with transaction.atomic():
            assert not Credit.objects.filter(form_key=KEY).exists()
            both_have_looked.wait(30)
            return Credit.objects.create(
                practice=ana.practice,
                client=ana,
                amount_minor=amount_minor,
                currency="USD",
                reason="Goodwill",
                form_key=KEY,
            )

    assert errors(at_once(partial(give_without_lock, 1_000), partial(give_without_lock, 2_000))) == [IntegrityError]
