"""Error pages and RefusalMiddleware."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.test import RequestFactory

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry
from portico.web import error_pages
from tests import cast
from tests.support.database import disk
from tests.web.office.form_data import new_client

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.failures")]


@pytest.fixture
def visitor(client: Browser) -> Browser:
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("kind", ["away", "pool", "closed", "locked"])
def test_unavailable_database_is_503(visitor: Browser, kind: str) -> None:
    response = visitor.get(f"/trouble/{kind}/")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "Back in a moment" in response.content.decode()


@pytest.mark.parametrize("kind", ["full", "full-disk"])
def test_full_disk_is_507(visitor: Browser, kind: str) -> None:
    assert visitor.get(f"/trouble/{kind}/").status_code == 507


def test_500_shows_no_traceback(visitor: Browser) -> None:
    response = visitor.get("/trouble/mistake/")
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
    assert "secret detail" not in response.content.decode()


def test_portal_500_says_nothing_is_charged_twice(practice: Practice) -> None:
    request = RequestFactory().get(f"{practice.portal_path}home/")
    request.practice = practice  # type: ignore[attr-defined]  # As the guard notes it.
    assert "you won’t be charged twice" in error_pages.server_error(request).content.decode()


def test_portal_404_shows_the_practices_phone(visitor: Browser, practice: Practice) -> None:
    page = visitor.get(f"{practice.portal_path}nowhere/").content.decode()
    assert practice.name in page
    assert f"tel:{practice.phone}" in page
    assert f'href="{practice.portal_path}?other-email"' in page
    assert f'href="{practice.portal_path}?language=es"' in page
    for address in ("/nowhere/", "/portal/no-such/nowhere/", "/portal"):
        assert practice.name not in visitor.get(address).content.decode()


def test_office_404_shows_no_phone(office: Browser, practice: Practice) -> None:
    page = office.get(f"/office/clients/{'a' * 16}/").content.decode()
    assert practice.name in page
    assert "tel:" not in page


def test_500_is_logged_with_its_reference(visitor: Browser, caplog: pytest.LogCaptureFixture) -> None:
    page = visitor.get("/trouble/mistake/").content.decode()
    (record,) = [record for record in caplog.records if record.getMessage() == "request.failed"]
    assert vars(record)["reference"] in page
    assert record.exc_info is not None


def test_error_pages_make_no_query(visitor: Browser, django_assert_num_queries: object) -> None:
    for kind in ("away", "mistake", "too-many", "refused", "full"):
        with django_assert_num_queries(0):  # type: ignore[operator]  # pytest-django's own context manager.
            visitor.get(f"/trouble/{kind}/")


def test_refusal_shows_its_message(visitor: Browser) -> None:
    response = visitor.get("/trouble/refused/")
    assert response.status_code == 409
    assert "This is already done." in response.content.decode()


def test_429_says_to_wait(visitor: Browser) -> None:
    response = visitor.get("/trouble/too-many/")
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def test_405_names_the_allowed_methods(visitor: Browser) -> None:
    response = visitor.delete("/office/sign-in/")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, POST"
    assert "You can’t open this page directly" in response.content.decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("DELETE", "/office/sign-in/"), ("BREW", "/healthz"), ("GET", "/office/sign-out/")],
)
def test_405_comes_before_the_csrf_check(method: str, path: str, db: None) -> None:
    assert Browser(enforce_csrf_checks=True).generic(method, path).status_code == 405


def test_form_without_csrf_token_gets_a_page(practice: Practice) -> None:
    browser = Browser(enforce_csrf_checks=True)
    response = browser.post("/office/sign-in/", {"email": "fay@alder-street.example", "password": cast.PASSWORD})
    assert response.status_code == 403
    assert "Please try again" in response.content.decode()


def test_other_practices_client_looks_like_a_missing_one(office: Browser, practice: Practice) -> None:
    dora = cast.dora(cast.birch())
    hers, nobodys = (office.get(f"/office/clients/{ref}/") for ref in (dora.ref, "a" * 16))
    assert hers.status_code == nobodys.status_code == 404
    assert _without_reference(hers.content) == _without_reference(nobodys.content)


def test_access_to_other_practice_is_recorded(office: Browser, practice: Practice) -> None:
    dora = cast.dora(cast.birch())
    office.get(f"/office/clients/{'a' * 16}/")
    assert not AuditEntry.objects.filter(action=AuditAction.DENIED_PRACTICE).exists()
    office.get(f"/office/clients/{dora.ref}/")
    entry = AuditEntry.objects.get(action=AuditAction.DENIED_PRACTICE)
    assert entry.practice_id == practice.pk
    assert dora.ref not in f"{entry.about} {entry.details}"


def test_403_names_the_owners(office: Browser, practice: Practice) -> None:
    cast.elm(practice)
    response = office.get("/office/settings/trail/")
    assert response.status_code == 403
    page = response.content.decode()
    assert "You are signed in as front desk." in page
    assert "This page is for these roles only: owner." in page
    assert "Dr. Naomi Elm" in page
    assert AuditEntry.objects.filter(action=AuditAction.DENIED_ROLE).exists()


@pytest.fixture
def busy_database(transactional_db: None) -> Iterator[sqlite3.Connection]:
    """Holds SQLite's write lock in another connection, and shortens the timeout."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)
    yield other
    other.close()
    connection.close()


@pytest.mark.sqlite
def test_locked_database_is_503_and_recovers(busy_database: sqlite3.Connection, visitor: Browser) -> None:
    practice = cast.alder()
    cast.fay(practice)
    typed = {"email": "fay@alder-street.example", "password": cast.PASSWORD}
    busy_database.execute("BEGIN IMMEDIATE")
    assert visitor.post("/office/sign-in/", typed).status_code == 503
    busy_database.execute("ROLLBACK")
    assert visitor.post("/office/sign-in/", typed).status_code == 302


@pytest.fixture
def usual_limit(transactional_db: None) -> Iterator[int]:
    """Limits SQLite to its current number of pages; the usual limit."""
    yield disk.limit()
    connection.close()


@pytest.mark.sqlite
def test_full_disk_rolls_back_and_recovers(usual_limit: int, visitor: Browser) -> None:
    cast.signed_in(visitor, cast.fay(cast.alder()))
    answers: list[int] = []

    def create() -> int:
        typed = new_client(last_name="A" * 90, form_key=tokens.new_token())
        return visitor.post("/office/clients/new/", typed).status_code

    while 507 not in answers and len(answers) < 300:
        answers.append(create())
    assert set(answers) == {302, 507}
    made = answers.count(302)
    assert Client.objects.count() == AuditEntry.objects.filter(action=AuditAction.CLIENT_CREATED).count() == made
    disk.lift(usual_limit)
    assert create() == 302
    assert Client.objects.count() == made + 1


def no_room_for_sessions(execute: Callable[..., object], sql: str, *rest: object) -> object:
    if sql.startswith('UPDATE "practices_staffsession"') and '"contents"' in sql:
        raise OperationalError("database or disk is full")
    return execute(sql, *rest)


@pytest.mark.django_db(transaction=True)
def test_success_is_kept_if_its_message_cannot_be_saved(visitor: Browser, practice: Practice) -> None:
    cast.signed_in(visitor, cast.fay(practice))
    with connection.execute_wrapper(no_room_for_sessions):
        answer = visitor.post("/office/clients/new/", new_client(form_key=tokens.new_token()))
    assert answer.status_code == 302
    assert Client.objects.count() == 1
    assert "/office/clients/" in answer["Location"]


def test_sign_in_fails_if_the_session_cannot_be_saved(visitor: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    with connection.execute_wrapper(no_room_for_sessions):
        answer = visitor.post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD})
    assert answer.status_code == 507


def _without_reference(page: bytes) -> str:
    before, _, after = page.decode().partition('<span class="code ink whole">')
    return before + after.partition("</span>")[2]
