"""A run of invitations with real workers: killed ones lose and repeat nothing, and sign-in mail is not delayed."""

from datetime import timedelta

import pytest

from portico.domain.access.models import Invitation, InvitationRunItem, ItemState, RunKind
from portico.domain.access.onboarding import bulk_selection, invitation_runs
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.clients.client_list import ClientQuery
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.processes.commands import Processes
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.both_databases]

CLIENTS, PER_SECOND, WORKERS = 40, 10, 2
SECOND = timedelta(seconds=1)


def start(practice: Practice) -> None:
    selection = Selection(RunKind.INVITE, listed=ClientQuery())
    shown = bulk_selection.preview(practice, selection).digest
    invitation_runs.start(
        practice, selection, shown=shown, form_key=tokens.new_token(), requested_by=cast.fay(practice)
    )


def test_killed_workers_invite_each_client_once_at_the_rate(processes: Processes, smtp: SmtpServer) -> None:
    practice = cast.alder()
    for number in range(CLIENTS):
        cast.client(practice, f"Person {number}", address=f"person{number}@mail.example")
    started = [processes.worker(EMAIL_URL=smtp.url, EMAIL_PER_SECOND=str(PER_SECOND)) for _ in range(WORKERS)]
    for worker in started:
        worker.wait_for_line("worker.started")
    start(practice)
    started[0].wait_for(lambda: Invitation.objects.count() >= CLIENTS // 4)
    for worker in started:
        worker.kill()
    assert Invitation.objects.count() < CLIENTS
    # As after a minute: the mails that they had claimed.
    OutgoingEmail.objects.waiting().update(lease_until=None)
    successor = processes.worker(EMAIL_URL=smtp.url, EMAIL_PER_SECOND=str(PER_SECOND))
    successor.wait_for(lambda: not InvitationRunItem.objects.exclude(state=ItemState.INVITED).exists())
    assert Invitation.objects.values("client").distinct().count() == Invitation.objects.count() == CLIENTS
    successor.wait_for(lambda: not OutgoingEmail.objects.waiting().exists())
    times = [email.handed_over_at for email in OutgoingEmail.objects.all() if email.handed_over_at]
    for begins in times:
        # The answer of the mail server may take its time: each worker waits for one.
        assert sum(begins <= at < begins + SECOND for at in times) <= PER_SECOND + WORKERS


def test_sign_in_mail_is_not_delayed_by_a_run(processes: Processes, smtp: SmtpServer) -> None:
    practice = cast.alder()
    cast.with_access(cast.ana(practice))
    for number in range(CLIENTS):
        cast.client(practice, f"Person {number}", address=f"person{number}@mail.example")
    worker = processes.worker(EMAIL_URL=smtp.url, EMAIL_PER_SECOND="4")
    worker.wait_for_line("worker.started")
    start(practice)
    worker.wait_for(Invitation.objects.exists)
    cast.asked(practice, "ana@mail.example")
    worker.wait_for(lambda: any("code" in mail.text() for mail in smtp.mails if mail.recipient == "ana@mail.example"))
    # In the order of asking it would be the last: the invitations take ten seconds.
    assert len(smtp.mails) < CLIENTS
