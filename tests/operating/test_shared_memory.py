"""Several web processes share the memory of what their parent has loaded."""

import re
import subprocess
import sys
import urllib.request

import pytest

from tests.support.servers.ports import free_port

pytestmark = [pytest.mark.sqlite, pytest.mark.real_processes]

# Each request has its process collect garbage, and is answered with what Linux says about that process.
SERVER = """
import gc, pathlib, sys
import portico.wsgi
from portico.operating import listening_sockets, web_server

def application(environ, start_response):
    gc.collect()
    start_response("200 OK", [])
    return [pathlib.Path("/proc/self/smaps_rollup").read_bytes()]

web_server.serve(application, listening_sockets.listen("127.0.0.1", int(sys.argv[1])), processes=2)
"""


def test_processes_share_memory_after_a_collection() -> None:
    port = free_port()
    command = (sys.executable, "-W", "ignore", "-c", SERVER, str(port))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            next(line for line in server.stdout if "web.started" in line)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                kibibytes = dict(re.findall(r"^(\w+): +(\d+) kB", answer.read().decode(), re.MULTILINE))
        finally:
            server.terminate()
    assert int(kibibytes["Private_Dirty"]) < int(kibibytes["Rss"]) / 4
