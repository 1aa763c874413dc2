"""Eligibility: the query selects a row exactly when the predicate on the loaded row holds."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_lookups, eligibility, eligibility_steps, portal_states
from portico.domain.access.eligibility import STEPS, Purpose
from portico.domain.access.eligibility_steps import CheckedFact
from portico.domain.access.models import PortalAccess
from portico.domain.access.portal_states import Reason, StateWithReason
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.billing.card_payments import quotes
from portico.domain.billing.card_payments.payment_refusals import CardsTurnedOff
from portico.domain.clients.models import Client, EmailAddress, PortalState, Status
from portico.domain.practices.models import Practice
from tests import cast

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 11, 20, 19, 14, tzinfo=UTC)
TIMES = some.sampled_from((None, AT))
EPOCHS = some.integers(min_value=0, max_value=4)


@dataclass(frozen=True)
class State:
    """The values of every field that the steps check."""

    status: Status
    enabled_at: datetime | None
    has_address: bool
    closed_at: datetime | None
    email_ok_at: datetime | None
    mail_stopped_at: datetime | None
    access_billing_documents: bool
    pay_by_card: bool
    reminders_off_at: datetime | None


STATES = some.builds(
    State,
    status=some.sampled_from(Status),
    enabled_at=TIMES,
    has_address=some.booleans(),
    closed_at=TIMES,
    email_ok_at=TIMES,
    mail_stopped_at=TIMES,
    access_billing_documents=some.booleans(),
    pay_by_card=some.booleans(),
    reminders_off_at=TIMES,
)
at_random = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    """Returns Ana's access, with everything allowed."""
    cast.with_access(cast.ana(practice))
    PortalAccess.objects.update(pay_by_card=True)
    return read()


def read() -> PortalAccess:
    return PortalAccess.objects.select_related("client", "account", "address").get()


def put_into(state: State, access: PortalAccess) -> PortalAccess:
    """Writes the state to the row and its relations, and returns the row read again."""
    Client.objects.filter(pk=access.client_id).update(status=state.status, reminders_off_at=state.reminders_off_at)
    EmailAddress.objects.update(closed_at=state.closed_at, email_ok_at=state.email_ok_at)
    PortalAccess.objects.update(
        enabled_at=state.enabled_at,
        account=access.account if state.has_address else None,
        address=access.address if state.has_address else None,
        mail_stopped_at=state.mail_stopped_at,
        access_billing_documents=state.access_billing_documents,
        pay_by_card=state.pay_by_card,
    )
    return read()


def closed(access: PortalAccess) -> PortalAccess:
    """Closes the chosen address directly in the database."""
    EmailAddress.objects.update(closed_at=AT)
    return read()


@at_random
@given(state=STATES)
def test_the_query_selects_exactly_what_the_predicate_allows(access: PortalAccess, state: State) -> None:
    row = put_into(state, access)
    for step in {step.fact: step for steps in STEPS.values() for step in steps}.values():
        assert PortalAccess.objects.filter(step.condition).exists() is step.holds(row), step.fact
    for purpose in Purpose:
        broken = eligibility.first_broken(row, purpose)
        assert PortalAccess.objects.eligible(purpose).exists() is (broken is None), (purpose, broken)


@at_random
@given(
    changes=some.tuples(EPOCHS, EPOCHS, EPOCHS),
    epoch=EPOCHS,
    proof=some.none() | EPOCHS,
    purpose=some.sampled_from(Purpose),
)
def test_the_query_for_epochs_selects_exactly_what_the_predicate_allows(
    access: PortalAccess, changes: tuple[int, int, int], epoch: int, proof: int | None, purpose: Purpose
) -> None:
    changed, ended, consent = changes
    PortalAccess.objects.update(changed_epoch=changed, ended_epoch=ended, consent_epoch=consent)
    opened = PortalAccess.objects.opened_by(purpose, epoch, proof_epoch=proof).exists()
    assert opened is eligibility.is_current(read(), purpose, epoch, proof_epoch=proof)


@at_random
@given(state=STATES)
def test_a_loaded_row_is_checked_without_a_query(
    access: PortalAccess, state: State, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = put_into(state, access)
    with django_assert_num_queries(0):
        for purpose in Purpose:
            eligibility.check(row, purpose)


def test_everything_is_allowed_if_every_step_holds(access: PortalAccess) -> None:
    assert [purpose for purpose in Purpose if not eligibility.is_eligible(access, purpose)] == []


def test_an_access_that_was_never_saved_is_off(practice: Practice) -> None:
    ana = cast.ana(practice)
    assert access_lookups.access_of(ana) is None
    for access in (None, access_lookups.access_or_default(ana)):
        assert eligibility.first_broken(access, Purpose.INVITATION) is eligibility_steps.ACCESS_ON


def test_the_list_shows_each_step_in_order_and_whether_it_holds(access: PortalAccess) -> None:
    PortalAccess.objects.update(enabled_at=None)
    EmailAddress.objects.update(email_ok_at=None)
    assert [(step.fact, holds) for step, holds in eligibility.check(read(), Purpose.SIGN_IN_BY_MAIL)] == [
        (CheckedFact.NOT_ARCHIVED, True),
        (CheckedFact.RELATIONSHIP_CURRENT, True),
        (CheckedFact.ACCESS_ON, False),
        (CheckedFact.ADDRESS_CHOSEN, True),
        (CheckedFact.ADDRESS_OPEN, True),
        (CheckedFact.EMAIL_OK, False),
    ]


def test_without_email_ok_a_pin_opens_the_portal_and_no_mail_is_sent(access: PortalAccess) -> None:
    EmailAddress.objects.update(email_ok_at=None)
    row = read()
    assert eligibility.is_eligible(row, Purpose.SIGN_IN_BY_PIN)
    assert eligibility.is_eligible(row, Purpose.CARD_PAYMENT)
    for purpose in (Purpose.SIGN_IN_BY_MAIL, Purpose.INVITATION, Purpose.BILL_MAIL, Purpose.NOTICE):
        assert eligibility.mail_address(row, purpose) is None


def test_a_refused_mail_stops_bills_but_no_invitation(access: PortalAccess) -> None:
    PortalAccess.objects.update(mail_stopped_at=AT)
    assert eligibility.is_eligible(read(), Purpose.INVITATION)
    assert eligibility.first_broken(read(), Purpose.BILL_MAIL) is eligibility_steps.MAIL_NOT_STOPPED


def test_a_closed_address_gets_no_invitation(access: PortalAccess) -> None:
    assert eligibility.mail_address(closed(access), Purpose.INVITATION) is None


def test_a_closed_address_gets_no_pin(access: PortalAccess) -> None:
    refused = sign_in_pins.refusal(access.client, closed(access))
    assert refused is not None
    assert refused.fix == "address"


def test_a_closed_address_cannot_pay_by_card(access: PortalAccess, practice: Practice) -> None:
    with pytest.raises(CardsTurnedOff):
        quotes.refuse_unless_open(practice, closed(access))


def test_a_closed_address_needs_attention(access: PortalAccess) -> None:
    assert portal_states.state_of(closed(access)) == StateWithReason(
        PortalState.NEEDS_ATTENTION, Reason.NO_ADDRESS.value
    )


def test_an_archived_client_has_no_access(access: PortalAccess) -> None:
    Client.objects.update(status=Status.ARCHIVED)
    assert portal_states.state_of(read()) == StateWithReason(PortalState.NO_ACCESS)


def test_a_mail_to_a_former_address_is_dropped(access: PortalAccess) -> None:
    def reason(written_to: str) -> str | None:
        return eligibility.reason_to_drop(access, Purpose.INVITATION, written_to=written_to)

    assert access.address is not None
    assert reason(access.address.ref) is None
    assert reason("another") == "The client’s email address was changed."


@pytest.mark.parametrize("purpose", Purpose)
def test_every_step_is_explained_with_its_fix(access: PortalAccess, purpose: Purpose) -> None:
    for step in STEPS[purpose]:
        for words in (step.explain(access.client, access), step.instruct(access.client, access)):
            assert words
            assert "%(" not in words
        assert reverse(f"office:{step.fix.page}", args=[access.client.ref])
