"""A practice with very many clients, made in bulk and the same at every run."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, models

from benchmarks.rows import bulk_rows
from benchmarks.rows.bulk_rows import Value
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.onboarding import bulk_client_creation
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.access.portal_states import Reason
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, PhoneInput
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber, PortalState, SearchTerm, Status
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast

SYLLABLES = (
    *("an", "be", "cor", "da", "el", "fa", "gri", "hol", "in", "jo", "ka", "lum", "mar", "ned"),
    *("os", "pra", "quin", "ra", "sel", "tor", "una", "ves", "wil", "yor", "zen"),
)
# What a portal that has been running for a while looks like: the rare states are the ones a filter is for.
STATES = {
    PortalState.SIGNED_IN: 60,
    PortalState.NO_ACCESS: 30,
    PortalState.INVITED: 8,
    PortalState.NEEDS_ATTENTION: 2,
}
ARCHIVED_OF_A_HUNDRED = 10
# So many clients share one first name, at the very end of the alphabet: the hardest to come upon in order.
LAST_OF_ALL = "Zyta"
LAST_OF_ALL_OF_A_HUNDRED = 8


@dataclass(frozen=True)
class Person:
    """One client as drawn."""

    number: int
    first_name: str
    last_name: str
    address: str
    phone: str
    state: PortalState
    is_archived: bool
    age: timedelta


# The client whose rows are copied.
ADDRESS = AddressInput("template@mail0.example", "home", email_ok=True)
TEMPLATE = NewClient(
    ClientInput(ClientDetails("Template", "Client"), (ADDRESS,), (PhoneInput("+12125550100", "mobile"),)),
    AccessInput(enabled=True, address=None, access_billing_documents=True, pay_by_card=False),
    ADDRESS,
)
TABLES = (Client, EmailAddress, PhoneNumber, SearchTerm, PortalAccount, PortalAccess)
PERSON = (
    "n bigint, given text, family text, folded_given text, folded_family text, email text, domain text, digits text,"
    " state text, is_gone integer, registered {moment}"
)
# The terms of such a client, as `search_terms.terms_of` has them.
TERMS = (
    "folded_given || folded_family",
    "folded_family",
    "folded_given || folded_family || n || '@' || domain",
    "folded_family || n || '@' || domain",
    "n || '@' || domain",
    "domain",
    *(f"substr(digits, {start})" for start in range(1, 9)),
)


type Base = Mapping[type[models.Model], str]


def fill(practice: Practice, count: int) -> None:
    """Makes the clients with an address, a phone, portal access, and the terms by which they are found.

    They are copies of a client that is created as usual.
    """
    (template,) = bulk_client_creation.create_all(practice, [TEMPLATE], by=cast.DESK)
    columns = PERSON.format(moment="timestamptz" if connection.vendor == "postgresql" else "text")
    with (
        bulk_rows.fast_inserts(*TABLES),
        bulk_rows.staging_table("bench_person", columns, map(_staged, _people(count))),
        bulk_rows.staging_table("bench_term", "term integer", ((number,) for number in range(len(TERMS)))),
    ):
        _copy(template)


def _copy(template: Client) -> None:
    base: Base = {model: f"{bulk_rows.highest_id(model)} + n" for model in TABLES}
    of_client = {"client_id": base[Client]}
    bulk_rows.multiply(template, "bench_person", _client_columns(template, base))
    address = template.email_addresses.get()
    new_address = {"id": base[EmailAddress], "ref": bulk_rows.ref(address), "address": "email", "mailbox_key": "email"}
    bulk_rows.multiply(address, "bench_person", of_client | new_address)
    bulk_rows.multiply(template.phone_numbers.get(), "bench_person", of_client | {"number": "'+' || digits"})
    term = template.search_terms.order_by("id")[0]
    cases = " ".join(f"WHEN {number} THEN {each}" for number, each in enumerate(TERMS))
    source = "bench_person CROSS JOIN bench_term"
    bulk_rows.multiply(term, source, of_client | {"term": f"CASE bench_term.term {cases} END"})
    _copy_access(PortalAccess.objects.get(client=template), of_client, base)


def _client_columns(template: Client, base: Base) -> dict[str, str]:
    is_open = f"is_gone = 0 AND state = '{PortalState.NEEDS_ATTENTION}'"
    return {
        "id": base[Client],
        "ref": bulk_rows.ref(template),
        "first_name": "given",
        "last_name": "family",
        "status": f"CASE is_gone WHEN 1 THEN '{Status.ARCHIVED}' ELSE '{Status.ACTIVE}' END",
        "portal_state": "state",
        "portal_reason": f"CASE WHEN {is_open} THEN '{Reason.NOT_INVITED}' ELSE '' END",
        "sort_key": "folded_given || ' ' || folded_family",
        "created_at": "registered",
    }


def _copy_access(access: PortalAccess, of_client: Mapping[str, str], base: Base) -> None:
    assert access.account is not None
    source = f"(SELECT * FROM bench_person WHERE state <> '{PortalState.NO_ACCESS}') AS person"
    account = {"id": base[PortalAccount], "ref": bulk_rows.ref(access.account), "mailbox_key": "email"}
    bulk_rows.multiply(access.account, source, account)
    # Access of the client's own, not of a contact.
    own = {"own_client_id": of_client["client_id"]}
    accounts = {"account_id": base[PortalAccount], "address_id": base[EmailAddress]}
    times = {
        "invited_at": f"CASE WHEN state <> '{PortalState.NEEDS_ATTENTION}' THEN template.enabled_at END",
        "first_signed_in_at": f"CASE WHEN state = '{PortalState.SIGNED_IN}' THEN template.enabled_at END",
    }
    bulk_rows.multiply(access, source, {**of_client, **own, **accounts, **times})


def _staged(person: Person) -> tuple[Value, ...]:
    """Returns the row of the staging table."""
    registered = connection.ops.adapt_datetimefield_value(clock.now() - person.age) or ""
    state = PortalState.NO_ACCESS if person.is_archived else person.state
    return (
        person.number,
        person.first_name,
        person.last_name,
        person.first_name.lower(),
        person.last_name.lower(),
        person.address,
        person.address.partition("@")[2].replace(".", ""),
        person.phone,
        state.value,
        int(person.is_archived),
        registered,
    )


def settle() -> None:
    """Runs VACUUM ANALYZE on PostgreSQL, which otherwise does so minutes later. Does nothing on SQLite."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _people(count: int) -> Iterator[Person]:
    draw = random.Random(20)
    first_names = _names(draw, 400)
    last_names = _names(draw, 6_000)
    states, weights = list(STATES), list(STATES.values())
    for number in range(1, count + 1):
        first = LAST_OF_ALL if draw.randrange(100) < LAST_OF_ALL_OF_A_HUNDRED else draw.choice(first_names)
        # Few names are very common and most are rare.
        last = last_names[int(len(last_names) * draw.random() ** 3)]
        yield Person(
            number=number,
            first_name=first,
            last_name=last,
            address=f"{first}.{last}.{number}@mail{draw.randrange(40)}.example".lower(),
            phone=f"1{draw.randrange(201, 990)}555{number % 10_000:04d}",
            state=draw.choices(states, weights)[0],
            is_archived=draw.randrange(100) < ARCHIVED_OF_A_HUNDRED,
            age=timedelta(minutes=draw.randrange(60 * 24 * 2_000)),
        )


def _names(draw: random.Random, count: int) -> list[str]:
    names: set[str] = set()
    while len(names) < count:
        names.add("".join(draw.choices(SYLLABLES, k=draw.choice((2, 2, 3)))).capitalize())
    return sorted(names)
