"""The configuration: an invalid environment is refused at start, with one sentence for each setting."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from portico import configuration
from portico.configuration import Configuration, ConfigurationRefused
from portico.domain.practices.models import Practice
from portico.gateways.dns import DnsServer
from portico.gateways.smtp import server_url
from tests.environment import TEST_ENVIRONMENT

# Independent of the database.
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


def test_a_valid_environment_is_accepted() -> None:
    settings = read(EMAIL_URL="smtps://portico:secret@mail.example.com", SECRET_KEY_FALLBACKS=f"{OLDER}, {OLDEST}")
    assert settings.is_https
    assert settings.allowed_hosts == ["portal.example.com"]
    assert settings.secret_key_fallbacks == [OLDER, OLDEST]
    assert settings.seconds["SIGNIN_LINK_TTL"] == 86_400
    assert settings.demo is False
    assert settings.stripe_api_base == ""
    assert settings.email_return_path == ""


def test_reports_are_collected_only_where_no_one_has_to_read_them() -> None:
    assert not read().collects_reports
    assert read(EMAIL_RETURN_PATH="bounces@example.com").collects_reports
    assert read(REPORT_MAILBOX_URL="imaps://u:p@mail.example.com").collects_reports


@pytest.mark.parametrize(
    "name", ["PUBLIC_BASE_URL", "SECRET_KEY", "FIELD_KEYS", "DATABASE_URL", "EMAIL_URL", "EMAIL_FROM"]
)
def test_a_missing_setting_is_named(name: str) -> None:
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
        ("PUBLIC_BASE_URL", "https://portal.straße.example"),
        ("PUBLIC_BASE_URL", "https://portal_x.example.com"),
        ("PUBLIC_BASE_URL", "https://*.example.com"),
        ("PUBLIC_BASE_URL", "https://portal..example.com"),
        ("PUBLIC_BASE_URL", "https://-portal.example.com"),
        ("PUBLIC_BASE_URL", "https://portal.example.com:0"),
        ("PUBLIC_BASE_URL", "https://@portal.example.com"),
        ("PUBLIC_BASE_URL", "https://portal example.com"),
        ("PUBLIC_BASE_URL", "https://portal.example.com\\office"),
        ("PUBLIC_BASE_URL", "'https://portal.example.com'"),
        ("PUBLIC_BASE_URL", "https://127.1"),
        ("PUBLIC_BASE_URL", "https://2130706433"),
        ("PUBLIC_BASE_URL", "https://0x7f.1"),
        ("PUBLIC_BASE_URL", "https://[::1"),
        ("PUBLIC_BASE_URL", "https://[::1]x"),
        ("PUBLIC_BASE_URL", "https://[fe80::1%25eth0]"),
        ("PUBLIC_BASE_URL", "https://" + "a" * 64 + ".example"),
        ("PUBLIC_BASE_URL", "https://" + "a." * 130 + "example"),
        ("PUBLIC_BASE_URL", "https://xn--\u0441.example"),
        ("PUBLIC_BASE_URL", "https://xn--.example"),
        ("PUBLIC_BASE_URL", "https://portal.example.com\udcff"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "*.example.com"),
        ("ALLOWED_HOSTS", "portal.example.com:8000"),
        ("ALLOWED_HOSTS", "portal_x.example.com"),
        ("ALLOWED_HOSTS", "portal.example.com www.example.com"),
        ("ALLOWED_HOSTS", ".10.0.0.1"),
        ("ALLOWED_HOSTS", "."),
        ("ALLOWED_HOSTS", "https://portal.example.com"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY_FALLBACKS", "short"),
        ("SECRET_KEY_FALLBACKS", f"{OLDER},short"),
        ("FIELD_KEYS", "a:short"),
        ("FIELD_KEYS", KEY),
        ("SECRET_KEY", "k" * 60 + "\udcff"),
        ("FIELD_KEYS", f"a:{KEY},a:{KEY}"),
        ("FIELD_KEYS", f"schlüssel:{KEY}"),
        ("FIELD_KEYS", f"²:{KEY}"),
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
        ("DATABASE_URL", "postgres://localhost:0/portico"),
        ("DATABASE_URL", "postgres://data base/portico"),
        ("DATABASE_URL", "postgres://db..example/portico"),
        ("DATABASE_URL", "postgres://localhost/port%00ico"),
        ("DATABASE_URL", "postgres://localhost/portico?sslrootcert=/missing.pem"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///file::memory:?cache=shared"),
        ("DATABASE_URL", "sqlite:///file:portico?mode=memory"),
        ("DATABASE_URL", "sqlite:////tmp/portico.sqlite3?timeout=20"),
        ("DATABASE_URL", "sqlite:////tmp/portico.sqlite3#old"),
        ("DATABASE_URL", "sqlite:////tmp"),
        ("DATABASE_URL", "sqlite:////tmp/"),
        ("DATABASE_URL", "sqlite:////missing/portico.sqlite3"),
        ("DATABASE_URL", "sqlite:///missing/portico.sqlite3"),
        ("DATABASE_URL", "sqlite:////dev/null"),
        ("DATABASE_URL", "sqlite:////dev/null/portico.sqlite3"),
        ("DATABASE_URL", "sqlite:////tmp/port%00ico.sqlite3"),
        ("DATABASE_URL", "sqlite://localhost/portico.sqlite3"),
        ("EMAIL_URL", "smtp://mail example.com"),
        ("EMAIL_URL", "smtp://mail..example.com"),
        ("EMAIL_URL", "smtp://.example.com"),
        ("EMAIL_URL", "smtp://127.1"),
        ("EMAIL_URL", "mail.example.com"),
        ("EMAIL_URL", "http://mail.example.com"),
        ("EMAIL_URL", "smtp://user:secret@mail.example.com"),
        ("EMAIL_FROM", "Portico <portal@example.com>"),
        ("EMAIL_FROM", "portal"),
        ("EMAIL_FROM", "'portal@oak.example'"),
        ("EMAIL_FROM", '"portal@oak.example"'),
        ("EMAIL_FROM", "portal@oak"),
        ("EMAIL_FROM", "pórtal@oak.example"),
        ("EMAIL_FROM", "portal@oak.example."),
        ("EMAIL_FROM", "portal@oak.example,desk@oak.example"),
        ("EMAIL_RETURN_PATH", "bounces"),
        ("EMAIL_URL", "anymail+pigeon://hidden@"),
        ("EMAIL_URL", "anymail+mailjet://hidden@"),
        # Without a provider in EMAIL_URL.
        ("EMAIL_HOOK_SECRET", "portico:a-password-of-20-signs"),
        ("EMAIL_PER_SECOND", "0"),
        ("EMAIL_PER_SECOND", "1001"),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("TRUSTED_PROXY_COUNT", "9" * 5000),
        ("TRUSTED_PROXY_COUNT", "1_0"),
        ("PORTICO_DEMO", "yes"),
        ("PORTICO_DEMO", "1"),
        ("SIGNIN_LINK_TTL", "24h"),
        ("SIGNIN_LINK_TTL", "599"),
        ("SIGNIN_LINK_TTL", "9" * 5000),
        ("SIGNIN_LINK_TTL", "-600"),
        ("SIGNIN_LINK_TTL", "86401"),
        ("SESSION_IDLE_CLIENT", "0"),
        ("SESSION_IDLE_STAFF", "١٠٠"),
        ("SESSION_MAX_CLIENT", "86401"),
        ("SESSION_MAX_STAFF", "1.5"),
    ],
)
def test_an_invalid_setting_is_named_in_a_sentence(name: str, value: str) -> None:
    for problem in problems(**{name: value}):
        assert problem.startswith(f"{name} ")
        assert problem.endswith(".")


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("https://portal.müller.example", "https://portal.xn--mller-kva.example"),
        ("https://PORTAL.Müller.Example.", "https://portal.xn--mller-kva.example"),
        ("https://портал.рф", "https://xn--80awhdgm.xn--p1ai"),
        ("https://portal.example.com.", "https://portal.example.com"),
        ("HTTPS://Portal.Example.COM/", "https://portal.example.com"),
        ("https://portal.example.com:443", "https://portal.example.com"),
        ("https://portal.example.com:", "https://portal.example.com"),
        ("https://portal.example.com:08443", "https://portal.example.com:8443"),
        ("https://portal.example.com?", "https://portal.example.com"),
        ("https://[2001:DB8:0:0::1]", "https://[2001:db8::1]"),
        ("https://[::ffff:192.0.2.1]", "https://[::ffff:c000:201]"),
        ("https://192.0.2.1", "https://192.0.2.1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"),
        ("http://LOCALHOST.:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://portal.localhost", "http://portal.localhost"),
    ],
)
@pytest.mark.django_db
def test_the_base_url_is_normalized(
    value: str, origin: str, client: Browser, practice: Practice, settings: Settings
) -> None:
    """A browser that opens the URL sends the host in this form, which must be allowed."""
    taken = read(PUBLIC_BASE_URL=value)
    assert taken.public_base_url == origin
    settings.PUBLIC_BASE_URL, settings.ALLOWED_HOSTS = taken.public_base_url, taken.allowed_hosts
    settings.CSRF_TRUSTED_ORIGINS = [taken.public_base_url]
    page = client.get("/portal/alder-street/", HTTP_HOST=origin.partition("://")[2])
    assert page.status_code == 200
    assert practice.portal_address == f"{origin}/portal/alder-street/"


def test_the_host_of_the_base_url_is_always_allowed() -> None:
    assert read(ALLOWED_HOSTS="www.example.com").allowed_hosts == ["portal.example.com", "www.example.com"]


def test_allowed_hosts_are_normalized() -> None:
    listed = "WWW.Example.com., ::1, [::1], 10.0.0.1, .Müller.example, portal.example.com"
    assert read(ALLOWED_HOSTS=listed).allowed_hosts == [
        *("portal.example.com", "www.example.com", "[::1]", "10.0.0.1", ".xn--mller-kva.example")
    ]


def test_the_mail_host_is_stored_in_ascii() -> None:
    for host, asked in (
        ("Mail.Müller.example.", "mail.xn--mller-kva.example"),
        ("[::1]", "::1"),
        ("mail_pit", "mail_pit"),
    ):
        assert server_url.parse(read(EMAIL_URL=f"smtp://{host}:25").email_url).host == asked


def test_the_database_host_is_stored_in_ascii() -> None:
    for host, asked in (
        ("db.Müller.example", "db.xn--mller-kva.example"),
        ("[::1]", "::1"),
        ("%2Frun%2Fpg", "/run/pg"),
    ):
        assert read(DATABASE_URL=f"postgres://{host}/portico").database["HOST"] == asked


def test_a_relative_database_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(DATABASE_URL="sqlite:///here.sqlite3").database["NAME"] == str(tmp_path / "here.sqlite3")


def test_an_unwritable_database_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "here.sqlite3"
    file.touch()
    # Tests may run as root, which may write everywhere.
    for forbidden in (tmp_path, file):
        monkeypatch.setattr(os, "access", lambda path, mode, forbidden=forbidden: path != forbidden)
        (problem,) = problems(DATABASE_URL=f"sqlite:///{file}")
        assert str(forbidden) in problem


def test_the_sender_is_stored_in_ascii() -> None:
    assert read(EMAIL_FROM="portal@bücher.example").email_from == "portal@xn--bcher-kva.example"


@pytest.mark.parametrize("value", ["portal.example.com", "localhost:8000", "https://"])
def test_a_url_without_scheme_is_one_error(value: str) -> None:
    (problem,) = problems(PUBLIC_BASE_URL=value)
    assert problem.startswith("PUBLIC_BASE_URL must begin with https://")


def test_sslmode_is_passed_to_the_database(tmp_path: Path) -> None:
    certificate = tmp_path / "our root.pem"
    certificate.touch()
    database = read(
        DATABASE_URL=f"postgres://db/portico?sslmode=verify-full&sslrootcert={quote(str(certificate))}"
    ).database
    assert database["NAME"] == "portico"
    assert database["OPTIONS"]["sslmode"] == "verify-full"
    assert database["OPTIONS"]["sslrootcert"] == str(certificate)


def test_other_database_parameters_are_refused() -> None:
    (problem,) = problems(DATABASE_URL="postgres://db/portico?sslmode=require&target_session_attrs=any&gssencmode=x")
    assert "gssencmode, target_session_attrs" in problem


def test_behind_a_pooler_a_connection_keeps_nothing() -> None:
    direct = read(DATABASE_URL="postgres://db/portico").database
    pooled = read(DATABASE_URL="postgres://db/portico", DATABASE_POOLED="1").database
    assert "lock_timeout=4000" in direct["OPTIONS"]["options"]
    assert (pooled["OPTIONS"], pooled["DISABLE_SERVER_SIDE_CURSORS"]) == ({"connect_timeout": 2}, True)


@pytest.mark.parametrize("sign", ["?", "#"])
def test_part_of_a_password_is_not_repeated(sign: str) -> None:
    assert "hunter" not in " ".join(problems(DATABASE_URL=f"postgres://portico:some{sign}hunter=2@db/portico"))


def test_all_problems_are_reported_together() -> None:
    assert [problem.split()[0] for problem in problems(SECRET_KEY="", EMAIL_FROM="", SIGNIN_LINK_TTL="1")] == [
        "SECRET_KEY",
        "EMAIL_FROM",
        "SIGNIN_LINK_TTL",
    ]


@pytest.mark.parametrize("name", ["SECRET_KEY", "EMAIL_URL", "DATABASE_URL"])
def test_an_error_never_repeats_a_secret(name: str) -> None:
    secret = "hunter2hunter2"
    value = {"SECRET_KEY": secret, "EMAIL_URL": f"ftp://u:{secret}@mail", "DATABASE_URL": f"mysql://u:{secret}@db/x"}
    assert secret not in " ".join(problems(**{name: value[name]}))


def test_plain_http_is_for_loopback_only() -> None:
    settings = read(PUBLIC_BASE_URL="http://localhost:8000", PORTICO_DEMO="1")
    assert (settings.is_https, settings.demo, settings.allowed_hosts) == (False, True, ["localhost"])


def test_the_demo_guide_is_refused_outside_the_demo() -> None:
    assert read(PUBLIC_BASE_URL="http://localhost:8000", PORTICO_DEMO="1", PORTICO_DEMO_GUIDE="{}").demo_guide == {}
    assert [each.partition(" ")[0] for each in problems(PORTICO_DEMO_GUIDE='{"staff": []}')] == ["PORTICO_DEMO_GUIDE"]


def test_the_first_key_encrypts() -> None:
    assert list(read(FIELD_KEYS=f"new:{KEY}, old:{KEY}").field_keys) == ["new", "old"]


@pytest.mark.real_processes
@pytest.mark.parametrize("command", ["web", "worker", "migrate", "seed"])
def test_no_command_starts_with_invalid_settings(command: str) -> None:
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


def test_only_tests_may_replace_stripes_address() -> None:
    assert problems(STRIPE_API_BASE="http://localhost:8002") == [
        "STRIPE_API_BASE is for tests: it needs ALLOW_TEST_ENDPOINTS=1 beside it."
    ]
    settings = read(STRIPE_API_BASE="http://localhost:8002/", ALLOW_TEST_ENDPOINTS="1")
    assert settings.stripe_api_base == "http://localhost:8002"


@pytest.mark.parametrize(
    "value", ["localhost:8002", "ftp://localhost", "http://localhost/v1", "http://a@localhost", "http://[", "http://"]
)
def test_the_replaced_stripe_address_is_an_origin(value: str) -> None:
    (problem,) = problems(STRIPE_API_BASE=value, ALLOW_TEST_ENDPOINTS="1")
    assert problem == "STRIPE_API_BASE must be a bare address such as http://localhost:8002."


def test_dkim_selectors_are_labels_by_comma() -> None:
    assert read().dkim_selectors == ()
    assert read(DKIM_SELECTOR="s1, google,2026.mail").dkim_selectors == ("s1", "google", "2026.mail")
    for value in ("s1._domainkey.example.com.", "s 1", "-s1", "a,b,c,d,e,f"):
        (problem,) = problems(DKIM_SELECTOR=value)
        assert problem == "DKIM_SELECTOR must be selectors of DKIM keys by comma, at most 5, such as s1,s2."


def test_authserv_ids_are_server_names_by_comma() -> None:
    assert read().authserv_ids == ()
    assert read(AUTHSERV_ID="mx.Example.com, example.org").authserv_ids == ("mx.example.com", "example.org")
    gmail = "imaps://alder%40gmail.com:p@imap.gmail.com/INBOX"
    assert read(REPORT_MAILBOX_URL=gmail).authserv_ids == ("mx.google.com",)
    assert read(REPORT_MAILBOX_URL=gmail, AUTHSERV_ID="mx.example.com").authserv_ids == ("mx.example.com",)
    for value in ("localhost", "mx.example.com.", "a.b c.d", "*.example.com", ",".join(["a.b"] * 6)):
        (problem,) = problems(AUTHSERV_ID=value)
        assert problem == "AUTHSERV_ID must be names of mail servers by comma, at most 5, such as mx.example.com."


def test_the_dns_server_is_an_ip_address_with_a_port() -> None:
    assert read(DNS_SERVER="").dns_server is None
    for value, server in (
        ("192.0.2.53", DnsServer("192.0.2.53", 53)),
        ("192.0.2.53:5353", DnsServer("192.0.2.53", 5353)),
        ("2001:db8::53", DnsServer("2001:db8::53", 53)),
        ("[::1]:5353", DnsServer("::1", 5353)),
    ):
        assert read(DNS_SERVER=value).dns_server == server
    for value in ("dns.example.com", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:99999", "[::1]5353", "[::1", "::1:x"):
        (problem,) = problems(DNS_SERVER=value)
        assert problem.startswith("DNS_SERVER must be an IP address with an optional port")
