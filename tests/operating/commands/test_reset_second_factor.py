"""The operator resets the second factor of an owner who lost phone and recovery codes."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, StaffSession
from portico.domain.practices.staff import second_factor
from portico.plumbing.actors import ActorKind
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db


def test_the_owner_sets_up_a_new_factor_at_the_next_sign_in(practice: Practice, client: Browser) -> None:
    elm = cast.elm(practice)
    cast.with_authenticator(elm)
    cast.signed_in_with_factor(client, elm)
    call_command("reset_second_factor", " ELM@alder-street.example ")
    assert not second_factor.authenticators_of(elm).exists()
    assert not StaffSession.objects.exists()
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor_kind, entry.about) == (
        AuditAction.SECOND_FACTOR_RESET,
        ActorKind.OPERATOR,
        elm.ref,
    )
    mail = OutgoingEmail.objects.latest("id")
    assert (mail.to_address, mail.subject) == (elm.email, "Your two-step verification was reset")


def test_the_password_is_unchanged(practice: Practice) -> None:
    elm = cast.elm(practice)
    call_command("reset_second_factor", elm.email)
    elm.refresh_from_db()
    assert elm.check_password(cast.PASSWORD)


@pytest.mark.parametrize("email", ["unknown@alder-street.example", "gus@alder-street.example", ""])
def test_only_active_staff_are_accepted(practice: Practice, email: str) -> None:
    cast.gus(practice)
    with pytest.raises(CommandError, match="No active staff member"):
        call_command("reset_second_factor", email)
    assert not AuditEntry.objects.filter(action=AuditAction.SECOND_FACTOR_RESET).exists()
