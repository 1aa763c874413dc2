"""The option to pay by card over all clients of a practice."""

from dataclasses import replace

import pytest

from portico.domain.access import access_grants, access_lookups, card_payment_for_all
from portico.domain.access.card_payment_for_all import CardPayers
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db


def test_it_is_turned_on_for_clients_who_see_bills(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_payment_for_all, "BATCH_SIZE", 1)
    ana, bea, carol = cast.ana(practice), cast.bea(practice), cast.carol(practice)
    dora = cast.dora(cast.birch())
    for client in (ana, bea, carol, dora):
        cast.with_access(client)
    without_bills = replace(cast.entry_for(carol), access_billing_documents=False)
    access_grants.save_access(carol, without_bills, version=None, by=cast.DESK)
    assert card_payment_for_all.count(practice) == CardPayers(0, 2)
    assert card_payment_for_all.turn_on_for_all(practice, by=cast.DESK) == 2
    assert card_payment_for_all.turn_on_for_all(practice, by=cast.DESK) == 0
    assert card_payment_for_all.count(practice) == CardPayers(2, 2)
    for client, is_on in ((ana, True), (bea, True), (carol, False), (dora, False)):
        access = access_lookups.access_or_default(client)
        assert access.pay_by_card is is_on
        entries = AuditEntry.objects.filter(client=client, action=AuditAction.OPTIONS_CHANGED)
        assert entries.filter(details={"pay_by_card": True}).count() == is_on
