"""Letting staff in: by the password, and then by what the second step asked for. Each time with a new session id."""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from portico.domain.practices import passwords
from portico.domain.practices.models import StaffMember
from portico.domain.practices.second_factor import Way
from portico.domain.practices.staff_sessions import BROWSER
from portico.web import proofs, visitors
from portico.web.requests import OfficeRequest


def by_password(request: HttpRequest, staff: StaffMember) -> None:
    """The password was right. Where a second factor is required, such a session opens nothing but the next step."""
    with transaction.atomic():
        get_adapter().login(request, staff)
        request.session[BROWSER] = visitors.browser_of(request)
        if settings.SECOND_FACTOR_REQUIRED:
            passwords.note_accepted(staff)
        else:
            passwords.note_signed_in(staff, Way.PASSWORD.value)


def by_factor(request: OfficeRequest, way: Way) -> None:
    """The second step was taken."""
    with transaction.atomic():
        request.session.cycle_key()
        proofs.note(request.session, way)
        passwords.note_signed_in(request.staff, way.value)
