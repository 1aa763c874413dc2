"""`portico demo` starts all processes, keeps its data, names a taken port, and stops all processes together."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portico import configuration
from portico.operating.demo import demo_command
from tests.environment import TEST_ENVIRONMENT
from tests.support.servers.ports import free_port

# It brings its own database.
pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.sqlite]

ROOT = Path(__file__).resolve().parents[3]


class Demo:
    """A running demo in a folder of its own."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.port = port
        self.output = folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portico", "demo", "--port", str(port), *options],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def printed(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str, *, seconds: float = 60, log: Path | None = None) -> None:
        """Waits until the text is printed, or is in the log."""
        deadline = time.monotonic() + seconds
        while text not in (log.read_text() if log else self.printed()):
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.1)

    def get(self, port: int, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("localhost", port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def port() -> int:
    """Returns the first of four consecutive free ports."""
    while True:
        port = free_port()
        if port < 60_000 and not demo_command.describe_taken_port(port):
            return port


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder, shared by the tests of this module: loading the sample data takes longest."""
    return tmp_path_factory.mktemp("demo")


@contextmanager
def started(folder: Path, port: int, *options: str) -> Iterator[Demo]:
    running = Demo(folder, port, *options)
    try:
        running.wait_for("Press Ctrl-C to stop")
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(30)


@pytest.fixture
def first_start(folder: Path, port: int) -> Iterator[Demo]:
    with started(folder, port, "--reset") as running:
        yield running


def clients_by_state(folder: Path) -> Counter[str]:
    with sqlite3.connect(folder / ".demo" / "portico.sqlite3") as database:
        rows = database.execute("SELECT portal_state, portal_reason, status FROM clients_client").fetchall()
    database.close()
    return Counter("archived" if status == "archived" else reason or state for state, reason, status in rows)


def filled_lists(folder: Path) -> dict[str, int]:
    """Returns the number of rows in lists that only a payment at Stripe or a run of invitations fills."""
    items = "SELECT count(*) FROM access_invitationrunitem i JOIN access_invitationrun r ON i.run_id = r.id"
    ended = "WHERE r.kind = 'invite' AND r.ended_at IS NOT NULL"
    counted = {
        "processing": "SELECT count(*) FROM billing_paymentattempt WHERE state = 'processing'",
        "invited": f"{items} {ended} AND i.state = 'invited'",
        "left out": f"{items} {ended} AND i.state = 'left_out'",
    }
    with sqlite3.connect(folder / ".demo" / "portico.sqlite3") as database:
        numbers = {name: database.execute(statement).fetchone()[0] for name, statement in counted.items()}
    database.close()
    return numbers


def test_it_starts_all_keeps_its_data_and_stops_together(first_start: Demo, folder: Path) -> None:
    port = first_start.port
    for address in (f"http://localhost:{port}/office/", f"http://localhost:{port}/portal/alder-street/"):
        assert address in first_start.printed()
    assert "nomailbox@report.example" in first_start.printed()
    for person in ("naomi@alder.example", "sam@alder.example", "fay@alder.example", "bea@alder.example"):
        assert person in first_start.printed()
    assert not re.search(r"127\.0\.0\.1|0\.0\.0\.0|\[::\]", first_start.printed())
    assert first_start.printed().count("\n") < 30
    assert first_start.get(port, "/portal/alder-street/")[0] == 200
    first_start.wait_for('"path": "/portal/alder-street/"', seconds=20, log=folder / ".demo" / demo_command.LOG)
    sign_in = first_start.get(port, "/office/sign-in/")[1]
    for text in ("Naomi Elm, owner", "seven boats in the harbour", f"http://localhost:{port + 1}/"):
        assert text in sign_in
    assert "Your client portal at Alder Street Therapy" in first_start.get(port + 1, "/")[1]
    assert "4242 4242 4242 4242" in first_start.get(port + 2, "/")[1]
    states = clients_by_state(folder)
    assert states.total() == 43
    assert states["mail_stopped"] == 4
    attention = {"no_address", "no_email_ok", "not_invited", "mail_stopped"}
    assert filled_lists(folder) == {"processing": 1, "invited": 3, "left out": 1}
    assert set(states) == {"no_access", "invited", "signed_in", "archived", *attention}

    # A second demo on the same port fails with one sentence and does not disturb the first.
    second = subprocess.run(
        [sys.executable, "-m", "portico", "demo", "--port", str(port)],
        cwd=folder, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (second.returncode, second.stdout, second.stderr.count("\n")) == (1, "", 1)
    assert f"Port {port} for the web server is in use" in second.stderr
    assert first_start.get(port, "/healthz")[0] == 200

    assert first_start.end() == 0
    assert not demo_command.describe_taken_port(port)

    again = Demo(folder, port)
    try:
        again.wait_for("Press Ctrl-C to stop")
        assert "Creating a sample practice" not in again.printed()
        assert clients_by_state(folder) == states
    finally:
        assert again.end() == 0


def test_a_process_that_ends_stops_the_rest_with_its_reason(folder: Path, port: int) -> None:
    with started(folder, port) as running:
        os.kill(pid_of("worker", running.process.pid), signal.SIGKILL)
        assert running.process.wait(30) == 1
        assert "The worker exited unexpectedly (code -9), so the demo was stopped." in running.printed()
        assert not demo_command.describe_taken_port(port)


def pid_of(part: str, parent: int) -> int:
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            own_parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if own_parent == parent and part.encode() in words:
            return int(place.name)
    raise AssertionError(f"No {part} is running.")


def test_reset_deletes_only_a_folder_made_by_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    theirs = tmp_path / ".demo" / "letter.txt"
    theirs.parent.mkdir()
    theirs.write_text("not ours")
    demo_command._prepare_folder(reset=True)
    assert theirs.exists()
    before = json.loads((tmp_path / ".demo" / "keys.json").read_text())
    (tmp_path / ".demo" / "ready").touch()
    demo_command._prepare_folder(reset=False)
    assert json.loads((tmp_path / ".demo" / "keys.json").read_text()) == before
    demo_command._prepare_folder(reset=True)
    assert json.loads((tmp_path / ".demo" / "keys.json").read_text()) != before


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4])
def test_each_needed_port_is_checked(port: int, offset: int) -> None:
    with socket.create_server(("127.0.0.1", port + offset)):
        assert f"Port {port + offset} for " in demo_command.describe_taken_port(port)
        assert demo_command.describe_taken_port(port).count(".") == 1


def test_an_unwritable_folder_is_reported_in_one_sentence(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_command, "FOLDER", Path("/dev/null/demo"))
    assert demo_command.main(["--port", str(port)]) == 1
    output = capsys.readouterr().err
    assert output.startswith("The demo stores its data in /dev/null/demo, which is not writable: ")
    assert output.count("\n") == 1


@pytest.mark.parametrize("name", [b"a b", b"50% #1?", b"m\xc3\xbcller", b"m\xfcller", b"a;b&c"])
def test_the_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    folder = tmp_path / os.fsdecode(name)
    folder.mkdir()
    keys = {setting: TEST_ENVIRONMENT[setting] for setting in ("SECRET_KEY", "FIELD_KEYS")}
    (folder / demo_command.KEYS).write_text(json.dumps(keys))
    monkeypatch.setattr(demo_command, "FOLDER", folder)
    assert configuration.read(demo_command.process_environment(8000)).database["NAME"] == str(
        folder / "portico.sqlite3"
    )
