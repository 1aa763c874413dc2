"""No rows are left after a test that commits, not even in append-only tables, which stay append-only."""

import pytest
from django.db import IntegrityError, transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", [1, 2])
def test_an_entry_is_kept_in_its_test_and_gone_in_the_next(round_: int) -> None:
    practice = Practice.objects.create(
        slug="alder-street", name="Alder Street Therapy", time_zone="UTC", currency="USD"
    )
    audit_log.record(AuditAction.PRACTICE_CREATED, practice=practice, by=Actor.operator())
    assert AuditEntry.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.all().delete()
