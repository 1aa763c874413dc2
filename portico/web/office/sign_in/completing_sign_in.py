"""Starts the staff session after the password, and completes it after the second factor."""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff import password_attempts
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.domain.practices.staff.staff_sessions import BROWSER
from portico.web import staff_verification
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OfficeRequest


def by_password(request: HttpRequest, staff: StaffMember) -> None:
    """Starts a session with a new id. If a second factor is required, it opens only the next step."""
    with transaction.atomic():
        get_adapter().login(request, staff)
        request.session[BROWSER] = ip_and_browser.browser_of(request)
        if settings.SECOND_FACTOR_REQUIRED:
            password_attempts.record_accepted(staff)
        else:
            password_attempts.record_sign_in(staff, SecondFactorMethod.PASSWORD.value)


def by_factor(request: OfficeRequest, method: SecondFactorMethod) -> None:
    """Completes the sign-in, under a new session id."""
    with transaction.atomic():
        request.session.cycle_key()
        staff_verification.record(request.session, method)
        password_attempts.record_sign_in(request.staff, method.value)
