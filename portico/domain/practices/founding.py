"""How a practice comes to be, and its first owner with it."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portico import currency_table
from portico.domain.practices import setting_up
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing import trail
from portico.plumbing.actors import Actor
from portico.plumbing.mailboxes import header_address
from portico.plumbing.refusals import Refused
from portico.plumbing.verbs import Verb


class SlugTaken(Refused):
    """The address is another practice's; a slug never changes hands."""


class EmailTaken(Refused):
    """One email address is one staff member in the whole installation."""


@dataclass(frozen=True)
class Founded:
    """A new practice, its owner, and the token of the owner's set-up link (known only now)."""

    practice: Practice
    owner: StaffMember
    set_up_token: str


def create_practice(
    *, slug: str, name: str, time_zone: str, currency: str, owner_email: str, owner_name: str, by: Actor
) -> Founded:
    """Creates a practice with one owner who has no password yet.

    Raises SlugTaken, EmailTaken, and django's ValidationError for a malformed slug or address, an unknown time
    zone or a currency that nobody can be charged in.
    """
    refuse_unreachable(owner_email)
    reply_to = header_address(owner_email)
    practice = Practice(slug=slug, name=name, time_zone=time_zone, currency=currency, reply_to=reply_to)
    with transaction.atomic():
        open_practice(practice, by=by)
        owner = add_staff_member(practice, email=owner_email, name=owner_name, role=Role.OWNER, by=by)
        token = setting_up.make_link(owner, by=by)
    return Founded(practice, owner, token)


def open_practice(practice: Practice, *, by: Actor) -> Practice:
    """Saves a new practice, without anybody in it. Raises SlugTaken and ValidationError as above."""
    practice.clean_fields()
    if not currency_table.is_known(practice.currency):
        raise ValidationError(_("%(code)s is not a currency that Stripe can charge.") % {"code": practice.currency})
    with transaction.atomic():
        if Practice.objects.filter(slug=practice.slug).exists():
            raise SlugTaken(_("The address %(slug)s is taken. Choose another.") % {"slug": practice.slug})
        practice.save(force_insert=True)
        trail.record(Verb.PRACTICE_CREATED, practice=practice, by=by)
    return practice


def add_staff_member(practice: Practice, *, email: str, name: str, role: Role, by: Actor) -> StaffMember:
    """Adds somebody who works at the practice, without a password. Raises EmailTaken and ValidationError."""
    refuse_unreachable(email)
    member = StaffMember(practice=practice, email=email.strip().lower(), name=name.strip(), role=role)
    member.set_unusable_password()
    member.clean_fields()
    with transaction.atomic():
        taken = EmailTaken(_("%(email)s already belongs to a staff member.") % {"email": member.email}, field="email")
        if StaffMember.objects.filter(email=member.email).exists():
            raise taken
        try:
            with transaction.atomic():
                member.save(force_insert=True)
        except IntegrityError as clash:
            # Somebody else added the same address at this moment; the database let one in.
            raise taken from clash
        trail.record(Verb.STAFF_ADDED, practice=practice, by=by, about=member.ref, role=role.value)
    return member


def refuse_unreachable(email: str) -> None:
    """Raises ValidationError for an address that not every mail server takes, such as one without a full domain."""
    try:
        header_address(email)
    except ValueError as malformed:
        sentence = _("Enter a valid email address. %(problem)s") % {"problem": malformed}
        raise ValidationError({"email": sentence}) from malformed
