"""Giving a leaving clinician's clients to another."""

import pytest

from portico.domain.access.models import PortalAccess
from portico.domain.access.onboarding import invitation_text
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_list, reassignment
from portico.domain.clients.client_list import ClientQuery
from portico.domain.clients.models import Client
from portico.domain.clients.reassignment import ClinicianDeactivated
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def gus(practice: Practice) -> StaffMember:
    return cast.gus(practice)


def given_to(client: Client, clinician: StaffMember) -> Client:
    client.clinician = clinician
    client.save(update_fields=["clinician"])
    return client


def test_all_clients_of_gus_move_with_an_entry_each(practice: Practice, gus: StaffMember) -> None:
    elm = cast.elm(practice)
    ana, bruno, carol = cast.ana(practice), given_to(cast.bruno(practice), gus), given_to(cast.carol(practice), gus)
    assert reassignment.move_clients(gus, elm, by=elm.actor) == 2
    assert reassignment.move_clients(gus, elm, by=elm.actor) == 0
    assert set(Client.objects.filter(clinician=elm)) == {bruno, carol}
    ana.refresh_from_db()
    assert ana.clinician is None
    entries = AuditEntry.objects.filter(action=AuditAction.CLIENT_EDITED, details__fields="clinician")
    assert {entry.client_id for entry in entries} == {bruno.pk, carol.pk}


def test_clients_are_not_moved_to_somebody_who_left(practice: Practice, gus: StaffMember) -> None:
    elm = cast.elm(practice)
    ana = given_to(cast.ana(practice), elm)
    with pytest.raises(ClinicianDeactivated):
        reassignment.move_clients(elm, gus, by=elm.actor)
    ana.refresh_from_db()
    assert ana.clinician == elm


def test_clients_are_not_moved_to_another_practice(practice: Practice, gus: StaffMember) -> None:
    stranger = cast.elm(cast.birch())
    with pytest.raises(StaffMember.DoesNotExist):
        reassignment.move_clients(gus, stranger, by=stranger.actor)


def test_the_list_shows_one_clinicians_clients(practice: Practice, gus: StaffMember) -> None:
    cast.ana(practice)
    bruno = given_to(cast.bruno(practice), gus)
    found = client_list.page(practice, ClientQuery(clinician=gus))
    assert (found.page.rows, found.total) == ([bruno], 1)


def test_no_mail_is_signed_by_a_clinician_who_left(practice: Practice, gus: StaffMember) -> None:
    text, elm = invitation_text.default_text("en"), cast.elm(practice)
    assert invitation_text.expand(text, PortalAccess.of(given_to(cast.ana(practice), elm))).blocks[-1] == elm.name
    assert (
        invitation_text.expand(text, PortalAccess.of(given_to(cast.bruno(practice), gus))).blocks[-1] == practice.name
    )
