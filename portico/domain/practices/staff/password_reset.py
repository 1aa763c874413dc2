"""Password resets: a request stores one row for any address; the worker mails a link to known addresses."""

from datetime import timedelta

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import RESET_LINK_TTL, PasswordResetRequest, StaffMember
from portico.domain.practices.staff import set_up_links
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded


def request_reset(email: str, *, ip: str) -> None:
    """Stores a request for a password reset, with the same work for every address, known or not.

    Called outside any transaction. Raises RateLimitExceeded for a network that sends too many (30 in 10 min). Beyond
    the limit of an address (5 an hour, 10 a day) no mail is sent, and the page does not say so.
    """
    address = email.strip().lower()
    rate_limits.spend(
        Limit.on(
            "password-reset-ip",
            rate_limits.network_of(ip),
            max_attempts=30,
            window=timedelta(minutes=10),
            stays_spent=True,
        )
    )
    try:
        rate_limits.spend(
            Limit.on("password-reset", address, max_attempts=5, window=timedelta(hours=1)),
            Limit.on("password-reset", address, max_attempts=10, window=timedelta(days=1)),
        )
        is_beyond_limit = False
    except RateLimitExceeded:
        is_beyond_limit = True
    PasswordResetRequest.objects.create(address=address, is_beyond_limit=is_beyond_limit)


def process_next() -> bool:
    """Processes the oldest request: mails a link if a staff member has the address. Returns False if there is none."""
    waiting = PasswordResetRequest.objects.order_by("id")
    if not waiting.exists():  # A plain read: an idle worker takes no lock.
        return False
    with transaction.atomic():
        request = waiting.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
        if request is None:
            return False
        _process(request)
        request.delete()
    return True


def _process(request: PasswordResetRequest) -> None:
    # Too old to be still expected, for example in a restored database.
    if request.written_at <= clock.now() - RESET_LINK_TTL:
        return
    staff = StaffMember.objects.locked().select_related("practice").filter(email=request.address).first()
    if staff is None or not staff.may_sign_in:
        return
    if request.is_beyond_limit:
        audit_log.record(
            AuditAction.PASSWORD_RESET_BEYOND_LIMIT, practice=staff.practice, by=Actor.anonymous(), about=staff.ref
        )
        return
    set_up_links.mail_reset_link(staff)
