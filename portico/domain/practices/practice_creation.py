"""Creating a practice and its first owner."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from portico import currency_table
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.domain.practices.staff import set_up_links, staff_creation
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.text.mailboxes import header_address


class SlugTaken(Refused):
    """Another practice has this slug. A slug is never reused."""


@dataclass(frozen=True)
class CreatedPractice:
    """A new practice, its owner, and the token of the owner's set-up link, which is stored only as a hash."""

    practice: Practice
    owner: StaffMember
    set_up_token: str


def create_practice(
    *, slug: str, name: str, time_zone: str, currency: str, owner_email: str, owner_name: str, by: Actor
) -> CreatedPractice:
    """Creates a practice with one owner who has no password yet.

    Raises SlugTaken, EmailTaken, and django's ValidationError for a malformed slug or address, an unknown time
    zone or a currency that Stripe cannot charge.
    """
    staff_creation.refuse_unreachable(owner_email)
    reply_to = header_address(owner_email)
    practice = Practice(slug=slug, name=name, time_zone=time_zone, currency=currency, reply_to=reply_to)
    with transaction.atomic():
        save_new_practice(practice, by=by)
        owner = staff_creation.add_staff_member(practice, email=owner_email, name=owner_name, role=Role.OWNER, by=by)
        token = set_up_links.create_link(owner, by=by)
    return CreatedPractice(practice, owner, token)


def save_new_practice(practice: Practice, *, by: Actor) -> Practice:
    """Saves a new practice without staff. Raises SlugTaken, and ValidationError as above."""
    practice.clean_fields()
    if not currency_table.is_known(practice.currency):
        raise ValidationError(_("Stripe can’t charge in %(code)s.") % {"code": practice.currency})
    with transaction.atomic():
        if Practice.objects.filter(slug=practice.slug).exists():
            raise SlugTaken(_("The address %(slug)s is already in use. Choose another.") % {"slug": practice.slug})
        practice.save(force_insert=True)
        audit_log.record(AuditAction.PRACTICE_CREATED, practice=practice, by=by)
    return practice
