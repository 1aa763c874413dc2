"""The audit log: what an entry contains, and that entries cannot be changed."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portico.domain.audit_actions import AuditAction
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry
from tests.plumbing.sample_rows import a_client, a_practice

pytestmark = pytest.mark.django_db
FAY = Actor(ActorKind.STAFF, "Fay", staff_id=7)


def test_an_entry_has_actor_action_client_and_time() -> None:
    practice = a_practice()
    ana = a_client(practice)

    with time_machine.travel(datetime(2026, 5, 4, 13, 20, tzinfo=UTC), tick=False):
        audit_log.record(
            AuditAction.ACCESS_TURNED_ON, practice=practice, by=FAY, client=ana, about="abc", by_mail=True, links=2
        )

    entry = AuditEntry.objects.get()
    assert (entry.practice_id, entry.client_id, entry.action, entry.about) == (
        practice.pk,
        ana.pk,
        "access.turned_on",
        "abc",
    )
    assert (entry.actor_kind, entry.actor_name, entry.staff_id, entry.account_id) == ("staff", "Fay", 7, None)
    assert entry.at == datetime(2026, 5, 4, 13, 20, tzinfo=UTC)
    assert entry.details == {"by_mail": True, "links": 2}


def test_a_rolled_back_change_leaves_no_entry() -> None:
    practice = a_practice()

    with transaction.atomic():
        audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=FAY)
        transaction.set_rollback(True)

    assert not AuditEntry.objects.exists()


def test_an_entry_is_one_plain_insert() -> None:
    practice = a_practice()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, by=FAY)

    (only,) = queries
    assert "INSERT INTO" in only["sql"]


def test_an_entry_cannot_be_changed() -> None:
    entry = audit_log.record(AuditAction.CLIENT_CREATED, practice=a_practice(), by=FAY)
    entry.actor_name = "Gus"

    with pytest.raises(IntegrityError, match="only added"), transaction.atomic():
        entry.save()


def test_an_entry_cannot_be_deleted() -> None:
    audit_log.record(AuditAction.CLIENT_CREATED, practice=a_practice(), by=FAY)

    with pytest.raises(IntegrityError, match="only added"), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_views_are_actions_named_viewed() -> None:
    assert AuditAction.OVERVIEW_VIEWED in AuditAction.views()
    # An export or a download counts as a view.
    exports = {action for action in AuditAction if action.endswith((".exported", ".downloaded"))}
    as_client = {AuditAction.PAGE_VIEWED_AS_CLIENT, AuditAction.CLIENT_VIEW_ENDED}
    by_clients = {AuditAction.SHARED_FILE_OPENED, AuditAction.COMPLETED_DOCUMENT_SEEN}
    assert all("viewed" in action for action in AuditAction.views() - exports - as_client - by_clients)


def test_system_operator_and_visitors_are_actors() -> None:
    practice = a_practice()
    for actor in (Actor.system(), Actor.operator(), Actor.anonymous()):
        audit_log.record(AuditAction.LINK_REFUSED, practice=practice, by=actor)

    kinds = AuditEntry.objects.order_by("id").values_list("actor_kind", "actor_name")
    assert list(kinds) == [("system", "Portico"), ("operator", "System administrator"), ("nobody", "")]
