"""Sealing: every changed, removed or inserted entry is detected."""

import hashlib
import json
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log, sealing
from portico.plumbing.models import AuditChainHead, AuditEntry, AuditSeal
from tests.plumbing.sample_rows import a_client, a_practice
from tests.support.database.clean_up import triggers_off

pytestmark = pytest.mark.both_databases

SOUND = sealing.ChainReport(sealed=4)


def _entries(practice: Practice, number: int = 4) -> list[AuditEntry]:
    fay = Actor.system("Fay")
    return [
        audit_log.record(AuditAction.CLIENT_EDITED, practice=practice, by=fay, turn=turn, é="ü")
        for turn in range(number)
    ]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    """Four sealed entries. Transactional, because SQLite cannot remove a trigger inside a test's transaction."""
    practice = a_practice()
    _entries(practice)
    assert sealing.seal(practice.pk) == 4
    return practice


def test_seals_count_from_one_without_gaps(practice: Practice) -> None:
    other = a_practice()
    _entries(practice, 2)
    _entries(other, 1)

    assert sealing.seal_all() == 3

    positions = AuditSeal.objects.filter(practice=practice).order_by("entry_id").values_list("position", flat=True)
    assert list(positions) == [1, 2, 3, 4, 5, 6]
    assert sealing.verify(practice) == sealing.ChainReport(sealed=6)
    assert sealing.verify(other).is_sound


def test_sealing_again_finds_nothing_and_takes_no_lock(practice: Practice) -> None:
    assert sealing.seal(practice.pk) == 0
    assert sealing.seal_all() == 0


def test_two_queries_find_what_is_unsealed(
    practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        _entries(a_practice(), 1)
    assert sealing.seal_all() == 3
    with django_assert_num_queries(2):
        assert sealing.seal_all() == 0


def test_sealing_continues_after_a_full_batch(transactional_db: None) -> None:
    practice = a_practice()
    _entries(practice, 5)

    assert [sealing.seal(practice.pk, at_most=2) for _ in range(4)] == [2, 2, 1, 0]
    assert sealing.verify(practice) == sealing.ChainReport(sealed=5)


def test_an_entry_of_a_slow_transaction_is_sealed_later(practice: Practice) -> None:
    slow = AuditEntry.objects.earliest("id").pk - 1
    AuditEntry.objects.create(
        id=slow, practice=practice, at=clock.now(), action=AuditAction.CLIENT_EDITED, actor_kind="system"
    )

    assert sealing.seal(practice.pk) == 1
    assert AuditSeal.objects.get(entry_id=slow).position == 5
    assert sealing.verify(practice).is_sound


def test_settled_entries_are_not_scanned_again(practice: Practice) -> None:
    quiet = a_practice()
    _entries(quiet, 1)
    assert sealing.seal_all() == 1

    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        _entries(practice, 1)
        assert sealing.seal_all() == 1
        assert sealing.settle() == 2
        assert sealing.settle() == 0

    one_before_the_last = AuditEntry.objects.order_by("-id")[1].pk
    assert set(AuditChainHead.objects.values_list("settled_id", flat=True)) == {one_before_the_last}


def test_young_entries_are_not_settled(practice: Practice) -> None:
    assert sealing.settle() == 0
    assert AuditChainHead.objects.get(practice=practice).settled_id == 0


def test_nothing_is_settled_while_an_older_entry_of_any_practice_is_unsealed(practice: Practice) -> None:
    slow = AuditEntry.objects.earliest("id").pk - 1
    AuditEntry.objects.create(
        id=slow, practice=a_practice(), at=clock.now(), action=AuditAction.CLIENT_EDITED, actor_kind="system"
    )

    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        assert sealing.settle() == 0
        assert sealing.seal_all() == 1
        assert sealing.settle() == 2


def test_an_entry_with_an_old_time_is_settled_only_an_hour_after_its_seal(practice: Practice) -> None:
    now = clock.now()
    with time_machine.travel(now - timedelta(days=30), tick=False):
        _entries(practice, 1)
    assert sealing.seal_all() == 1

    assert sealing.settle() == 0


@pytest.mark.postgresql
def test_finding_unsealed_entries_reads_no_settled_row(practice: Practice) -> None:
    newest = AuditEntry.objects.latest("id").pk
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = sealing.unsealed(after=newest).explain(format="json", analyze=True)

    assert _rows_read(json.loads(plan)[0]["Plan"]) == 0


def _rows_read(node: dict[str, Any]) -> int:
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if "Relation Name" in node else 0
    return int(own) + sum(_rows_read(child) for child in node.get("Plans", []))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_name", "Gus"),
        ("details", {"turn": 99}),
        ("about", "else"),
        ("staff_id", 3),
        ("action", "client.created"),
    ],
)
def test_an_edited_entry_is_detected(practice: Practice, column: str, value: object) -> None:
    third = AuditSeal.objects.get(position=3).entry_id
    with triggers_off():
        AuditEntry.objects.filter(pk=third).update(**{column: value})

    verdict = sealing.verify(practice)

    assert (verdict.first_bad, verdict.is_sound) == (3, False)
    assert verdict.fault == "The entry is not what was sealed."


def test_a_changed_client_is_detected(practice: Practice) -> None:
    second = AuditSeal.objects.get(position=2).entry_id
    with triggers_off():
        AuditEntry.objects.filter(pk=second).update(client=a_client(practice))

    assert sealing.verify(practice).first_bad == 2


def test_a_deleted_entry_is_detected(practice: Practice) -> None:
    second = AuditSeal.objects.get(position=2)
    with triggers_off():
        AuditSeal.objects.filter(pk=second.pk).delete()
        AuditEntry.objects.filter(pk=second.entry_id).delete()

    verdict = sealing.verify(practice)

    assert (verdict.first_bad, verdict.fault) == (2, "The seal or the entry of this position is missing.")


def test_a_deleted_entry_is_detected_after_renumbering(practice: Practice) -> None:
    second = AuditSeal.objects.get(position=2)
    with triggers_off():
        AuditSeal.objects.filter(pk=second.pk).delete()
        AuditEntry.objects.filter(pk=second.entry_id).delete()
        for position in (3, 4):
            AuditSeal.objects.filter(position=position).update(position=position - 1)

    assert sealing.verify(practice).first_bad == 2


def test_missing_last_seals_are_detected(practice: Practice) -> None:
    with triggers_off():
        AuditSeal.objects.filter(position__gt=2).delete()
        AuditEntry.objects.filter(seal=None).delete()

    verdict = sealing.verify(practice)

    assert (verdict.sealed, verdict.cut, verdict.is_sound) == (2, 2, False)


def test_a_truncated_chain_leaves_unsealed_entries(practice: Practice) -> None:
    third = AuditSeal.objects.get(position=3)
    with triggers_off():
        AuditSeal.objects.filter(position__gt=3).delete()
    AuditChainHead.objects.filter(practice=practice).update(position=3, digest=third.digest)

    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        verdict = sealing.verify(practice)

    assert (verdict.unsealed, verdict.is_sound) == (1, False)


def test_a_missing_head_is_detected(practice: Practice) -> None:
    AuditChainHead.objects.filter(practice=practice).delete()

    assert not sealing.verify(practice).is_sound


def test_a_head_with_another_digest_is_detected(practice: Practice) -> None:
    AuditChainHead.objects.filter(practice=practice).update(digest=b"x" * 32)

    assert sealing.verify(practice).first_bad == 4


def test_a_chain_rebuilt_without_the_key_is_detected(practice: Practice) -> None:
    with triggers_off():
        digest = b""
        for seal in AuditSeal.objects.order_by("position").select_related("entry"):
            digest = hashlib.sha256(digest + sealing.canonical(seal.entry)).digest()
            AuditSeal.objects.filter(pk=seal.pk).update(digest=digest)
    AuditChainHead.objects.filter(practice=practice).update(digest=digest)

    assert sealing.verify(practice).first_bad == 1


def test_an_unsealed_entry_is_reported_after_a_minute(practice: Practice) -> None:
    _entries(practice, 1)
    assert sealing.verify(practice) == SOUND

    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
        assert sealing.verify(practice).unsealed == 1


def test_a_practice_without_entries_is_sound(transactional_db: None) -> None:
    assert sealing.verify(a_practice()) == sealing.ChainReport(sealed=0)


def test_old_seals_are_verifiable_after_key_rotation(practice: Practice, settings: Settings) -> None:
    settings.FIELD_KEYS = {"new": b"n" * 32} | settings.FIELD_KEYS
    _entries(practice, 1)
    sealing.seal(practice.pk)

    assert AuditSeal.objects.latest("position").key_id == "new"
    assert sealing.verify(practice) == sealing.ChainReport(sealed=5)


def test_a_missing_key_is_named(practice: Practice, settings: Settings) -> None:
    (lost,) = settings.FIELD_KEYS
    settings.FIELD_KEYS = {"new": b"n" * 32}

    verdict = sealing.verify(practice)

    assert verdict.first_bad == 1
    assert lost in verdict.fault


def test_the_chain_is_read_in_pages(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "PAGE_SIZE", 3)

    assert sealing.verify(practice) == SOUND


def test_the_newest_seal_is_logged(practice: Practice, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "portico.plumbing.audit.sealing"):
        sealing.log_newest()

    (line,) = caplog.records
    newest = AuditSeal.objects.latest("position")
    assert (line.message, line.__dict__["position"]) == ("audit_log.newest_seal", 4)
    assert line.__dict__["digest"] == bytes(newest.digest).hex()


def test_the_canonical_form_is_made_of_the_stored_row(practice: Practice) -> None:
    entry = AuditEntry.objects.earliest("id")

    assert json.loads(sealing.canonical(entry))[-1] == {"turn": 0, "é": "ü"}


@pytest.mark.postgresql
def test_parallel_sealers_seal_each_entry_once(transactional_db: None) -> None:
    practice = a_practice()
    _entries(practice, 50)
    sealed: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        sealed.append(sealing.seal(practice.pk))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sealed) == [0, 0, 0, 50]
    assert sealing.verify(practice) == sealing.ChainReport(sealed=50)
