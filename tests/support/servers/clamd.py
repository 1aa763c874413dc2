"""clamd itself on loopback, with one signature, that of the EICAR test file: none is fetched from the internet."""

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from portico.gateways import clamd
from portico.gateways.clamd import ScannerAway
from sandbox.clamd.server import EICAR
from scripts.system_packages import CLAMD
from tests.support.servers.ports import free_port

VIRUS = "Portico.Eicar.UNOFFICIAL"
SETTINGS = """\
Foreground yes
LogFile {folder}/clamd.log
PidFile {folder}/clamd.pid
DatabaseDirectory {folder}/signatures
TCPSocket {port}
TCPAddr 127.0.0.1
LocalSocket {folder}/clamd.ctl
StreamMaxLength 25M
"""


@dataclass(frozen=True)
class RunningClamd:
    url: str
    socket_url: str


@pytest.fixture
def running_clamd(tmp_path: Path) -> Iterator[RunningClamd]:
    assert Path(CLAMD).exists(), "clamd is missing. Please run: make packages"
    port = free_port()
    (tmp_path / "signatures").mkdir()
    signature = f"Portico.Eicar:0:*:{EICAR.hex()}\n"
    (tmp_path / "signatures" / "eicar.ndb").write_text(signature)
    settings = tmp_path / "clamd.conf"
    settings.write_text(SETTINGS.format(folder=tmp_path, port=port))
    process = subprocess.Popen(
        [CLAMD, "--config-file", str(settings)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_it_answers(f"tcp://127.0.0.1:{port}", process, tmp_path / "clamd.log")
        yield RunningClamd(f"tcp://127.0.0.1:{port}", f"unix://{tmp_path}/clamd.ctl")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            clamd.parse(url).scan([b"text"])
        except ScannerAway:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"clamd did not start: {log.read_text('utf-8', 'replace') if log.exists() else 'no log'}")
