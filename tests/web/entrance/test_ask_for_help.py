"""`Ask for help` at the entrance: the same response for every address, and nothing is mailed to what was typed."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants, client_changes
from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail, RateLimitCount
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
ASK = "/portal/alder-street/help/request/"
FORM = {
    "form_key": "a key",
    "name": "Ana Abreu",
    "contact": "(212) 555-0134",
    "address": "ana@mail.example",
    "message": "The email does not arrive.\nPlease call.",
}


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def test_a_request_is_one_row_and_one_audit_entry(client: Browser, ana: Client) -> None:
    answer = client.post(ASK, FORM)
    assert (answer.status_code, answer["Location"]) == (302, f"{ASK}?sent")
    page = client.get(answer["Location"]).text
    assert "Your request was sent" in page
    assert "(212) 555-0177" in page
    row = HelpRequest.objects.get()
    assert (row.name, row.contact, row.address, row.mailbox_key) == (
        *("Ana Abreu", "(212) 555-0134", "ana@mail.example", "ana@mail.example"),
    )
    assert (row.message, row.language, row.client) == ("The email does not arrive.\nPlease call.", "en", None)
    entry = AuditEntry.objects.get(action=AuditAction.HELP_REQUESTED)
    # No address that a stranger typed.
    assert (entry.about, entry.client_id, entry.details) == (row.ref, None, {})
    assert OutgoingEmail.objects.count() == 0


def test_the_page_says_what_to_do_in_an_emergency(client: Browser, practice: Practice) -> None:
    Practice.objects.update(emergency_text="In a crisis, call or text 988.", emergency_text_es="En una crisis, 988.")
    page = client.get(ASK).text
    assert (
        page.index("We don’t read this right away.") < page.index("In a crisis, call or text") < page.index("Your name")
    )
    assert "In an emergency, call" not in page
    assert "En una crisis" in client.get(f"{ASK}?language=es").text
    Practice.objects.update(emergency_text="", emergency_text_es="")
    page = client.get(f"{ASK}?language=en").text
    assert page.index("In an emergency, call") < page.index('href="tel:911"') < page.index("Your name")
    Practice.objects.update(country="FR")
    assert "call your local emergency number" in client.get(f"{ASK}?language=en").text


def _without_access(person: Client) -> None:
    access_grants.save_access(person, replace(cast.entry_for(person), enabled=False), version=None, by=cast.DESK)


def _archived(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def _nothing(_person: Client) -> None:
    return None


ALIKE: list[tuple[str, Callable[[Client], None]]] = [
    ("ana@mail.example", _nothing),
    ("ana@mail.example", _without_access),
    ("ana@mail.example", _archived),
    ("dora@mail.example", _nothing),
    ("unknown@mail.example", _nothing),
]


def story(browser: Browser, address: str) -> list[tuple[int, dict[str, str], list[str], str]]:
    """Returns every response: to a malformed form, to six requests, and the page after each."""
    forms = [FORM | {"address": address, "name": ""}]
    forms += [FORM | {"address": address, "form_key": str(number)} for number in range(6)]
    steps = []
    for form in forms:
        for answer in (browser.post(ASK, form), browser.get(f"{ASK}?sent")):
            body = re.sub(r'name="(csrfmiddlewaretoken|form_key)" value="[\w-]+"', "", answer.text)
            headers = {name: value for name, value in answer.items() if name != "Content-Length"}
            steps.append((answer.status_code, headers, sorted(answer.cookies), body.replace(address, "ADDRESS")))
    return steps


@pytest.mark.parametrize(("address", "change"), ALIKE)
def test_response_is_the_same_for_every_address(
    client: Browser, ana: Client, address: str, change: Callable[[Client], None]
) -> None:
    cast.with_access(cast.dora(cast.birch()))
    change(ana)
    first = story(client, address)
    # The limits of the network, which both share.
    RateLimitCount.objects.all().delete()
    assert first == story(Browser(), "stranger@else.example")


def test_every_address_takes_the_same_queries(client: Browser, ana: Client) -> None:
    counts = []
    for address in ("ana@mail.example", "unknown@mail.example"):
        with CaptureQueriesContext(connection) as queries:
            client.post(ASK, FORM | {"address": address, "form_key": address})
        counts.append([query["sql"].split()[0] for query in queries.captured_queries])
    assert counts[0] == counts[1]


def test_two_addresses_in_one_request_are_refused(client: Browser, ana: Client) -> None:
    answer = client.post(ASK, FORM | {"address": ["ana@mail.example", "b@x.example"]})
    assert answer.status_code == 422
    assert "Enter one email address" in answer.text
    assert 'value="ana@mail.example, b@x.example"' in answer.text
    assert not HelpRequest.objects.exists()


def test_sending_the_form_twice_makes_one_request(client: Browser, practice: Practice) -> None:
    for _ in range(2):
        assert client.post(ASK, FORM).status_code == 302
    assert HelpRequest.objects.count() == 1
    # Changed after going back: a second message, which must not be lost.
    client.post(ASK, FORM | {"message": "It is solved."})
    assert HelpRequest.objects.count() == 2


def test_requests_beyond_the_limit_of_an_address_are_marked(client: Browser, practice: Practice) -> None:
    for number in range(6):
        answer = client.post(ASK, FORM | {"form_key": str(number)})
        assert (answer.status_code, answer["Location"]) == (302, f"{ASK}?sent")
    assert HelpRequest.objects.filter(is_beyond_limit=True).count() == 1
    client.post(ASK, FORM | {"address": "carol@mail.example", "form_key": "another"})
    assert HelpRequest.objects.filter(is_beyond_limit=True).count() == 1


def test_too_many_requests_from_one_network_get_429(client: Browser, practice: Practice) -> None:
    for number in range(10):
        form = FORM | {"address": f"n{number}@mail.example", "form_key": str(number)}
        assert client.post(ASK, form).status_code == 302
    answer = client.post(ASK, FORM)
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    assert f">\n{FORM['message']}</textarea>" in unescape(answer.text)
    assert "yours wasn’t sent. Send it again in 10 minutes, or call us at (212) 555-0177." in unescape(answer.text)
    assert HelpRequest.objects.count() == 10
    # The limits of asking for help and of asking for a link are separate.
    assert client.post("/portal/alder-street/", {"email": "ana@mail.example"}).status_code == 302


@pytest.mark.parametrize(
    ("field", "typed", "complaint"),
    [
        ("name", " ", "Enter your name."),
        ("contact", "", "Enter a phone number or email address."),
        ("message", "\u200b", "Tell us what you need help with."),
        ("message", "x" * 1001, "Shorten this to 1000 characters. It has 1001."),
        ("address", "ana", "Enter one email address"),
        ("message", "My card is 4242 4242 4242 4242.", "This looks like a card number."),
    ],
)
def test_malformed_input_stays_in_the_form(
    client: Browser, practice: Practice, field: str, typed: str, complaint: str
) -> None:
    answer = client.post(ASK, FORM | {field: typed})
    assert answer.status_code == 422
    assert complaint in answer.text
    assert "4242 4242" not in answer.text
    assert ("The email does not arrive." in answer.text) is (field != "message")
    assert HelpRequest.objects.count() == 0


def test_the_address_is_optional(client: Browser, practice: Practice) -> None:
    assert client.post(ASK, FORM | {"address": ""}).status_code == 302
    row = HelpRequest.objects.get()
    assert (row.address, row.mailbox_key) == ("", "")


def test_the_form_has_the_address_that_was_typed_before(client: Browser, ana: Client) -> None:
    client.post("/portal/alder-street/", {"email": "ana@mail.example"})
    code = client.get("/portal/alder-street/code/").text
    assert f'href="{ASK}"' in code
    assert 'value="ana@mail.example"' in client.get(ASK).text
    assert "ana@mail.example" not in Browser().get(ASK).text


def test_a_form_without_csrf_token_saves_nothing(practice: Practice) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.get(ASK)
    assert browser.post(ASK, FORM).status_code == 403
    assert HelpRequest.objects.count() == 0


def test_the_page_is_in_spanish(client: Browser, practice: Practice) -> None:
    assert "Su nombre" in client.get(f"{ASK}?language=es").text
    client.post(f"{ASK}?language=es", FORM)
    assert HelpRequest.objects.get().language == "es"
