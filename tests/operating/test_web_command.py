"""`portico web` checks its port and collects static files before it execs the server."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from portico.operating import ports, static_files
from tests.support.ports import free_port

HASHED = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}


class Became(Exception):
    """Raised instead of exec, with the command line."""

    def __init__(self, program: str, command: list[str]) -> None:
        self.program, self.command = program, command


@pytest.fixture
def exec_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(program: str, command: list[str]) -> None:
        raise Became(program, command)

    monkeypatch.setattr(os, "execvp", become)
    monkeypatch.setattr(static_files, "collect_if_stale", lambda: False)


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def became(*options: str) -> list[str]:
    with pytest.raises(Became) as server:
        call_command("web", *options)
    assert server.value.program == sys.executable
    return server.value.command


@pytest.mark.usefixtures("exec_is_recorded")
def test_it_execs_the_server_with_the_options() -> None:
    port = str(free_port())
    command = became("--host", "127.0.0.1", "--port", port, "--workers", "2")
    assert command[:3] == [sys.executable, "-m", "granian"]
    for pair in (("--port", port), ("--workers", "2"), ("--interface", "rsgi"), ("--workers-kill-timeout", "30")):
        place = command.index(pair[0])
        assert command[place + 1] == pair[1]
    assert command[-1] == "portico.wsgi:server"


@pytest.mark.usefixtures("exec_is_recorded")
def test_the_port_defaults_to_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = str(free_port()), str(free_port())
    monkeypatch.setenv("PORT", ours)
    assert ours in became()
    assert other in became("--port", other)


@pytest.mark.usefixtures("exec_is_recorded")
@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "８０", "9" * 5000, "tcp://10.0.0.1:80", " 80"])
def test_an_invalid_port_is_refused(port: str) -> None:
    with pytest.raises(CommandError, match="A port is a number from 1 to 65535"):
        call_command("web", f"--port={port}")


@pytest.mark.usefixtures("exec_is_recorded")
def test_a_taken_port_is_refused_in_one_sentence(listener: int) -> None:
    with pytest.raises(CommandError, match=f"Port {listener} is taken"):
        call_command("web", "--port", str(listener))


@pytest.mark.usefixtures("exec_is_recorded")
def test_a_foreign_host_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_ours(*_: object) -> bool:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(ports, "is_free", not_ours)
    with pytest.raises(CommandError, match=r"Cannot listen on 192\.0\.2\.1, port 8000: Cannot assign"):
        call_command("web", "--host", "192.0.2.1", "--port", "8000")


@pytest.mark.usefixtures("exec_is_recorded")
@pytest.mark.parametrize(
    "host", ["", " ", "a..b", "x" * 64, "nul\0", "*", "[::1", "http://localhost", "fe80::1%nowhere"]
)
def test_an_invalid_host_is_refused_in_one_sentence(host: str) -> None:
    with pytest.raises(CommandError, match=r"--host must be an address .*\.$"):
        call_command("web", f"--host={host}", "--port", str(free_port()))


@pytest.mark.usefixtures("exec_is_recorded")
@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1")]
)
def test_the_server_gets_an_ip_address(host: str, address: str) -> None:
    command = became("--host", host, "--port", str(free_port()))
    assert command[command.index("--host") + 1] == address


def test_a_port_is_free_once_its_listener_is_gone(listener: int) -> None:
    port = free_port()
    assert (ports.is_free("127.0.0.1", listener), ports.is_free("127.0.0.1", port)) == (False, True)
    assert ports.is_free("localhost", port)


def test_static_files_are_collected_when_a_source_is_newer(tmp_path: Path) -> None:
    sources, root = tmp_path / "sources", tmp_path / "made" / "static"
    sources.mkdir()
    (sources / "portico.css").write_text("body { color: teal }\n" * 200)
    with override_settings(STATICFILES_DIRS=[sources], STATIC_ROOT=root, STORAGES=HASHED):
        assert [static_files.collect_if_stale(), static_files.collect_if_stale()] == [True, False]
        (made,) = root.glob("portico.*.css")
        assert (root / f"{made.name}.gz").is_file()
        later = (root / static_files.MANIFEST).stat().st_mtime + 1
        os.utime(sources / "portico.css", (later, later))
        assert static_files.collect_if_stale()
