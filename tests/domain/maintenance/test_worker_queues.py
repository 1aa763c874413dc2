"""The worker's two lanes: sign-in mail beside everything else."""

import time

import pytest
from django.test import override_settings

from portico.domain.maintenance.models import ScheduledTask
from portico.domain.maintenance.worker_queues import again_while, paced, spaced, worker_queues
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, AuditSeal
from portico.plumbing.queue.worker_loop import WorkerQueue
from tests import cast
from tests.support.smtp import SmtpServer


def lane(name: str) -> WorkerQueue:
    (found,) = [each for each in worker_queues() if each.name == name]
    return found


def work(lane: WorkerQueue) -> bool:
    """One round, all of it."""
    return True in [job() for job in lane.jobs]


def test_asks_and_sign_in_mail_have_a_lane_with_nothing_else_in_it() -> None:
    assert [(each.name, len(each.jobs)) for each in worker_queues()] == [("entrance", 3), ("rest", 7)]


def test_the_rest_hands_over_seals_and_does_chores(practice: Practice, smtp: SmtpServer) -> None:
    cast.invited(cast.ana(practice))
    with override_settings(EMAIL_URL=smtp.url):
        rest = lane("rest")
        assert work(rest)
    assert len(smtp.mails) == 1
    assert AuditSeal.objects.count() == AuditEntry.objects.count()
    assert ScheduledTask.objects.exclude(done_at=None).exists()


def test_without_work_a_lane_says_so(practice: Practice) -> None:
    rest = lane("rest")
    while work(rest):
        pass
    assert not work(rest)
    assert not work(lane("entrance"))


@pytest.mark.real_time
def test_a_paced_job_is_done_again_at_once_after_work_and_else_after_its_time() -> None:
    answers = [True, False, True]
    done: list[bool] = []

    def job() -> bool:
        done.append(answers[len(done)])
        return done[-1]

    in_time = paced(job, seconds=0.1)
    assert [in_time(), in_time(), in_time(), in_time()] == [True, False, False, False]
    assert len(done) == 2
    time.sleep(0.11)
    assert in_time()


@pytest.mark.real_time
def test_a_spaced_job_lets_work_gather_also_after_work() -> None:
    done: list[int] = []

    def job() -> bool:
        done.append(len(done))
        return True

    by_itself = spaced(job, seconds=0.1)
    assert [by_itself(), by_itself(), by_itself()] == [True, False, False]
    assert len(done) == 1
    time.sleep(0.11)
    assert by_itself()


def test_a_job_is_begun_again_while_it_has_work() -> None:
    answers = [True, True, False, False]
    assert again_while(lambda: answers.pop(0), seconds=60)()
    assert answers == [False]
    assert not again_while(lambda: answers.pop(0), seconds=60)()


def test_a_job_with_much_work_gives_way_when_its_time_is_over() -> None:
    answers = [True, True]
    assert again_while(lambda: answers.pop(0), seconds=0)()
    assert answers == [True]
