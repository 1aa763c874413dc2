"""Libraries that few requests need are not loaded at start."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.sqlite

# Together they take as long to load as everything else, and half as much memory.
LATE = {"PIL", "fido2", "qrcode", "requests", "stripe", "typst"}
START = """
import sys
import portico.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
print(*sys.modules)
"""


@pytest.mark.real_processes
def test_a_web_process_starts_without_rarely_used_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "allauth" in loaded
    assert loaded & LATE == set()
