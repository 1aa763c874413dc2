"""`portico web` checks its port and collects static files before it serves."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from portico.operating import listening_sockets, static_collection, web_server
from tests.support.servers.ports import free_port

HASHED = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}


class Served(Exception):
    """Raised instead of serving, with the address of the listening socket and the number of processes."""

    def __init__(self, address: tuple[str, int], processes: int) -> None:
        self.address, self.processes = address, processes


@pytest.fixture
def serving_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(_application: object, listener: socket.socket, *, processes: int) -> int:
        with listener:
            raise Served(listener.getsockname()[:2], processes)

    monkeypatch.setattr(web_server, "serve", serve)
    monkeypatch.setattr(static_collection, "collect_if_stale", lambda: False)


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def served(*options: str) -> Served:
    with pytest.raises(Served) as server:
        call_command("web", *options)
    return server.value


@pytest.mark.usefixtures("serving_is_recorded")
def test_it_serves_with_the_options() -> None:
    port = free_port()
    server = served("--host", "127.0.0.1", "--port", str(port), "--workers", "2")
    assert (server.address, server.processes) == (("127.0.0.1", port), 2)


@pytest.mark.usefixtures("serving_is_recorded")
def test_the_port_defaults_to_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = free_port(), free_port()
    monkeypatch.setenv("PORT", str(ours))
    assert served().address[1] == ours
    assert served("--port", str(other)).address[1] == other


@pytest.mark.usefixtures("serving_is_recorded")
@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "８０", "9" * 5000, "tcp://10.0.0.1:80", " 80"])
def test_an_invalid_port_is_refused(port: str) -> None:
    with pytest.raises(CommandError, match="A port is a number from 1 to 65535"):
        call_command("web", f"--port={port}")


@pytest.mark.usefixtures("serving_is_recorded")
def test_a_taken_port_is_refused_in_one_sentence(listener: int) -> None:
    with pytest.raises(CommandError, match=f"Port {listener} is in use"):
        call_command("web", "--port", str(listener))


@pytest.mark.usefixtures("serving_is_recorded")
def test_a_foreign_host_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_ours(*_: object) -> socket.socket:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(listening_sockets, "listen", not_ours)
    with pytest.raises(CommandError, match=r"Cannot listen on 192\.0\.2\.1, port 8000: Cannot assign"):
        call_command("web", "--host", "192.0.2.1", "--port", "8000")


@pytest.mark.usefixtures("serving_is_recorded")
@pytest.mark.parametrize(
    "host", ["", " ", "a..b", "x" * 64, "nul\0", "*", "[::1", "http://localhost", "fe80::1%nowhere"]
)
def test_an_invalid_host_is_refused_in_one_sentence(host: str) -> None:
    with pytest.raises(CommandError, match=r"--host must be an address .*\.$"):
        call_command("web", f"--host={host}", "--port", str(free_port()))


@pytest.mark.usefixtures("serving_is_recorded")
@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1")]
)
def test_the_server_listens_on_the_address_of_the_host(host: str, address: str) -> None:
    assert served("--host", host, "--port", str(free_port())).address[0] == address


def test_a_port_is_free_once_its_listener_is_gone(listener: int) -> None:
    port = free_port()
    assert not listening_sockets.is_free("127.0.0.1", listener)
    assert listening_sockets.is_free("127.0.0.1", port)
    assert listening_sockets.is_free("localhost", port)


def test_static_files_are_collected_when_a_source_is_newer(tmp_path: Path) -> None:
    sources, root = tmp_path / "sources", tmp_path / "made" / "static"
    sources.mkdir()
    (sources / "portico.css").write_text("body { color: teal }\n" * 200)
    with override_settings(STATICFILES_DIRS=[sources], STATIC_ROOT=root, STORAGES=HASHED):
        assert [static_collection.collect_if_stale(), static_collection.collect_if_stale()] == [True, False]
        (made,) = root.glob("portico.*.css")
        assert (root / f"{made.name}.gz").is_file()
        later = (root / static_collection.MANIFEST).stat().st_mtime + 1
        os.utime(sources / "portico.css", (later, later))
        assert static_collection.collect_if_stale()
