"""People named on a page: the first of them, and the number of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portico.domain.clients.models import Client

MAX_NAMES = 20


@dataclass(frozen=True)
class NamesShown[P]:
    """The first people of a list, the number of all, and the number of those who are not named."""

    named: Sequence[P]
    number: int

    @classmethod
    def of[Q](cls, people: Sequence[Q]) -> "NamesShown[Q]":
        return NamesShown(people[:MAX_NAMES], len(people))

    @property
    def others(self) -> int:
        return self.number - len(self.named)


def with_parents_apart(clients: Iterable[Client]) -> NamesShown[Client]:
    """Returns those of the clients whose parents live apart, each once."""
    found = {each.pk: each for each in clients if each.parents_apart_at is not None}
    return NamesShown.of(list(found.values()))
