"""Health and readiness probes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Browser
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail, ReportMailbox, StoredFile
from portico.web.hooks import health
from tests import cast
from tests.support import files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    health.CheckedOnce.migrations_applied = False
    yield
    health.CheckedOnce.migrations_applied = False


def test_healthz_makes_no_query(client: Browser, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_reports_its_checks(client: Browser) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "database": "ok",
        "migrations": "applied",
        "queue_lag_seconds": 0.0,
        "standby": "none",
        "clock_ahead_seconds": 0,
    }


@override_settings(REPORT_MAILBOX_URL="imaps://u:p@mail.example")
def test_an_unreadable_report_mailbox_is_reported(client: Browser) -> None:
    assert client.get("/readyz").json()["report_mailbox"] == "ok"
    ReportMailbox.objects.create(pk=1, problem="Not now", problem_since=clock.now() - timedelta(hours=1))
    response = client.get("/readyz")
    assert (response.status_code, response.json()["report_mailbox"]) == (200, "unreadable")


@override_settings(CLAMD_URL="tcp://127.0.0.1:9")
def test_a_virus_scanner_that_is_away_for_an_hour_is_reported(client: Browser, practice: Practice) -> None:
    file = files.stored(practice, needs_virus_check=True)
    assert client.get("/readyz").json()["virus_scanner"] == "ok"
    StoredFile.objects.filter(pk=file.pk).update(completed_at=clock.now() - timedelta(hours=1))
    response = client.get("/readyz")
    assert (response.status_code, response.json()["virus_scanner"]) == (200, "away")


def test_unapplied_migration_is_503(client: Browser) -> None:
    MigrationRecorder(connection).migration_qs.filter(app="access").delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["migrations"]) == (503, "unapplied")


def test_migrations_are_checked_once(client: Browser, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    client.get("/readyz")
    with django_assert_max_num_queries(3):
        client.get("/readyz")


def test_queue_lag_is_reported_with_200(client: Browser, practice: Practice) -> None:
    cast.invited(cast.ana(practice))
    OutgoingEmail.objects.update(written_at=clock.now() - timedelta(seconds=90))
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["queue_lag_seconds"] == 90.0


@pytest.mark.postgresql
def test_missing_standby_is_reported(client: Browser) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_standby_names")
        assert cursor.fetchone() == ("",)
    assert client.get("/readyz").json()["standby"] == "none"
