"""A practice with very many clients, made in bulk and the same at every run."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched

from django.db import connection, transaction

from portico.domain.clients import search_terms
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber, PortalState, SearchTerm, Status
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.text.folding import folded

BATCH = 4_000
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

    first_name: str
    last_name: str
    address: str
    number: str
    state: PortalState
    is_archived: bool
    age: timedelta


def fill(practice: Practice, count: int) -> None:
    """Makes the clients with an address, a phone and the terms by which they are found."""
    for people in batched(_people(count), BATCH, strict=False):
        with transaction.atomic():
            _write(practice, people)


def settle() -> None:
    """What PostgreSQL does by itself some minutes after so many inserts; SQLite is left as an installation is."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _people(count: int) -> Iterator[Person]:
    draw = random.Random(20)
    first_names = _names(draw, 400)
    last_names = _names(draw, 6_000)
    states, weights = list(STATES), list(STATES.values())
    for number in range(count):
        first = LAST_OF_ALL if draw.randrange(100) < LAST_OF_ALL_OF_A_HUNDRED else draw.choice(first_names)
        # Few names are very common and most are rare.
        last = last_names[int(len(last_names) * draw.random() ** 3)]
        yield Person(
            first_name=first,
            last_name=last,
            address=f"{first}.{last}.{number}@mail{draw.randrange(40)}.example".lower(),
            number=f"+1{draw.randrange(201, 990)}555{number % 10_000:04d}",
            state=draw.choices(states, weights)[0],
            is_archived=draw.randrange(100) < ARCHIVED_OF_A_HUNDRED,
            age=timedelta(minutes=draw.randrange(60 * 24 * 2_000)),
        )


def _names(draw: random.Random, count: int) -> list[str]:
    names: set[str] = set()
    while len(names) < count:
        names.add("".join(draw.choices(SYLLABLES, k=draw.choice((2, 2, 3)))).capitalize())
    return sorted(names)


def _write(practice: Practice, people: tuple[Person, ...]) -> None:
    now = clock.now()
    clients = Client.objects.bulk_create(
        Client(
            practice=practice,
            first_name=person.first_name,
            last_name=person.last_name,
            status=Status.ARCHIVED if person.is_archived else Status.ACTIVE,
            portal_state=PortalState.NO_ACCESS if person.is_archived else person.state,
            sort_key=folded(f"{person.first_name} {person.last_name}"),
            created_at=now - person.age,
        )
        for person in people
    )
    pairs = list(zip(clients, people, strict=True))
    EmailAddress.objects.bulk_create(
        EmailAddress(
            practice=practice,
            client=client,
            address=person.address,
            mailbox_key=person.address,
            email_ok_at=now,
            email_ok_by="Fay",
        )
        for client, person in pairs
    )
    PhoneNumber.objects.bulk_create(
        PhoneNumber(practice=practice, client=client, number=person.number) for client, person in pairs
    )
    SearchTerm.objects.bulk_create(
        SearchTerm(practice=practice, client=client, term=term)
        for client, person in pairs
        for term in sorted(
            search_terms.terms_of(
                names=(f"{person.first_name} {person.last_name}",),
                addresses=(person.address,),
                numbers=(person.number,),
            )
        )
    )
