"""Who may change clients and who may only look, where one address serves both."""

from portico.domain.practices.models import Role
from portico.web.http.request_types import OfficeRequest

# Who changes clients, their addresses and their access. Billers read.
KEEPERS = (Role.OWNER, Role.CLINICIAN, Role.FRONT_DESK)

# Who gives money back, voids, gives credit and exports.
MONEY_KEEPERS = (Role.OWNER, Role.BILLER)


def may_edit(request: OfficeRequest) -> bool:
    return request.staff.role in KEEPERS


def keeps_money(request: OfficeRequest) -> bool:
    return request.staff.role in MONEY_KEEPERS
