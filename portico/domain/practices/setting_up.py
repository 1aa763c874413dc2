"""The one-time link by which a staff member chooses a password."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.practices.models import SET_UP_LINK_TTL, SetUpLink, StaffMember
from portico.plumbing import clock, tokens, trail
from portico.plumbing.actors import Actor
from portico.plumbing.refusals import Refused
from portico.plumbing.verbs import Verb


class SetUpLinkSpent(Refused):
    """The link was used, ran out, or never was."""

    def __init__(self) -> None:
        super().__init__(_("This set-up link has been used or has run out. Ask whoever gave it to you for a new one."))


def make_link(staff: StaffMember, *, by: Actor) -> str:
    """Makes a link (72 hours, once) and returns its token, which is stored only as a hash. Earlier links end."""
    token = tokens.new_token()
    with transaction.atomic():
        SetUpLink.objects.filter(staff=staff, used_at=None).update(used_at=clock.now())
        SetUpLink.objects.create(practice=staff.practice, staff=staff, token_hash=tokens.digest(token))
        trail.record(Verb.SET_UP_LINK_MADE, practice=staff.practice, by=by, about=staff.ref)
    return token


def address_of(token: str) -> str:
    """The absolute address of a set-up link."""
    return f"{settings.PUBLIC_BASE_URL}/office/set-up/{token}/"


def find(token: str) -> SetUpLink:
    """The live link of a token. Raises SetUpLinkSpent."""
    link = (
        SetUpLink.objects.select_related("staff__practice")
        .filter(token_hash=tokens.digest(token), used_at=None, created_at__gt=clock.now() - SET_UP_LINK_TTL)
        .filter(staff__deactivated_at=None)
        .first()
    )
    if link is None:
        raise SetUpLinkSpent
    return link


def choose_password(token: str, password: str) -> StaffMember:
    """Spends the link and sets the password. Raises SetUpLinkSpent, and ValidationError for a weak password."""
    link = find(token)
    staff = link.staff
    validate_password(password, staff)
    staff.set_password(password)
    with transaction.atomic():
        if not SetUpLink.objects.filter(pk=link.pk, used_at=None).update(used_at=clock.now()):
            raise SetUpLinkSpent
        staff.save(update_fields=["password"])
        trail.record(Verb.PASSWORD_CHOSEN, practice=staff.practice, by=staff.actor, about=staff.ref)
    return staff
