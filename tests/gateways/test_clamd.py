"""Files are scanned by clamd over its own protocol; what it does wrong is an error in words."""

import socket
import threading
from pathlib import Path

import pytest

from portico.gateways.clamd import Clamd, ContentRefused, ScannerAway, parse
from sandbox.clamd import server
from sandbox.clamd.server import EICAR, VIRUS_NAME, Script
from tests.support.servers.ports import free_port

# Independent of the database.
pytestmark = pytest.mark.sqlite


def test_clean_content_passes_in_any_number_of_parts() -> None:
    with server.running() as clamd:
        assert parse(clamd.url).scan([b"x" * 300_000] * 5) == ""
        assert parse(clamd.url).scan([]) == ""
        assert clamd.script.sizes == [1_500_000, 0]


def test_the_eicar_file_is_found_across_two_parts() -> None:
    with server.running() as clamd:
        assert parse(clamd.url).scan([EICAR[:20], EICAR[20:]]) == VIRUS_NAME


def test_content_above_its_limit_is_refused_in_words() -> None:
    with server.running(Script(max_bytes=100_000)) as clamd, pytest.raises(ContentRefused, match="size limit"):
        parse(clamd.url).scan([b"x" * 300_000] * 20)


@pytest.mark.parametrize("reply", [b"", b"stream: Can't allocate memory ERROR\0", b"\xff\xfe\0", b"x" * 10_000])
def test_nonsense_is_an_error_and_never_clean(reply: bytes) -> None:
    with server.running(Script(reply=reply)) as clamd, pytest.raises(ScannerAway, match="clamd"):
        parse(clamd.url).scan([b"text"])


def test_a_scanner_that_is_away_is_an_error(tmp_path: Path) -> None:
    for clamd in (Clamd("127.0.0.1", free_port()), Clamd(path=str(tmp_path / "none.ctl"))):
        with pytest.raises(ScannerAway, match="cannot be reached"):
            clamd.scan([b"text"])


def test_a_silent_scanner_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portico.gateways.clamd.SCAN_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ScannerAway, match="timed out"):
        Clamd("127.0.0.1", silent.getsockname()[1]).scan([b"text"])


def test_a_unix_socket_is_asked_as_well(tmp_path: Path) -> None:
    path = str(tmp_path / "clamd.ctl")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def answer() -> None:
            connection, _address = listener.accept()
            with connection:
                received = b""
                while not received.endswith(b"\0\0\0\0"):
                    received += connection.recv(1000)
                connection.sendall(b"stream: OK\0")

        thread = threading.Thread(target=answer)
        thread.start()
        assert parse(f"unix://{path}").scan([b"text"]) == ""
        thread.join()


@pytest.mark.parametrize(
    ("url", "clamd"),
    [
        ("tcp://127.0.0.1", Clamd("127.0.0.1", 3310)),
        ("tcp://[::1]:3311", Clamd("::1", 3311)),
        ("tcp://ClamAV.internal.:3310/", Clamd("clamav.internal", 3310)),
        ("unix:///run/clamav/clamd.ctl", Clamd(path="/run/clamav/clamd.ctl")),
    ],
)
def test_addresses_are_parsed(url: str, clamd: Clamd) -> None:
    assert parse(url) == clamd


@pytest.mark.parametrize(
    "url",
    [
        *("", "clamav", "tcp://", "tcp://host:0", "tcp://host:x", "tcp://u:p@host", "tcp://host/path", "tcp://a b"),
        *("unix://", "unix:///", "unix://host/path", "http://host"),
    ],
)
def test_other_addresses_are_refused_in_words(url: str) -> None:
    with pytest.raises(ValueError, match="must look like tcp://"):
        parse(url)
