"""Roles that may edit clients or billing."""

from portico.domain.practices.models import Role
from portico.web.http.request_types import OfficeRequest

# May edit clients, their addresses and their access. Billers have read access.
CLIENT_EDITORS = (Role.OWNER, Role.CLINICIAN, Role.FRONT_DESK)

# May refund, void, give credit and export.
BILLING_EDITORS = (Role.OWNER, Role.BILLER)


def may_edit(request: OfficeRequest) -> bool:
    return request.staff.role in CLIENT_EDITORS


def may_edit_billing(request: OfficeRequest) -> bool:
    return request.staff.role in BILLING_EDITORS
