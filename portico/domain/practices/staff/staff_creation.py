"""Adding staff members, with an email address that is unique in the whole installation."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.text.mailboxes import header_address


class EmailTaken(Refused):
    """The email address belongs to another staff member of the installation."""


def add_staff_member(practice: Practice, *, email: str, name: str, role: Role, by: Actor) -> StaffMember:
    """Adds a staff member without a password. Raises EmailTaken and ValidationError."""
    refuse_unreachable(email)
    member = StaffMember(practice=practice, email=email.strip().lower(), name=name.strip(), role=role)
    member.set_unusable_password()
    member.clean_fields()
    with transaction.atomic():
        taken = EmailTaken(
            _("%(email)s is already used by a staff member. Enter another address.") % {"email": member.email},
            field="email",
        )
        if StaffMember.objects.filter(email=member.email).exists():
            raise taken
        try:
            with transaction.atomic():
                member.save(force_insert=True)
        except IntegrityError as clash:
            # Another request added the same address at this moment.
            raise taken from clash
        audit_log.record(AuditAction.STAFF_ADDED, practice=practice, by=by, about=member.ref, role=role.value)
    return member


def refuse_unreachable(email: str) -> None:
    """Raises ValidationError for an address that some mail servers reject, such as one without a full domain."""
    try:
        header_address(email)
    except ValueError as malformed:
        sentence = _("Enter a valid email address. %(problem)s") % {"problem": malformed}
        raise ValidationError({"email": sentence}) from malformed
