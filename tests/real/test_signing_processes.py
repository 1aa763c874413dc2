"""Signing at real web servers: concurrent presses sign once, and a killed server leaves nothing half done."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException

import pytest
from django.db import connections

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest, ResponseDraft, Submission
from portico.domain.documents.submissions import verification
from tests import cast, shared_documents
from tests.support.at_once import at_once
from tests.support.at_random import kills
from tests.support.processes.commands import Process, Processes
from tests.support.processes.signing_tabs import SIGNATURE, tabs_of
from tests.support.processes.visitor import Answer, Visitor

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.both_databases]

DOCUMENTS = "/portal/alder-street/documents/"
# Presses in all: 100, or 2,500 with --whole.
ROUNDS, ROUNDS_OF_A_WHOLE_RUN = 2, 50
SIDE_BY_SIDE = 3
KILLS = 6


def shared_consent(person: Client) -> DocumentRequest:
    access = PortalAccess.objects.get(own_client=person)
    return shared_documents.shared(access, shared_documents.consent(person.practice))[0]


def test_fifty_presses_at_once_sign_once(processes: Processes, pytestconfig: pytest.Config) -> None:
    ana = cast.ana(cast.alder())
    tabs = tabs_of(ana, [processes.web().url, processes.web().url])
    rounds = ROUNDS_OF_A_WHOLE_RUN if pytestconfig.getoption("whole") else ROUNDS
    for number in range(1, rounds + 1):
        request = shared_consent(ana)
        pressed = at_once(*[partial(tab.post, f"{DOCUMENTS}{request.ref}/", SIGNATURE) for tab in tabs])
        assert {each.status if isinstance(each, Answer) else each for each in pressed} == {302}
        assert Submission.objects.count() == number
    assert list(verification.problems()) == []


@dataclass
class Writer:
    """A client who saves a form again and again. `acknowledged` is the last text that the server said it saved."""

    visitor: Visitor
    request: DocumentRequest
    number: int = 0
    turn: int = 0
    acknowledged: str = ""

    def save(self, text: str) -> None:
        self.turn += 1
        fields = {"q1": text, "q3": "0", "opened": f"{self.number}.writer.{self.turn}", "place": "q1"}
        answer = self.visitor.post(f"{DOCUMENTS}{self.request.ref}/pages/1/", fields)
        assert answer.status == 302, answer
        self.acknowledged = text

    def submit(self) -> None:
        draft = ResponseDraft.objects.filter(request=self.request).first()
        if draft is not None:
            fields = {"number": str(draft.number), "page_language": "en"}
            self.visitor.post(f"{DOCUMENTS}{self.request.ref}/review/", fields)

    def save_and_submit(self, text: str) -> None:
        """Goes on until the server is killed."""
        try:
            self.save(text)
            self.submit()
        except (OSError, HTTPException):
            # The connection broke: the client does not know what was stored.
            pass
        finally:
            connections.close_all()


def test_killed_servers_lose_and_halve_nothing(processes: Processes, pytestconfig: pytest.Config) -> None:
    practice = cast.alder()
    people = [cast.client(practice, f"Ana{n}", address=f"ana{n}@mail.example") for n in range(SIDE_BY_SIDE)]
    visitors = [Visitor("") for _ in people]
    rounds = max(kills(pytestconfig, usual=KILLS, whole=99) // SIDE_BY_SIDE, 1)
    for turn in range(rounds):
        version = shared_documents.form(practice)
        servers = [processes.web() for _ in people]
        writers = []
        for visitor, server, person in zip(visitors, servers, people, strict=True):
            visitor.base = server.url
            if turn == 0:
                visitor.sign_in(person)
            (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=person), version)
            visitor.get(DOCUMENTS)
            writers.append(Writer(visitor, request))
        kill_while_they_write(servers, writers, turn)
        assert list(verification.problems()) == []
        for writer in writers:
            assert writer.acknowledged in stored_text(writer.request)


def kill_while_they_write(servers: list[Process], writers: list[Writer], turn: int) -> None:
    """Every client saves and submits without waiting for the others; the servers die meanwhile."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as hands:
        written = [hands.submit(each.save_and_submit, f"Text {turn}") for each in writers]
        time.sleep(random.uniform(0, 0.4))  # Random, but no secret.
        for server in servers:
            server.kill()
        for each in written:
            each.result()


def stored_text(request: DocumentRequest) -> str:
    """Returns the answers of the draft, or of the submission that took its place."""
    drafts = ResponseDraft.objects.filter(request=request).values_list("answers", flat=True)
    submitted = Submission.objects.filter(request=request).values_list("answers", flat=True)
    found = [*drafts, *submitted]
    assert len(found) <= 1
    return str(found)
