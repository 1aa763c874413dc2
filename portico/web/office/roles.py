"""Roles that may edit clients or billing, or see documents."""

from portico.domain.practices.models import CLIENT_EDITORS, Role
from portico.web.http.request_types import OfficeRequest

__all__ = ["BILLING_EDITORS", "CLIENT_EDITORS", "may_edit", "may_edit_billing", "may_see_documents"]

# May refund, void, give credit and export.
BILLING_EDITORS = (Role.OWNER, Role.BILLER)


def may_edit(request: OfficeRequest) -> bool:
    return request.staff.role in CLIENT_EDITORS


def may_edit_billing(request: OfficeRequest) -> bool:
    return request.staff.role in BILLING_EDITORS


def may_see_documents(request: OfficeRequest) -> bool:
    return request.staff.role in CLIENT_EDITORS
