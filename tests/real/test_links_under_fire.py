"""Scanners and impatient fingers at two real web servers: a link is looked at for nothing and spent once."""

import http.cookiejar
import threading
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from portico.domain.access.models import PortalSession, SignInLink
from portico.plumbing.models import EmailEvent
from tests import cast
from tests.support.processes import Process, Processes

pytestmark = [pytest.mark.real_processes, pytest.mark.slow]

LOOKS, PRESSES = 10, 20


class Visitor:
    """A browser with cookies of its own, without a screen."""

    def __init__(self, web: Process) -> None:
        self.base = web.url
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def ask(self, path: str, *, method: str = "GET", data: bytes | None = None) -> int:
        request = urllib.request.Request(self.base + path, method=method, data=data)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    def press(self, path: str) -> int:
        # The token of the form stands in its cookie too; Django takes either.
        token = next(cookie.value for cookie in self.cookies if cookie.name.endswith("csrf"))
        return self.ask(path, method="POST", data=f"csrfmiddlewaretoken={token}".encode())


def all_at_once(works: list[Callable[[], object]]) -> None:
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait(30)
        work()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_ten_scanners_at_once_leave_one_event_and_twenty_presses_one_session(processes: Processes) -> None:
    servers = [processes.web(), processes.web()]
    token = cast.token_of(cast.invited(cast.ana(cast.alder())))
    arrival, page = f"/portal/alder-street/link/{token}/", "/portal/alder-street/link/"

    heads = [Visitor(servers[number % 2]) for number in range(LOOKS)]
    all_at_once([lambda each=each: each.ask(arrival, method="HEAD") for each in heads])  # type: ignore[misc]  # bound at once
    assert not EmailEvent.objects.filter(kind="fetched").exists()

    visitors = [Visitor(servers[number % 2]) for number in range(PRESSES)]
    all_at_once([lambda each=each: each.ask(arrival) for each in visitors[:LOOKS]])  # type: ignore[misc]  # as above
    assert EmailEvent.objects.filter(kind="fetched").count() == 1
    assert SignInLink.objects.get().used_at is None
    assert PortalSession.objects.count() == 0

    for each in visitors[LOOKS:]:
        assert each.ask(arrival) == 200
    statuses: list[int] = []
    all_at_once([lambda each=each: statuses.append(each.press(page)) for each in visitors])  # type: ignore[misc]  # as above
    assert PortalSession.objects.count() == 1
    assert sorted(statuses) == [200] + [410] * (PRESSES - 1)
