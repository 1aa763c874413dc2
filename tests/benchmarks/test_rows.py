"""The rows that are made in bulk are like those that operations make."""

import pytest
from django.db import connection

from benchmarks.rows import invoices, people, shared_documents
from portico.domain.access import portal_states
from portico.domain.billing.ledger import verification
from portico.domain.billing.models import Invoice
from portico.domain.clients import search_terms
from portico.domain.clients.models import Client, PortalState, SearchTerm
from portico.domain.documents import client_documents, practice_documents
from portico.domain.documents.submissions import verification as verification_of_documents
from portico.domain.practices.models import Practice
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_clients_have_the_terms_and_states_of_real_ones(practice: Practice) -> None:
    people.fill(practice, 60)

    assert Client.objects.filter(practice=practice).count() == 61
    assert set(Client.objects.values_list("portal_state", flat=True)) == set(PortalState.values)
    assert not list(portal_states.mismatches())
    terms = set(SearchTerm.objects.values_list("id", "client", "term"))
    for client in Client.objects.all():
        search_terms.refresh_terms(client)
    assert set(SearchTerm.objects.values_list("id", "client", "term")) == terms
    connection.check_constraints()


def test_invoices_agree_with_the_ledger(practice: Practice) -> None:
    people.fill(practice, 20)
    person = invoices.fill(practice, 200)

    assert Invoice.objects.count() == 201
    assert person.invoices.count() >= invoices.OF_ONE
    assert not list(verification.mismatches())
    assert not Invoice.objects.not_totaled().exists()
    connection.check_constraints()


def test_operations_work_on_after_bulk_rows(practice: Practice) -> None:
    people.fill(practice, 5)
    invoices.fill(practice, 10)

    invoice = cast.bill(cast.with_access(cast.ana(practice)).client)
    cast.cash(invoice.client, invoice.total_minor, invoice=invoice)
    assert not list(verification.mismatches())


def test_documents_have_the_states_of_real_ones(practice: Practice) -> None:
    people.fill(practice, 300)
    one = shared_documents.fill(practice)
    assert {each.reason for each in verification_of_documents.problems()} == {"the audit log has no entry about it"}
    for chosen in practice_documents.Filter:
        assert practice_documents.list_for(practice, chosen).rows
    assert one.packets.count() > shared_documents.OF_ONE
    assert len(client_documents.list_for(one.client).packets) == client_documents.PAGE_SIZE
