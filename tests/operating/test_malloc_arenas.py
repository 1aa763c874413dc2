"""The threads of a process allocate from one arena."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.sqlite

# glibc's malloc_info writes a `heap` for each arena. All threads are alive at the same time.
COUNT = """
import ctypes, threading
library, barrier = ctypes.CDLL(None), threading.Barrier(8)

def allocate():
    bytearray(100_000)
    barrier.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


def arenas_of(code: str) -> int:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.count("<heap nr=")


def test_threads_allocate_from_one_arena() -> None:
    assert arenas_of(COUNT) > 1
    assert arenas_of(f"from portico.operating import malloc_arenas; malloc_arenas.share_one()\n{COUNT}") == 1
