"""Scheduled tasks: expired rows are deleted, others are kept."""

import logging
from datetime import timedelta

import pytest
from django.test import Client as Browser
from time_machine import Traveller

from portico.domain.access.models import PortalSavedForm, PortalSession, SignInMethod
from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in import saved_forms as portal_saved_forms
from portico.domain.maintenance import schedule
from portico.domain.maintenance.models import ScheduledTask
from portico.domain.maintenance.tasks import TASKS
from portico.domain.practices.models import Practice, StaffSavedForm, StaffSession
from portico.domain.practices.staff import saved_forms
from portico.plumbing import clock
from portico.plumbing.audit import sealing
from portico.plumbing.form_recovery import PostedField
from portico.plumbing.models import RateLimitCount
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit
from tests import cast


def run_task(name: str) -> None:
    (task,) = [task for task in TASKS if task.name == name]
    task.work()


def test_every_task_runs_without_data(practice: Practice) -> None:
    schedule.create_missing(TASKS)
    while schedule.run_next(TASKS):
        pass
    assert ScheduledTask.objects.exclude(done_at=None).count() == len(TASKS)


def test_a_portal_session_is_deleted_after_two_days(practice: Practice, stopped_clock: Traveller) -> None:
    account = cast.with_access(cast.ana(practice)).account
    assert account is not None
    old = portal_sessions.start(account, method=SignInMethod.LINK, proof_epoch=1, browser="").session
    stopped_clock.shift(timedelta(hours=47))
    portal_sessions.start(account, method=SignInMethod.LINK, proof_epoch=1, browser="")
    run_task("forget portal sessions")
    assert PortalSession.objects.count() == 2
    stopped_clock.shift(timedelta(hours=2))
    run_task("forget portal sessions")
    assert list(PortalSession.objects.filter(pk=old.pk)) == []
    assert PortalSession.objects.count() == 1


def test_expired_staff_sessions_are_deleted(practice: Practice, stopped_clock: Traveller) -> None:
    now = clock.now()
    # 15 minutes until the idle limit, and an hour for which the expired session is kept.
    for number, seen_at in enumerate((now, now - timedelta(minutes=76))):
        StaffSession.objects.create(key_hash=f"{number}", contents=b"", created_at=seen_at, seen_at=seen_at)
    run_task("forget staff sessions")
    assert StaffSession.objects.get().key_hash == "0"


def test_saved_forms_are_deleted_after_an_hour(practice: Practice, stopped_clock: Traveller) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    saved_forms.save(cast.fay(practice), path="/office/", fields=[PostedField("name", "Ana")])
    session, chosen = PortalSession.objects.get(), [PostedField("with", "new")]
    portal_saved_forms.save(session, client_ref=ana.ref, path="/portal/", fields=chosen)
    stopped_clock.shift(timedelta(minutes=59, seconds=59))
    run_task("forget kept forms")
    assert (StaffSavedForm.objects.count(), PortalSavedForm.objects.count()) == (1, 1)
    stopped_clock.shift(timedelta(seconds=1))
    run_task("forget kept forms")
    assert (StaffSavedForm.objects.count(), PortalSavedForm.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_idle_rate_limits_are_deleted(stopped_clock: Traveller) -> None:
    rate_limits.spend(Limit.on("tries", "ana", max_attempts=5, window=timedelta(minutes=5)))
    run_task("forget idle limits")
    assert RateLimitCount.objects.count() == 1
    stopped_clock.shift(timedelta(days=3))
    run_task("forget idle limits")
    assert RateLimitCount.objects.count() == 0


def test_the_newest_seal_is_logged(practice: Practice, caplog: pytest.LogCaptureFixture) -> None:
    cast.ana(practice)
    sealing.seal_all()
    with caplog.at_level(logging.INFO):
        run_task("log newest seals")
    assert "audit_log.newest_seal" in [record.message for record in caplog.records]
