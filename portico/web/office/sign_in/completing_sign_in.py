"""Letting staff in: by the password, and then by what the second step asked for. Each time with a new session id."""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff import password_attempts
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.domain.practices.staff.staff_sessions import BROWSER
from portico.web import staff_verification
from portico.web.http import request_origin
from portico.web.http.request_types import OfficeRequest


def by_password(request: HttpRequest, staff: StaffMember) -> None:
    """The password was right. Where a second factor is required, such a session opens nothing but the next step."""
    with transaction.atomic():
        get_adapter().login(request, staff)
        request.session[BROWSER] = request_origin.browser_of(request)
        if settings.SECOND_FACTOR_REQUIRED:
            password_attempts.record_accepted(staff)
        else:
            password_attempts.record_sign_in(staff, SecondFactorMethod.PASSWORD.value)


def by_factor(request: OfficeRequest, way: SecondFactorMethod) -> None:
    """The second step was taken."""
    with transaction.atomic():
        request.session.cycle_key()
        staff_verification.record(request.session, way)
        password_attempts.record_sign_in(request.staff, way.value)
