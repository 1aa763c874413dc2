"""Sample rows for the plumbing's tests."""

import itertools

from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice

_numbers = itertools.count(1)


def a_practice() -> Practice:
    number = next(_numbers)
    return Practice.objects.create(slug=f"practice-{number}", name=f"Practice {number}")


def a_client(practice: Practice) -> Client:
    return Client.objects.create(practice=practice, first_name="Ana", sort_key="ana")
