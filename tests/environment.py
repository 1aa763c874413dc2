"""The environment of tests, checks and type checking; the caller may set DATABASE_URL."""

import os
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build"
TEST_ENVIRONMENT = {
    "PUBLIC_BASE_URL": "http://localhost:8000",
    "ALLOWED_HOSTS": "localhost,testserver,127.0.0.1",
    "SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
    "FIELD_KEYS": "t1:" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "DATABASE_URL": f"sqlite:///{BUILD}/tests.sqlite3",
    "EMAIL_URL": "smtp://localhost:2525",
    "EMAIL_FROM": "portal@portico.example",
    # Nothing answers there: the processes of a test leave this machine’s name server alone.
    "DNS_SERVER": "127.0.0.1:9",
    # No second factor is required, except in the tests that are about it.
    "PORTICO_DEMO": "1",
}


def set_up() -> None:
    """Sets the variables that are not set, and creates the build folder."""
    BUILD.mkdir(exist_ok=True)
    for name, value in TEST_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
