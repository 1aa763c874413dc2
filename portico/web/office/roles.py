"""Who may change clients and who may only look, where one address serves both."""

from portico.domain.practices.models import Role
from portico.web.http.request_types import OfficeRequest

# Who changes clients, their addresses and their access. Billers read.
CLIENT_EDITORS = (Role.OWNER, Role.CLINICIAN, Role.FRONT_DESK)

# Who gives money back, voids, gives credit and exports.
BILLING_EDITORS = (Role.OWNER, Role.BILLER)


def may_edit(request: OfficeRequest) -> bool:
    return request.staff.role in CLIENT_EDITORS


def may_edit_billing(request: OfficeRequest) -> bool:
    return request.staff.role in BILLING_EDITORS
