"""Adds the names, addresses and numbers of contacts to the search terms of their clients."""

from typing import Any

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from portico.domain.clients import search_terms

BATCH = 200


def add_terms(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Goes through all relationships, some at a time; repeating it changes nothing."""
    rows = apps.get_model("clients", "Relationship").objects.filter(ended_at=None).select_related("contact")
    last: int | None = 0
    while last is not None:
        with transaction.atomic(using=editor.connection.alias):
            found = list(rows.filter(pk__gt=last).order_by("pk")[:BATCH])
            for relationship in found:
                _add_terms_of(apps, relationship)
            last = found[-1].pk if found else None


def _add_terms_of(apps: StateApps, relationship: Any) -> None:  # Any: a model of that time.
    contact = relationship.contact
    # Staff who edit the client meanwhile wait, and write the terms after us.
    clients = apps.get_model("clients", "Client").objects.select_for_update(no_key=True)
    client = clients.get(pk=relationship.client_id)
    addresses = apps.get_model("clients", "EmailAddress").objects.filter(contact=contact, closed_at=None)
    phones = apps.get_model("clients", "PhoneNumber").objects.filter(contact=contact)
    wanted = search_terms.terms_of(
        names=[f"{contact.first_name} {contact.last_name}".strip()],
        addresses=[form for pair in addresses.values_list("mailbox_key", "address") for form in pair],
        numbers=phones.values_list("number", flat=True),
    )
    terms = apps.get_model("clients", "SearchTerm").objects
    present = set(terms.filter(practice=client.practice_id, client=client).values_list("term", flat=True))
    terms.bulk_create(
        [terms.model(practice_id=client.practice_id, client=client, term=term) for term in sorted(wanted - present)]
    )


class Migration(migrations.Migration):
    # As in 0002: one transaction over all clients would hold their locks, and SQLite's only writer, for long.
    atomic = False

    dependencies = (("clients", "0007_contacts"),)

    operations = (migrations.RunPython(add_terms, migrations.RunPython.noop, elidable=True),)
