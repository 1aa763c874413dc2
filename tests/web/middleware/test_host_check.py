"""HostCheck: our own hosts only, except probes."""

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from portico.domain.practices.models import Practice

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

# Hosts sent by load balancers and container probes, and malformed ones.
ODD_HOSTS = [
    *("10.0.0.1", "10.0.0.1:8000", "[fd00::1]", "[fd00::1]:8000", "fd00::1", "other.example", "", " ", ":", ":8000"),
    *(
        "[",
        "[]",
        "]",
        "[::1",
        "a b",
        "a,b",
        "a/b",
        "a@b",
        "http://a",
        "%00",
        "a\\b",
        "*",
        "..",
        ".",
        "xn--",
        "é",
        "\x7f",
    ),
    *("localhost:99999", "localhost:port", "localhost:", "x" * 5000, "<script>", "'", '"', "_", "-", "0", "127.1"),
]


@pytest.fixture(autouse=True)
def production(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    settings.ALLOWED_HOSTS = ["portal.example.com"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_work_under_any_host(client: Browser, path: str) -> None:
    answers = {host: client.get(path, HTTP_HOST=host).status_code for host in ODD_HOSTS}
    assert answers == dict.fromkeys(ODD_HOSTS, 200)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_work_without_a_host(client: Browser, path: str) -> None:
    assert client.get(path, SERVER_NAME="10.0.0.1").status_code == 200
    assert client.head(path, SERVER_NAME="10.0.0.1").status_code == 200


@pytest.mark.parametrize("path", ["/", "/portal/alder-street/", "/office/", "/healthz/", "/nowhere", "/healthz,"])
def test_pages_are_refused_under_other_hosts(client: Browser, practice: Practice, path: str) -> None:
    answers = {host: client.get(path, HTTP_HOST=host).status_code for host in ODD_HOSTS}
    assert answers == dict.fromkeys(ODD_HOSTS, 400)


def test_a_page_without_a_host_is_refused(client: Browser, practice: Practice) -> None:
    assert client.get("/portal/alder-street/", SERVER_NAME="10.0.0.1").status_code == 400


def test_forms_are_refused_under_other_hosts(client: Browser, practice: Practice) -> None:
    page = client.post("/portal/alder-street/", {"email": "ana@mail.example"}, HTTP_HOST="other.example")
    assert page.status_code == 400
    assert 'href="https://portal.example.com/"' in page.content.decode()


@pytest.mark.parametrize("path", ["/", "/portal/alder-street/help/?lang=es"])
def test_the_error_page_links_to_the_right_url(client: Browser, path: str) -> None:
    page = client.get(path, HTTP_HOST="10.0.0.1").content.decode()
    assert "https://portal.example.com</a>" in page
    assert f'href="https://portal.example.com{path}"' in page
    assert "typed" not in page


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.0.0.1", "[::1]:8000", "0.0.0.0:8000", "demo.localhost:8000"])
def test_a_loopback_host_redirects_to_localhost(client: Browser, settings: Settings, host: str) -> None:
    settings.PUBLIC_BASE_URL, settings.ALLOWED_HOSTS = "http://localhost:8000", ["localhost"]
    page = client.get("/portal/alder-street/?other-email", HTTP_HOST=host)
    assert (page.status_code, page["Location"]) == (302, "http://localhost:8000/portal/alder-street/?other-email")
    assert page["Referrer-Policy"] == "no-referrer"
    assert client.post("/portal/alder-street/", HTTP_HOST=host).status_code == 400


def test_other_hosts_do_not_redirect_to_localhost(client: Browser, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL, settings.ALLOWED_HOSTS = "http://localhost:8000", ["localhost"]
    assert client.get("/", HTTP_HOST="192.168.1.20:8000").status_code == 400


def test_loopback_hosts_do_not_redirect_in_production(client: Browser) -> None:
    assert client.get("/", HTTP_HOST="127.0.0.1").status_code == 400


def test_an_unknown_host_is_refused(client: Browser) -> None:
    assert client.get("/office/sign-in/", HTTP_HOST="evil.example").status_code == 400
