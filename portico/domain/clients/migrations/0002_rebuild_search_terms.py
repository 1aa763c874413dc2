"""Rewrites every client's search terms and sort key with the folding that knows ł, ø, đ and apostrophes."""

from collections import defaultdict
from typing import Any

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from portico.domain.clients import search_terms
from portico.plumbing.text.folding import folded

BATCH = 200


def rebuild(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Goes through all clients, some at a time: each batch is a short transaction, and repeating it changes nothing."""
    last: int | None = 0
    while last is not None:
        with transaction.atomic(using=editor.connection.alias):
            last = _rebuild_some(apps, after=last)


def _rebuild_some(apps: StateApps, *, after: int) -> int | None:
    # The rows are locked: staff who edit one of these clients meanwhile wait, and write the terms after us.
    rows = apps.get_model("clients", "Client").objects.select_for_update(no_key=True)
    clients = list(rows.filter(pk__gt=after).order_by("pk")[:BATCH])
    if not clients:
        return None
    addresses, numbers = _addresses_of(apps, clients), _numbers_of(apps, clients)
    wanted = {
        (client.pk, term): client
        for client in clients
        for term in search_terms.terms_of(
            names=search_terms.names_of(client), addresses=addresses[client.pk], numbers=numbers[client.pk]
        )
    }
    _write_terms(apps, clients, wanted)
    _write_sort_keys(clients)
    return int(clients[-1].pk)


def _write_terms(apps: StateApps, clients: list[Any], wanted: dict[tuple[int, str], Any]) -> None:
    terms = apps.get_model("clients", "SearchTerm").objects
    present = {(client, term): pk for pk, client, term in terms.filter(client__in=clients).values_list(*_COLUMNS)}
    terms.filter(pk__in=[pk for pair, pk in present.items() if pair not in wanted]).delete()
    missing = [
        terms.model(practice_id=client.practice_id, client=client, term=pair[1])
        for pair, client in wanted.items()
        if pair not in present
    ]
    terms.bulk_create(missing, batch_size=500)


_COLUMNS = ("pk", "client_id", "term")


def _write_sort_keys(clients: list[Any]) -> None:
    for client in clients:
        sort_key = folded(f"{client.preferred_name or client.first_name} {client.last_name}".strip())[:210]
        if client.sort_key != sort_key:
            type(client).objects.filter(pk=client.pk).update(sort_key=sort_key)


def _addresses_of(apps: StateApps, clients: list[Any]) -> dict[int, list[str]]:
    found = defaultdict[int, list[str]](list)
    rows = apps.get_model("clients", "EmailAddress").objects.filter(client__in=clients, closed_at=None)
    for client, address, key in rows.values_list("client_id", "address", "mailbox_key"):
        found[client] += [key, address]
    return found


def _numbers_of(apps: StateApps, clients: list[Any]) -> dict[int, list[str]]:
    found = defaultdict[int, list[str]](list)
    rows = apps.get_model("clients", "PhoneNumber").objects.filter(client__in=clients)
    for client, number in rows.values_list("client_id", "number"):
        found[client].append(number)
    return found


class Migration(migrations.Migration):
    # One transaction over all clients would hold their locks, and SQLite's only writer, for minutes.
    atomic = False

    dependencies = (("clients", "0001_initial"),)

    operations = (migrations.RunPython(rebuild, migrations.RunPython.noop, elidable=True),)
