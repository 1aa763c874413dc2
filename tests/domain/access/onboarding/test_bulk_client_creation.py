"""Clients created together have the same rows as clients created one by one, with far fewer statements."""

from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants, portal_states
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.onboarding import bulk_client_creation
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.clients import registration
from portico.domain.clients.client_details import ClientArchived
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, PhoneInput
from portico.domain.clients.email_address_changes import DuplicateAddress
from portico.domain.clients.models import Client, Status
from portico.domain.practices.models import Practice
from portico.plumbing.database.base_models import PracticeRow
from tests import cast

pytestmark = pytest.mark.django_db

ON = AccessInput(enabled=True, address=None, access_billing_documents=True, pay_by_card=False)
HOME = AddressInput("ana@mail.example", "home", email_ok=True)
WORK = AddressInput("Ana.Abreu@Work.example", "work", email_ok=False)
OF_BRUNO = AddressInput("bruno@mail.example", "home", email_ok=True)


def new_clients() -> list[NewClient]:
    """Returns a client of each kind."""
    ana = ClientInput(
        ClientDetails("Ana", "Abreu", preferred_name="Anita", language="es"),
        addresses=(HOME, WORK),
        phones=(PhoneInput("+12125550134", "mobile"), PhoneInput("+12125550134", "home"), PhoneInput("+34612", "work")),
    )
    bruno = ClientInput(ClientDetails("Bruno", "Berg"), addresses=(OF_BRUNO,))
    bea = replace(bruno, details=ClientDetails("Bea", "Berg"))
    carol = ClientInput(ClientDetails("Carol", status=Status.ARCHIVED), addresses=(HOME,))
    return [
        NewClient(ana, replace(ON, pay_by_card=True), WORK),
        NewClient(bruno, ON, OF_BRUNO),
        NewClient(bea, ON, OF_BRUNO),
        NewClient(carol, replace(ON, enabled=False), HOME),
        NewClient(ClientInput(ClientDetails("Dora")), replace(ON, access_billing_documents=False)),
        NewClient(ClientInput(ClientDetails("Emil")), replace(ON, enabled=False)),
        NewClient(ClientInput(ClientDetails("Flora"), addresses=(HOME,))),
    ]


def create_one_by_one(practice: Practice) -> None:
    for new in new_clients():
        client = registration.create(practice, new.entry, by=cast.DESK)
        if new.access is not None:
            rows = {row.address: row.ref for row in client.email_addresses.all()}
            access = replace(new.access, address=rows[new.address.address] if new.address else None)
            access_grants.save_access(client, access, version=None, by=cast.DESK)


def rows_of(practice: Practice) -> dict[str, list[dict[str, Any]]]:
    """Returns all rows of the practice by table; ids and refs are replaced by names that are the same everywhere."""
    refs = {row.ref: row.address for client in Client.objects.all() for row in client.email_addresses.all()}
    return {
        model._meta.label: sorted((_named(row, refs) for row in _rows(model, practice)), key=_key)
        for model in apps.get_models()
        if issubclass(model, PracticeRow)
    }


def _rows(model: type[models.Model], practice: Practice) -> models.QuerySet[models.Model]:
    return model._default_manager.filter(practice=practice).order_by("id")


def _named(row: models.Model, refs: dict[str, str]) -> dict[str, Any]:  # Any: a value of each field.
    values = {field.name: getattr(row, field.name) for field in row._meta.concrete_fields}
    named = {name: _name(value) if isinstance(value, models.Model) else value for name, value in values.items()}
    named["about"] = refs.get(named.get("about", ""))
    return {name: value for name, value in named.items() if name not in ("id", "ref", "practice")}


def _name(row: models.Model) -> str:
    return next(str(getattr(row, name)) for name in ("first_name", "mailbox_key", "email", "pk") if hasattr(row, name))


def _key(row: dict[str, Any]) -> str:  # Any: as above.
    return str(row.get("client") or row.get("first_name") or row.get("mailbox_key"))


def test_the_rows_are_the_same_as_one_by_one(practice: Practice) -> None:
    create_one_by_one(practice)
    together = cast.birch()
    bulk_client_creation.create_all(together, new_clients(), by=cast.DESK)

    wanted, made = rows_of(practice), rows_of(together)
    assert len(wanted["clients.Client"]) == len(new_clients())
    assert len(wanted["access.PortalAccess"]) == 5
    assert made == wanted
    assert not list(portal_states.mismatches())


def test_batches_have_the_same_rows_too(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    create_one_by_one(practice)
    together = cast.birch()
    monkeypatch.setattr(bulk_client_creation, "BATCH", 2)
    clients = bulk_client_creation.create_all(together, new_clients(), by=cast.DESK)

    assert rows_of(together) == rows_of(practice)
    assert [client.first_name for client in clients] == [new.entry.details.first_name for new in new_clients()]


def test_many_clients_take_no_more_statements(practice: Practice) -> None:
    def statements(numbers: range) -> int:
        addresses = [replace(HOME, address=f"ana.{number}@mail.example") for number in numbers]
        new = [NewClient(ClientInput(ClientDetails("Ana"), (each,)), ON, each) for each in addresses]
        with CaptureQueriesContext(connection) as queries:
            bulk_client_creation.create_all(practice, new, by=cast.DESK)
        return len(queries)

    assert statements(range(2)) == statements(range(2, 100))
    assert Client.objects.filter(portal_state="needs_attention").count() == 100


@pytest.mark.both_databases
@pytest.mark.parametrize(("batch", "refreshes"), [(2, 1), (6, 1), (7, 0)])
def test_the_planner_learns_of_the_first_batch(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, batch: int, refreshes: int
) -> None:
    monkeypatch.setattr(bulk_client_creation, "BATCH", batch)
    with CaptureQueriesContext(connection) as queries:
        bulk_client_creation.create_all(practice, new_clients(), by=cast.DESK)

    found = [query["sql"] for query in queries if query["sql"].startswith("ANALYZE")]
    assert len(found) == (refreshes if connection.vendor == "postgresql" else 0)


def test_an_account_that_exists_is_used(practice: Practice) -> None:
    earlier = cast.with_access(cast.bruno(practice))
    new = NewClient(ClientInput(ClientDetails("Bea"), (OF_BRUNO,)), ON, OF_BRUNO)
    bulk_client_creation.create_all(practice, [new], by=cast.DESK)

    account = PortalAccount.objects.get()
    bea = PortalAccess.objects.get(client__first_name="Bea")
    assert (bea.account, earlier.account) == (account, account)
    assert bea.changed_epoch == account.epoch == earlier.changed_epoch + 1


@pytest.mark.parametrize(
    ("bad", "refusal"),
    [
        (NewClient(ClientInput(ClientDetails("Bad"), (HOME, HOME))), DuplicateAddress),
        (NewClient(ClientInput(ClientDetails("Bad", status=Status.ARCHIVED)), ON), ClientArchived),
    ],
)
def test_one_refused_client_leaves_none(practice: Practice, bad: NewClient, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        bulk_client_creation.create_all(practice, [*new_clients(), bad], by=cast.DESK)
    with pytest.raises(refusal):
        bad.refuse_invalid()
    assert not Client.objects.exists()
