"""A new client is created with address, consent, access and invitation in one transaction, and only once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import Invitation, PortalAccount
from portico.domain.access.onboarding import invitation_text, new_clients
from portico.domain.access.onboarding.invitations import CannotSendInvitation
from portico.domain.access.onboarding.new_clients import CreatedClient
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

ACCESS = AccessInput(enabled=True, address=None, access_billing_documents=True, pay_by_card=False)
TEXT = invitation_text.default_text("en")
FORM_KEY = "k" * 43


def ana(*, email_ok: bool = True) -> ClientInput:
    return ClientInput(ClientDetails(first_name="Ana"), (AddressInput("ana@mail.example", "home", email_ok),))


def create(practice: Practice, *, form_key: str = FORM_KEY) -> CreatedClient:
    return new_clients.create(practice, ana(), ACCESS, TEXT, form_key=form_key, by=cast.DESK)


@pytest.mark.django_db
def test_everything_is_there_at_once(practice: Practice) -> None:
    created = create(practice)

    client = Client.objects.get()
    assert (created.client, client.portal_state, created.is_new) == (client, "invited", True)
    assert Invitation.objects.get() == created.invitation


@pytest.mark.django_db
def test_submitting_the_form_again_returns_the_first(practice: Practice) -> None:
    first, second = create(practice), create(practice)

    assert (second.client, second.invitation, second.is_new) == (first.client, first.invitation, False)
    assert OutgoingEmail.objects.count() == 1


@pytest.mark.django_db
def test_a_refused_invitation_leaves_no_client_and_no_account(practice: Practice) -> None:
    with pytest.raises(CannotSendInvitation):
        new_clients.create(practice, ana(email_ok=False), ACCESS, TEXT, form_key=FORM_KEY, by=cast.DESK)

    assert not Client.objects.exists()
    assert not PortalAccount.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_simultaneous_submissions_one_creates(transactional_db: None) -> None:
    practice, submissions = cast.alder(), 6
    gate = Barrier(submissions)

    def submit(_: int) -> CreatedClient:
        try:
            gate.wait()
            return create(practice)
        finally:
            connection.close()

    with ThreadPoolExecutor(submissions) as threads:
        created = list(threads.map(submit, range(submissions)))

    assert sum(each.is_new for each in created) == 1
    assert len({each.client.pk for each in created}) == 1
    assert (Client.objects.count(), Invitation.objects.count(), OutgoingEmail.objects.count()) == (1, 1, 1)
