"""Rarely used libraries are not loaded at start."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.sqlite

# Together they take as long to load as everything else, and half as much memory.
LATE = {
    *("PIL", "anymail", "boto3", "botocore", "css_inline", "dns", "fido2", "qrcode", "rapidfuzz", "requests"),
    *("stripe", "typst", "cryptography.hazmat.primitives.serialization"),
}


def loaded_by(code: str) -> set[str]:
    """Returns the names of the modules that a new process has loaded after running the code."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.real_processes
def test_a_web_process_starts_without_rarely_used_libraries() -> None:
    loaded = loaded_by("import portico.wsgi; from django.urls import get_resolver; get_resolver().url_patterns")
    assert "allauth" in loaded
    assert loaded & LATE == set()


@pytest.mark.real_processes
def test_the_demo_starts_its_processes_without_django() -> None:
    assert "django" not in loaded_by("from portico.cli import main; from portico.operating.demo import demo_command")
