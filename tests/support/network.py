"""Keeps tests from reaching other machines."""

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

# With a test key in the environment, the contract tests run against Stripe itself.
ALLOWED_HOSTS = {"api.stripe.com"} if os.environ.get("STRIPE_TEST_KEY") else set()


class NetworkIsOff(RuntimeError):
    """A test tried to leave the machine."""


@pytest.fixture(autouse=True, scope="session")
def network_is_off() -> Iterator[None]:
    """Lets connections to loopback pass and raises NetworkIsOff for any other."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    allowed: set[str] = set()

    def connect_nearby(own: socket.socket, address: Any) -> None:  # Any: a path or a tuple, by family.
        if own.family != socket.AF_UNIX and address[0] not in allowed:
            _refuse_unless_nearby(address[0])
        connect(own, address)

    def look_up_nearby(host: Any, *rest: Any, **options: Any) -> Any:  # Any: passed on as it came.
        if host in ALLOWED_HOSTS:
            found = look_up(host, *rest, **options)
            allowed.update(str(each[4][0]) for each in found)
            return found
        _refuse_unless_nearby(host)
        return look_up(host, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_nearby)
        patch.setattr(socket, "getaddrinfo", look_up_nearby)
        yield


def _refuse_unless_nearby(host: Any) -> None:  # Any: what callers of the socket module give.
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"} or name.endswith(".localhost"):
        return
    try:
        nearby = ip_address(name).is_loopback or ip_address(name).is_unspecified
    except ValueError:
        nearby = False
    if not nearby:
        raise NetworkIsOff(f"A test tried to reach {name!r}.")
