"""Portal states: the first matching rule wins, and the stored state is the computed one."""

from datetime import UTC, datetime

import pytest

from portico.domain.access import access_lookups, portal_states
from portico.domain.access.models import PortalAccess
from portico.domain.access.portal_states import Reason, StateWithReason
from portico.domain.clients.models import Client, EmailAddress, PortalState
from portico.domain.practices.models import Practice
from tests import cast

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 11, 20, 19, 14, tzinfo=UTC)
OK = EmailAddress(address="ana@mail.example", email_ok_at=AT)
NO_OK = EmailAddress(address="ana@mail.example")
ANA = Client(first_name="Ana")


def attention(reason: Reason) -> StateWithReason:
    return StateWithReason(PortalState.NEEDS_ATTENTION, reason.value)


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (None, StateWithReason(PortalState.NO_ACCESS)),
        (PortalAccess.of(ANA, address=OK, invited_at=AT), StateWithReason(PortalState.NO_ACCESS)),
        (PortalAccess.of(ANA, enabled_at=AT), attention(Reason.NO_ADDRESS)),
        (PortalAccess.of(ANA, enabled_at=AT, address=NO_OK, first_signed_in_at=AT), attention(Reason.NO_EMAIL_OK)),
        (
            PortalAccess.of(ANA, enabled_at=AT, address=OK, mail_stopped_at=AT, first_signed_in_at=AT),
            attention(Reason.MAIL_STOPPED),
        ),
        (PortalAccess.of(ANA, enabled_at=AT, address=OK), attention(Reason.NOT_INVITED)),
        (
            PortalAccess.of(ANA, enabled_at=AT, address=OK, first_signed_in_at=AT),
            StateWithReason(PortalState.SIGNED_IN),
        ),
        (PortalAccess.of(ANA, enabled_at=AT, address=OK, invited_at=AT), StateWithReason(PortalState.INVITED)),
        (
            PortalAccess.of(ANA, enabled_at=AT, address=OK, invited_at=AT, first_signed_in_at=AT),
            StateWithReason(PortalState.SIGNED_IN),
        ),
    ],
)
def test_the_first_matching_rule_is_the_state(access: PortalAccess | None, expected: StateWithReason) -> None:
    assert portal_states.state_of(access) == expected


def test_the_stored_state_is_the_computed_one(practice: Practice) -> None:
    cast.invited(cast.ana(practice))
    cast.with_access(cast.carol(practice))
    cast.bruno(practice)
    assert list(portal_states.mismatches()) == []


def test_the_reason_does_not_depend_on_which_contact_changed_last(practice: Practice) -> None:
    child = cast.ana(practice)
    cast.with_contact_access(cast.guardian(child))
    cast.with_contact_access(cast.guardian(child, "Berta", address="berta@mail.example", email_ok=False))
    for access in PortalAccess.objects.select_related("client", "address", "relationship"):
        portal_states.store(access)
        assert Client.objects.get().portal_reason == Reason.NO_EMAIL_OK
        assert list(portal_states.mismatches()) == []


def test_a_manipulated_state_is_reported(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    Client.objects.filter(pk=ana.pk).update(portal_state=PortalState.SIGNED_IN)
    (found,) = portal_states.mismatches()
    assert (found.client_ref, found.stored, found.computed) == (ana.ref, "signed_in", "invited")


def test_a_new_client_has_no_access(practice: Practice) -> None:
    ana = cast.ana(practice)
    assert access_lookups.access_of(ana) is None
    assert ana.portal_state == PortalState.NO_ACCESS
