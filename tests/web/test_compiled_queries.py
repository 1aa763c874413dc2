"""Every compiled query returns what its queryset returns, for two clients of two practices in turn."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client as Browser

from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.database.compiled import CompiledQuery
from tests import cast
from tests.support import outcomes

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@dataclass
class Visitor:
    """A client with a paid and an open invoice, and the front desk of their practice."""

    portal: Browser
    office: Browser
    practice: Practice
    client: Client
    invoice: Invoice

    def visit(self) -> None:
        portal, client = self.practice.portal_path, f"/office/clients/{self.client.ref}/"
        mine = ("home/", "billing/", f"billing/{self.invoice.ref}/", f"billing/{self.invoice.ref}/payment/", "profile/")
        for browser, addresses in (
            (self.portal, [f"{portal}{each}" for each in mine]),
            (self.office, ["/office/clients/", "/office/invoices/", client, f"{client}edit/portal/"]),
        ):
            for address in addresses:
                assert browser.get(address).status_code == 200, address
        assert Browser().post(f"/hooks/stripe/{self.practice.slug}/").status_code == 400


def visitor(client: Client) -> Visitor:
    practice = client.practice
    portal = cast.in_the_portal(Browser(), client)
    outcomes.ready_to_pay(client)
    paid, invoice = cast.bill(client), cast.bill(client)
    cast.cash(client, paid.total_minor, invoice=paid)
    cast.cash(client, 500)
    return Visitor(portal, cast.signed_in(Browser(), cast.fay(practice)), practice, client, invoice)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Compares each run of a compiled query with its queryset; contains the names of those that ran."""
    names: set[str] = set()
    compiled_rows = CompiledQuery.rows

    def rows(query: CompiledQuery[Any], **values: Any) -> list[Any]:
        found = compiled_rows(query, **values)
        assert [contents(row) for row in found] == [contents(row) for row in query.queryset(**values)], query.name
        names.add(query.name)
        return found

    monkeypatch.setattr(CompiledQuery, "rows", rows)
    return names


def contents(row: Any, depth: int = 2) -> Any:  # Any: an instance with its annotations and what is loaded, or a tuple.
    if not isinstance(row, Model):
        return row
    loaded = row._state.fields_cache if depth else {}
    related = {name: contents(each, depth - 1) for name, each in loaded.items()}
    return {name: value for name, value in vars(row).items() if name != "_state"} | related


def test_each_query_returns_what_its_queryset_returns(practice: Practice, compared: set[str]) -> None:
    ana, dora = cast.ana(practice), cast.dora(cast.birch())
    visitors = (visitor(ana), visitor(dora))
    for each in (*visitors, *visitors):
        each.visit()
    assert compared == CompiledQuery.known.keys()
