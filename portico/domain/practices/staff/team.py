"""The team of a practice: inviting colleagues, changing roles, deactivating and reactivating them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import (
    Practice,
    Role,
    SetUpLink,
    SetUpPurpose,
    StaffMember,
    StaffSession,
)
from portico.domain.practices.staff import second_factor, set_up_links, staff_creation
from portico.domain.practices.staff.second_factor import FACTORS, SecondFactorMethod
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused


class LastOwner(Refused):
    message = _("The practice needs an owner who can sign in. First make another active team member an owner.")


class StaffConflict(Refused):
    """Another owner has changed the colleague in the meantime; nothing was overwritten."""

    message = _(
        "Another owner changed this team member while you had the page open. Check the current details and try again."
    )


class AccountAlreadySetUp(Refused):
    message = _(
        "This team member has already set up their account. They can reset a forgotten password on the sign-in page."
    )


class StaffDeactivated(Refused):
    message = _("This team member is deactivated. Reactivate them first.")


class CannotChangeYourself(Refused):
    message = _("Change your own two-step verification under Your account.")


class StaffState(StrEnum):
    """The state of a colleague's account."""

    ACTIVE = "active"
    # Without a password, but with a usable link.
    INVITED = "invited"
    # Without a password and without a usable link.
    LINK_RAN_OUT = "link_ran_out"
    LEFT = "left"


@dataclass(frozen=True)
class Colleague:
    """A staff member as shown on the page `Team`."""

    member: StaffMember
    state: StaffState
    ways: frozenset[SecondFactorMethod]


def invite(practice: Practice, *, name: str, email: str, role: Role, by: Actor) -> StaffMember:
    """Adds a colleague and mails the link to set up the account. Raises staff_creation.EmailTaken."""
    with transaction.atomic():
        member = staff_creation.add_staff_member(practice, email=email, name=name, role=role, by=by)
        set_up_links.mail_set_up_link(member, by=by)
    return member


def invite_again(member: StaffMember, *, by: Actor) -> StaffMember:
    """Mails a new link; earlier ones end. Raises StaffDeactivated and, with a password, AccountAlreadySetUp."""
    with _lock(member) as row:
        if not row.is_active:
            raise StaffDeactivated
        if row.has_usable_password():
            raise AccountAlreadySetUp
        set_up_links.mail_set_up_link(row, by=by)
    return row


def change_role(member: StaffMember, role: Role, *, version: int, by: Actor) -> StaffMember:
    """Changes a colleague's role from their next request on. Idempotent.

    Raises StaffConflict, StaffDeactivated, LastOwner.
    """
    with _lock(member) as row:
        if row.role == role:
            return row
        _refuse_if_changed(row, version)
        if not row.is_active:
            raise StaffDeactivated
        if row.is_owner:
            _refuse_last_owner(row)
        before, row.role = row.role, role
        row.version += 1
        row.save(update_fields=["role", "version"])
        audit_log.record(
            AuditAction.STAFF_ROLE_CHANGED, practice=row.practice, by=by, about=row.ref, role=role.value, before=before
        )
    return row


def deactivate(member: StaffMember, *, version: int, by: Actor) -> StaffMember:
    """Deactivates a colleague who has left: ends sessions and links, and blocks sign-in and mail. Idempotent.

    Raises StaffConflict, LastOwner.
    """
    with _lock(member) as row:
        if not row.is_active:
            return row
        _refuse_if_changed(row, version)
        if row.is_owner:
            _refuse_last_owner(row)
        row.deactivated_at = clock.now()
        row.version += 1
        row.save(update_fields=["deactivated_at", "version"])
        StaffSession.objects.filter(staff=row).delete()
        set_up_links.end_links(row)
        audit_log.record(AuditAction.STAFF_DEACTIVATED, practice=row.practice, by=by, about=row.ref)
    return row


def reactivate(member: StaffMember, *, version: int, by: Actor) -> StaffMember:
    """Reactivates a colleague with the password and second factor they had; earlier sessions and links stay ended.

    Without a password, they are mailed a new link. Idempotent. Raises StaffConflict.
    """
    with _lock(member) as row:
        if row.is_active:
            return row
        _refuse_if_changed(row, version)
        row.deactivated_at = None
        row.version += 1
        row.save(update_fields=["deactivated_at", "version"])
        audit_log.record(AuditAction.STAFF_REACTIVATED, practice=row.practice, by=by, about=row.ref)
        if not row.has_usable_password():
            set_up_links.mail_set_up_link(row, by=by)
    return row


def reset_second_factor(member: StaffMember, *, by: Actor) -> None:
    """Removes the second factor of a colleague who has lost it. Raises CannotChangeYourself, StaffDeactivated."""
    if by.staff_id == member.pk:
        raise CannotChangeYourself
    with _lock(member) as row:
        if not row.is_active:
            raise StaffDeactivated
        second_factor.remove_all(row, by=by)


def team(practice: Practice) -> list[Colleague]:
    """Returns all staff, ordered by name, deactivated ones last."""
    members = StaffMember.objects.filter(practice=practice).order_by("name", "id")
    ways: dict[int, set[SecondFactorMethod]] = {}
    factors = Authenticator.objects.filter(user__practice=practice, type__in=FACTORS)
    for staff_id, kind in factors.values_list("user_id", "type"):
        ways.setdefault(staff_id, set()).add(FACTORS[kind])
    waiting = _with_live_link(practice)
    colleagues = [Colleague(row, _state(row, waiting), frozenset(ways.get(row.pk, ()))) for row in members]
    return sorted(colleagues, key=lambda each: each.state is StaffState.LEFT)


def colleague(member: StaffMember) -> Colleague:
    """Returns one staff member as a Colleague."""
    ways = second_factor.methods_of(member) - {SecondFactorMethod.RECOVERY_CODE}
    return Colleague(member, _state(member, _with_live_link(member.practice)), frozenset(ways))


def _with_live_link(practice: Practice) -> set[int]:
    links = SetUpLink.objects.unspent().filter(practice=practice, purpose=SetUpPurpose.BEGIN).select_related("email")
    return {link.staff_id for link in links if not link.has_expired(clock.now())}


def _state(member: StaffMember, waiting: set[int]) -> StaffState:
    if not member.is_active:
        return StaffState.LEFT
    if member.has_usable_password():
        return StaffState.ACTIVE
    return StaffState.INVITED if member.pk in waiting else StaffState.LINK_RAN_OUT


@contextmanager
def _lock(member: StaffMember) -> Iterator[StaffMember]:
    """Opens a transaction and locks the practice, then the colleague.

    Two owners who change each other at the same time are serialized: the second sees the change of the first.
    """
    with transaction.atomic():
        Practice.objects.locked().get(pk=member.practice_id)
        yield StaffMember.objects.locked().select_related("practice").get(pk=member.pk)


def _refuse_if_changed(row: StaffMember, version: int) -> None:
    if row.version != version:
        raise StaffConflict


def _refuse_last_owner(row: StaffMember) -> None:
    """Raises LastOwner unless another active owner has a password; one who is only invited could not sign in."""
    others = StaffMember.objects.active().filter(practice=row.practice_id, role=Role.OWNER).exclude(pk=row.pk)
    if not any(other.has_usable_password() for other in others):
        raise LastOwner
