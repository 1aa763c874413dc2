"""A wrong environment is refused at start: one sentence for each setting, all of them at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from portico import configuration
from portico.configuration import Configuration, ConfigurationRefused
from tests.environment import TEST_ENVIRONMENT

# Whatever the database.
pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parent.parent
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OLDER, OLDEST = "r" * 50, "st" * 30
GOOD = TEST_ENVIRONMENT | {"PUBLIC_BASE_URL": "https://portal.example.com", "ALLOWED_HOSTS": "", "PORTICO_DEMO": ""}


def read(**changes: str) -> Configuration:
    return configuration.read(GOOD | changes)


def problems(**changes: str) -> list[str]:
    with pytest.raises(ConfigurationRefused) as refused:
        read(**changes)
    return refused.value.problems


def test_a_good_environment_is_taken() -> None:
    settings = read(EMAIL_URL="smtps://portico:secret@mail.example.com", SECRET_KEY_FALLBACKS=f"{OLDER}, {OLDEST}")
    assert settings.is_https
    assert settings.allowed_hosts == ["portal.example.com"]
    assert settings.secret_key_fallbacks == [OLDER, OLDEST]
    assert settings.seconds["SIGNIN_LINK_TTL"] == 86_400
    assert settings.demo is False
    assert settings.stripe_api_base == ""


@pytest.mark.parametrize(
    "name", ["PUBLIC_BASE_URL", "SECRET_KEY", "FIELD_KEYS", "DATABASE_URL", "EMAIL_URL", "EMAIL_FROM"]
)
def test_what_is_missing_is_named(name: str) -> None:
    (problem,) = problems(**{name: ""})
    assert problem.startswith(f"{name} is missing: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_BASE_URL", "portal.example.com"),
        ("PUBLIC_BASE_URL", "http://portal.example.com"),
        ("PUBLIC_BASE_URL", "https://portal.example.com/portico"),
        ("PUBLIC_BASE_URL", "https://portal.example.com:no"),
        ("PUBLIC_BASE_URL", "https://user@portal.example.com"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "https://portal.example.com"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY_FALLBACKS", "short"),
        ("SECRET_KEY_FALLBACKS", f"{OLDER},short"),
        ("FIELD_KEYS", "a:short"),
        ("FIELD_KEYS", KEY),
        ("FIELD_KEYS", f"a:{KEY},a:{KEY}"),
        ("DATABASE_URL", "mysql://localhost/portico"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "postgres://localhost"),
        ("DATABASE_URL", "postgres://localhost:no/portico"),
        ("DATABASE_URL", "postgres://localhost/portico?sslmode=strict"),
        ("DATABASE_URL", "postgres://localhost/portico?sslmode="),
        ("DATABASE_URL", "postgres://localhost/portico?sslrootcert="),
        ("DATABASE_URL", "postgres://localhost/portico?sslmode=require&sslmode=disable"),
        ("DATABASE_URL", "postgres://localhost/portico?connect_timeout=60"),
        ("DATABASE_URL", "postgres://localhost/portico#sslmode=require"),
        ("EMAIL_URL", "mail.example.com"),
        ("EMAIL_URL", "http://mail.example.com"),
        ("EMAIL_URL", "smtp://user:secret@mail.example.com"),
        ("EMAIL_FROM", "Portico <portal@example.com>"),
        ("EMAIL_FROM", "portal"),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("PORTICO_DEMO", "yes"),
        ("PORTICO_DEMO", "1"),
        ("SIGNIN_LINK_TTL", "24h"),
        ("SIGNIN_LINK_TTL", "599"),
        ("SIGNIN_LINK_TTL", "86401"),
        ("SESSION_IDLE_CLIENT", "0"),
        ("SESSION_IDLE_STAFF", "١٠٠"),
        ("SESSION_MAX_CLIENT", "86401"),
        ("SESSION_MAX_STAFF", "1.5"),
    ],
)
def test_what_is_wrong_is_named_in_a_sentence(name: str, value: str) -> None:
    for problem in problems(**{name: value}):
        assert problem.startswith(f"{name} ")
        assert problem.endswith(".")


@pytest.mark.parametrize("value", ["portal.example.com", "localhost:8000", "https://"])
def test_an_address_without_its_beginning_is_one_mistake(value: str) -> None:
    (problem,) = problems(PUBLIC_BASE_URL=value)
    assert problem.startswith("PUBLIC_BASE_URL must begin with https://")


def test_encryption_to_the_database_is_handed_on() -> None:
    database = read(
        DATABASE_URL="postgres://db/portico?sslmode=verify-full&sslrootcert=/etc/ssl/our%20root.pem"
    ).database
    assert database["NAME"] == "portico"
    assert database["OPTIONS"]["sslmode"] == "verify-full"
    assert database["OPTIONS"]["sslrootcert"] == "/etc/ssl/our root.pem"


def test_what_else_follows_the_name_of_the_database_is_refused_by_name() -> None:
    (problem,) = problems(DATABASE_URL="postgres://db/portico?sslmode=require&target_session_attrs=any&gssencmode=x")
    assert "gssencmode, target_session_attrs" in problem


@pytest.mark.parametrize("sign", ["?", "#"])
def test_half_a_password_is_not_repeated_either(sign: str) -> None:
    assert "hunter" not in " ".join(problems(DATABASE_URL=f"postgres://portico:some{sign}hunter=2@db/portico"))


def test_all_problems_are_told_at_once() -> None:
    assert [problem.split()[0] for problem in problems(SECRET_KEY="", EMAIL_FROM="", SIGNIN_LINK_TTL="1")] == [
        "SECRET_KEY",
        "EMAIL_FROM",
        "SIGNIN_LINK_TTL",
    ]


@pytest.mark.parametrize("name", ["SECRET_KEY", "EMAIL_URL", "DATABASE_URL"])
def test_a_refusal_never_repeats_a_secret(name: str) -> None:
    secret = "hunter2hunter2"
    value = {"SECRET_KEY": secret, "EMAIL_URL": f"ftp://u:{secret}@mail", "DATABASE_URL": f"mysql://u:{secret}@db/x"}
    assert secret not in " ".join(problems(**{name: value[name]}))


def test_plain_http_is_for_this_machine_alone() -> None:
    settings = read(PUBLIC_BASE_URL="http://localhost:8000", PORTICO_DEMO="1")
    assert (settings.is_https, settings.demo, settings.allowed_hosts) == (False, True, ["localhost"])


def test_the_first_key_encrypts() -> None:
    assert list(read(FIELD_KEYS=f"new:{KEY}, old:{KEY}").field_keys) == ["new", "old"]


@pytest.mark.real_processes
@pytest.mark.parametrize("command", ["web", "worker", "migrate", "seed"])
def test_no_command_starts_with_a_wrong_environment(command: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "portico", command],
        env={"PATH": "", "EMAIL_FROM": "portal"} | {name: GOOD[name] for name in ("DATABASE_URL", "FIELD_KEYS")},
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stdout) == (2, "")
    assert [line.split()[0] for line in answer.stderr.splitlines()] == [
        "Portico",
        "PUBLIC_BASE_URL",
        "SECRET_KEY",
        "EMAIL_URL",
        "EMAIL_FROM",
    ]


def test_only_a_test_may_take_payments_elsewhere_than_to_stripe() -> None:
    assert problems(STRIPE_API_BASE="http://localhost:8002") == [
        "STRIPE_API_BASE is for tests: it needs ALLOW_TEST_ENDPOINTS=1 beside it."
    ]
    settings = read(STRIPE_API_BASE="http://localhost:8002/", ALLOW_TEST_ENDPOINTS="1")
    assert settings.stripe_api_base == "http://localhost:8002"


@pytest.mark.parametrize(
    "value", ["localhost:8002", "ftp://localhost", "http://localhost/v1", "http://a@localhost", "http://[", "http://"]
)
def test_where_a_test_takes_payments_is_a_bare_address(value: str) -> None:
    (problem,) = problems(STRIPE_API_BASE=value, ALLOW_TEST_ENDPOINTS="1")
    assert problem == "STRIPE_API_BASE must be a bare address such as http://localhost:8002."
