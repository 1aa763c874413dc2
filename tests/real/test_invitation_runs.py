"""A run of invitations with real workers: killed ones lose and repeat nothing, and sign-in mail is not delayed."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest

from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import Invitation, InvitationRunItem, ItemState, RunKind
from portico.domain.access.onboarding import bulk_client_creation, bulk_selection, invitation_runs
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.client_list import ClientQuery
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.database import databases
from tests.support.processes.commands import Process, Processes
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.both_databases]

WORKERS = 2
# In `make thorough`, at the rate of a large practice and with as many kills as there are quarters to begin.
CLIENTS, PER_SECOND, KILLS = (5_000, 25, 3) if databases.is_whole() else (40, 10, 1)
SECOND = timedelta(seconds=1)
SECONDS = 60 + 2 * CLIENTS / PER_SECOND
ACCESS = AccessInput(enabled=True, address=None, access_billing_documents=True, pay_by_card=False)


def start(practice: Practice) -> None:
    selection = Selection(RunKind.INVITE, listed=ClientQuery())
    shown = bulk_selection.preview(practice, selection).digest
    invitation_runs.start(
        practice, selection, shown=shown, form_key=tokens.new_token(), requested_by=cast.fay(practice)
    )


def workers_of(processes: Processes, smtp: SmtpServer) -> list[Process]:
    started = [processes.worker(EMAIL_URL=smtp.url, EMAIL_PER_SECOND=str(PER_SECOND)) for _ in range(WORKERS)]
    for worker in started:
        worker.wait_for_line("worker.started")
    return started


def are_invited(number: int) -> bool:
    return Invitation.objects.count() >= number


def test_killed_workers_invite_each_client_once_at_the_rate(processes: Processes, smtp: SmtpServer) -> None:
    practice = cast.alder()
    addresses = [AddressInput(f"person{number}@mail.example", "home", email_ok=True) for number in range(CLIENTS)]
    new = [NewClient(ClientInput(ClientDetails("Person"), (each,)), ACCESS, each) for each in addresses]
    bulk_client_creation.create_all(practice, new, by=cast.DESK)
    running = workers_of(processes, smtp)
    start(practice)
    for kill in range(1, KILLS + 1):
        running[0].wait_for(partial(are_invited, CLIENTS * kill // 4), seconds=SECONDS)
        for worker in running:
            worker.kill()
        assert Invitation.objects.count() < CLIENTS
        # As after a minute: the mails that they had claimed.
        OutgoingEmail.objects.waiting().update(lease_until=None)
        running = workers_of(processes, smtp)
    running[0].wait_for(
        lambda: not InvitationRunItem.objects.exclude(state=ItemState.INVITED).exists(), seconds=SECONDS
    )
    assert Invitation.objects.values("client").distinct().count() == Invitation.objects.count() == CLIENTS
    running[0].wait_for(lambda: not OutgoingEmail.objects.waiting().exists(), seconds=SECONDS)
    times = sorted(email.handed_over_at for email in OutgoingEmail.objects.all() if email.handed_over_at)
    assert len(times) == CLIENTS
    # The answer of the mail server may take its time: each worker waits for one.
    assert most_in_a_second(times) <= PER_SECOND * 1.05 + WORKERS


def most_in_a_second(times: Sequence[datetime]) -> int:
    return max(bisect_left(times, begins + SECOND) - place for place, begins in enumerate(times))


def test_sign_in_mail_is_not_delayed_by_a_run(processes: Processes, smtp: SmtpServer) -> None:
    practice = cast.alder()
    cast.with_access(cast.ana(practice))
    for number in range(40):
        cast.client(practice, f"Person {number}", address=f"person{number}@mail.example")
    worker = processes.worker(EMAIL_URL=smtp.url, EMAIL_PER_SECOND="4")
    worker.wait_for_line("worker.started")
    start(practice)
    worker.wait_for(Invitation.objects.exists)
    cast.asked(practice, "ana@mail.example")
    worker.wait_for(lambda: any("code" in mail.text() for mail in smtp.mails if mail.recipient == "ana@mail.example"))
    # In the order of asking it would be the last: the invitations take ten seconds.
    assert len(smtp.mails) < 40
