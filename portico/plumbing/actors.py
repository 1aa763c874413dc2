"""Actors: the person or program that performs an operation, passed to it as `by`."""

from dataclasses import dataclass
from typing import Self

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ActorKind(TextChoices):
    STAFF = "staff", _("Staff member")
    CLIENT = "client", _("Client")
    SYSTEM = "system", _("System")
    OPERATOR = "operator", _("System administrator")
    # Seals cover the stored value, so it cannot change.
    ANONYMOUS = "nobody", _("Not signed in")


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor's name at the time, and the id of the row behind it, if there is one."""

    kind: ActorKind
    name: str
    staff_id: int | None = None
    account_id: int | None = None

    @classmethod
    def system(cls, name: str = "Portico") -> Self:
        """Returns the actor for what Portico does by itself."""
        return cls(ActorKind.SYSTEM, name)

    @classmethod
    def operator(cls) -> Self:
        """Returns the actor for the command line, the operator of the installation."""
        return cls(ActorKind.OPERATOR, "System administrator")

    @classmethod
    def anonymous(cls) -> Self:
        """Returns the actor for a visitor who is not signed in."""
        return cls(ActorKind.ANONYMOUS, "")
