"""Host names and origins: normalization to the form in which browsers send them."""

import pytest

from portico import hosts
from portico.hosts import MalformedHost

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Portal.Example.COM.", "portal.example.com"),
        ("portal.müller.example", "portal.xn--mller-kva.example"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        ("mu\u0308ller.example", "xn--mller-kva.example"),
        ("::1", "[::1]"),
        ("[2001:DB8::0:1]", "[2001:db8::1]"),
        ("::ffff:127.0.0.1", "[::ffff:7f00:1]"),
        ("10.0.0.1", "10.0.0.1"),
        ("mail_pit", "mail_pit"),
    ],
)
def test_normalization_is_idempotent(written: str, sent: str) -> None:
    assert hosts.normalized(written) == sent
    assert hosts.normalized(sent) == sent


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            ".",
            "..",
            "a..b",
            "-a.example",
            "a-.example",
            "a b",
            "a/b",
            "a%41",
            "*.example",
            "a,b",
            "a:80",
            "[::1",
            "[]",
        ),
        *("127.1", "127.0.0.01", "0x7f000001", "2130706433", "256.0.0.1", "example.123", "fe80::1%eth0"),
        *(
            "straße.example",
            "ｐortal.example",
            "portal。example",
            "xn--",
            "xn--a",
            "a" * 64,
            "a." * 130,
            "\udcff.example",
        ),
    ],
)
def test_ambiguous_hosts_are_refused(written: str) -> None:
    with pytest.raises(MalformedHost):
        hosts.normalized(written)


@pytest.mark.parametrize("host", ["localhost", "demo.localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_loopback_names_are_recognised(host: str) -> None:
    assert hosts.is_loopback(host)


@pytest.mark.parametrize("host", ["", None, "10.0.0.1", "localhost.example", "notlocalhost", "[fd00::1]", "0.0.0.0"])
def test_other_hosts_are_not_loopback(host: str | None) -> None:
    assert not hosts.is_loopback(host)
