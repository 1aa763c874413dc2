"""URLs with trailing punctuation or in capitals are redirected to the intended page."""

import logging
import time
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.urls import get_resolver, reverse

from portico.domain.access.models import SignInLink
from portico.domain.practices.models import Practice
from portico.domain.practices.staff import set_up_links
from portico.plumbing.logs import JsonFormatter
from portico.web import route_list
from portico.web.middleware.tidy_urls import tidy
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

BEHIND = [
    *(")", ",", ".", "%20", '"', ">", "'", ";", ":", "]", "!", "*", "_", "|", "}", "%5C"),
    *("),", '".', ">.", ")%20", ".)", "%20%20", "%0A", "%0D%0A", "%09", "%C2%A0", "%E2%80%8B", "%E2%80%9D", "%C2%BB"),
    *("%E2%80%A6", "%EF%BC%8C", "&gt;", "&quot;", "&nbsp;", "%2520", "%2529", "/", "//"),
]
LINK = "/portal/alder-street/link/"
TOKEN = "aB-_" + "c" * 38 + "-"


@pytest.fixture
def token(practice: Practice) -> str:
    return cast.token_of(cast.invited(cast.ana(practice)))


@pytest.mark.parametrize("behind", BEHIND)
def test_trailing_punctuation_of_a_mail_link_is_ignored(client: Browser, token: str, behind: str) -> None:
    address = f"{LINK}{token}/"
    page = client.get(address + behind, follow=True)
    # Exactly the token of the mail.
    assert (address, 302) in page.redirect_chain
    assert page.status_code == 200
    assert "Sign in as" in page.content.decode()


@pytest.mark.parametrize("behind", [mark for mark in BEHIND if mark != "_"])
@pytest.mark.parametrize(
    "address",
    [
        "/portal/alder-street/",
        "/portal/alder-street",
        "/portal/alder-street/help/",
        "/office/",
        f"/office/set-up/{TOKEN}/",
        f"/office/set-up/{TOKEN}",
        f"/portal/alder-street/link/{TOKEN}",
        "/",
    ],
)
def test_every_published_url_is_tidied(address: str, behind: str) -> None:
    """URLs on paper and in mails, and set-up and reset links of staff."""
    written = unquote(address + behind)
    assert (tidy(written) or written).rstrip("/") == address.rstrip("/")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/portal/OAK-STREET/", "/portal/oak-street/"),
        ("/Portal/Oak-Street", "/portal/oak-street/"),
        ("/PORTAL/OAK-STREET/HELP/", "/portal/oak-street/help/"),
        ("/portal//oak-street/", "/portal/oak-street/"),
        ("/OFFICE/SIGN-IN/", "/office/sign-in/"),
        (f"/PORTAL/Oak-Street/LINK/{TOKEN}/.", f"/portal/oak-street/link/{TOKEN}/"),
        ("/HEALTHZ,", "/healthz"),
    ],
)
def test_capitals_in_a_url_are_lowercased(typed: str, meant: str) -> None:
    assert tidy(typed) == meant


def test_the_case_of_a_token_counts(client: Browser, token: str) -> None:
    assert client.get(f"{LINK}{token.swapcase()}/,", follow=True).status_code == 410


def test_every_route_is_already_tidy() -> None:
    values: dict[str, str | int] = {
        "slug": "oak-street",
        "token": TOKEN,
        "digest": "0a1b",
        "degrees": 20,
        "number": 2,
        "page": 2,
        "language": "en",
        "provider": "postmark",
        "kind": "receipt",
        "subject": "access",
    }
    names = [route.name for route in route_list.all_routes()]
    for name in names:
        for ref in ("Ab-9_", "-9-"):
            for arguments in _arguments_of(
                name, values | dict.fromkeys(("ref", "session", "document", "upload", "contact"), ref)
            ):
                assert tidy(reverse(name, kwargs=arguments)) == ""
    assert len(names) > 100


def _arguments_of(name: str, values: dict[str, str | int]) -> list[dict[str, str | int]]:
    """Returns the arguments that the route takes, out of the values."""
    resolver = get_resolver()
    *namespaces, plain = name.split(":")
    for namespace in namespaces:
        resolver = resolver.namespace_dict[namespace][1]
    return [
        {parameter: values[parameter] for parameter in parameters if parameter in values}
        | ({"slug": values["slug"]} if namespaces[:1] in (["entrance"], ["portal"]) else {})
        for possibilities, *_rest in resolver.reverse_dict.getlist(plain)
        for _pattern, parameters in possibilities
    ]


def test_other_unknown_urls_stay_404(client: Browser, practice: Practice) -> None:
    for path in ("/nowhere/)", "/portal/missing/,", "/portal/alder-street/missing/.", "/é/", "/é,", "/ñ"):
        assert client.get(path, follow=True).status_code == 404, path


@pytest.mark.parametrize(
    "path", ["//evil.example/", "//evil.example/)", "//evil.example/office/,", "/\\evil.example/,", "///evil.example/."]
)
def test_no_redirect_leads_to_another_site(path: str) -> None:
    assert tidy(path) == ""


def test_posts_are_not_redirected(client: Browser, practice: Practice) -> None:
    assert client.post("/portal/ALDER-STREET/", {"email": "ana@example.com"}).status_code == 404


def test_the_query_is_kept(client: Browser, practice: Practice) -> None:
    assert client.get("/portal/ALDER-STREET/?other-email")["Location"] == "/portal/alder-street/?other-email"


def test_the_token_is_not_logged_or_referred(client: Browser, token: str, caplog: pytest.LogCaptureFixture) -> None:
    for behind in (")", "&gt;", "%20and", "and", "é"):
        with caplog.at_level(logging.INFO):
            page = client.get(f"{LINK}{token}{behind}")
        if page.status_code == 302:
            assert page["Referrer-Policy"] == "no-referrer"
    assert len(caplog.records) >= 5
    assert not any(token in JsonFormatter().format(record) for record in caplog.records)


def test_the_link_is_refused_at_another_practice(client: Browser, token: str, practice: Practice) -> None:
    cast.birch()
    assert client.get(f"/portal/BIRCH-LANE/link/{token}/)", follow=True).status_code == 410
    assert SignInLink.objects.get().used_at is None


def test_trailing_punctuation_of_a_set_up_link_is_ignored(client: Browser, practice: Practice) -> None:
    address = set_up_links.url_of(TOKEN).removeprefix(settings.PUBLIC_BASE_URL)
    page = client.get(f"{address}).")
    assert (page.status_code, page["Location"]) == (302, address)


@pytest.mark.parametrize("path", ["/" + "(" * 60_000 + "a", "/" + "a/" * 30_000 + ",", "/" + "&" * 60_000 + "A"])
def test_any_url_is_tidied_quickly(path: str) -> None:
    began = time.perf_counter()
    tidy(path)
    assert time.perf_counter() - began < 10
