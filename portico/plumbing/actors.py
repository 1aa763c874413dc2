"""Who does something: the `by` of every operation."""

from dataclasses import dataclass
from typing import Self

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ActorKind(TextChoices):
    STAFF = "staff", _("Staff member")
    CLIENT = "client", _("Client")
    SYSTEM = "system", _("Portico")
    OPERATOR = "operator", _("Operator")
    NOBODY = "nobody", _("Not signed in")


@dataclass(frozen=True, slots=True)
class Actor:
    """A name as it was at the time, and the row number behind it where there is one."""

    kind: ActorKind
    name: str
    staff_id: int | None = None
    account_id: int | None = None

    @classmethod
    def system(cls, name: str = "Portico") -> Self:
        """What Portico does by itself."""
        return cls(ActorKind.SYSTEM, name)

    @classmethod
    def operator(cls) -> Self:
        """Who runs the installation, at the command line."""
        return cls(ActorKind.OPERATOR, "Operator")

    @classmethod
    def nobody(cls) -> Self:
        """A visitor of whom nothing is known."""
        return cls(ActorKind.NOBODY, "")
