"""Who may change clients and who may only look, where one address serves both."""

from django.core.exceptions import PermissionDenied

from portico.domain.practices.models import Role
from portico.plumbing import trail
from portico.plumbing.verbs import Verb
from portico.web.requests import OfficeRequest

# Who changes clients, their addresses and their access. Billers read.
KEEPERS = (Role.OWNER, Role.CLINICIAN, Role.FRONT_DESK)

# Who gives money back, voids, gives credit and exports.
MONEY_KEEPERS = (Role.OWNER, Role.BILLER)


def may_edit(request: OfficeRequest) -> bool:
    return request.staff.role in KEEPERS


def keeps_money(request: OfficeRequest) -> bool:
    return request.staff.role in MONEY_KEEPERS


def refuse_unless_keeper(request: OfficeRequest, *, about: str) -> None:
    """Raises PermissionDenied for a role that only reads, and puts the attempt into the trail."""
    if not may_edit(request):
        trail.record(Verb.DENIED_ROLE, practice=request.practice, by=request.actor, about=about)
        raise PermissionDenied
