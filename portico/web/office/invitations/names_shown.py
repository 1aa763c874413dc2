"""Clients named on a page: the first of them, and the number of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from portico.domain.clients.models import Client

MAX_NAMES = 20


@dataclass(frozen=True)
class NamesShown:
    """The first clients of a list, the number of all, and the number of those who are not named."""

    clients: Sequence[Client]
    number: int

    @classmethod
    def of(cls, clients: Sequence[Client]) -> Self:
        return cls(clients[:MAX_NAMES], len(clients))

    @property
    def others(self) -> int:
        return self.number - len(self.clients)
