"""Concurrent scanners and sign-ins at two real web servers: viewing a link changes nothing, and it is spent once."""

from functools import partial

import pytest

from portico.domain.access.models import PortalSession, SignInLink
from portico.plumbing.models import EmailEvent
from tests import cast
from tests.support.at_once import at_once
from tests.support.processes.commands import Processes
from tests.support.processes.visitor import Answer, Visitor

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.both_databases]

LOOKS, PRESSES = 10, 20


def test_concurrent_scanners_and_sign_ins_count_once(processes: Processes) -> None:
    servers = [processes.web(), processes.web()]
    token = cast.token_of(cast.invited(cast.ana(cast.alder())))
    arrival, page = f"/portal/alder-street/link/{token}/", "/portal/alder-street/link/"

    heads = [Visitor(servers[number % 2].url) for number in range(LOOKS)]
    at_once(*[partial(each.get, arrival, method="HEAD") for each in heads])
    assert not EmailEvent.objects.filter(kind="fetched").exists()

    visitors = [Visitor(servers[number % 2].url) for number in range(PRESSES)]
    at_once(*[partial(each.get, arrival) for each in visitors[:LOOKS]])
    assert EmailEvent.objects.filter(kind="fetched").count() == 1
    assert SignInLink.objects.get().used_at is None
    assert PortalSession.objects.count() == 0

    for each in visitors[LOOKS:]:
        assert each.get(arrival).status == 200
    pressed = at_once(*[partial(each.post, page, follow=True) for each in visitors])
    assert PortalSession.objects.count() == 1
    assert sorted(each.status for each in pressed if isinstance(each, Answer)) == [200] + [410] * (PRESSES - 1)
