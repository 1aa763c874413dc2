"""`portico seed` loads a file, changes nothing when repeated, and names the place of an error."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.billing.ledger import verification
from portico.domain.billing.models import Invoice
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, ClientKind, EmailAddress, Relationship, SearchTerm
from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff import authenticator_apps, second_factor
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

# The example of docs/operating.md.
EXAMPLE: dict[str, Any] = {
    "practices": [
        {
            "slug": "alder-street",
            "name": "Alder Street Therapy",
            "time_zone": "America/Los_Angeles",
            "phone": "+15035550134",
            "reply_to": "hello@alder.example",
            "currency": "USD",
            "stripe": {"secret_key": "sk_test_alder", "webhook_secret": "whsec_alder"},
            "staff": [
                {
                    "ref": "naomi",
                    "name": "Naomi Elm",
                    "email": "naomi@alder.example",
                    "role": "owner",
                    "password": "a long pass phrase 1",
                    "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                },
                {
                    "ref": "fay",
                    "name": "Fay Okafor",
                    "email": "fay@alder.example",
                    "role": "front desk",
                    "password": "a long pass phrase 2",
                },
            ],
            "clients": [
                {
                    "ref": "jordan",
                    "first_name": "Jordan",
                    "last_name": "Example",
                    "preferred_name": None,
                    "date_of_birth": "1990-04-12",
                    "clinician": "naomi",
                    "status": "active",
                    "language": "en",
                    "email_addresses": [{"email": "jordan@client.example", "kind": "home", "email_ok": True}],
                    "phones": [{"number": "+15035550177", "kind": "mobile"}],
                    "portal_access": {
                        "email": "jordan@client.example",
                        "enabled": True,
                        "access_billing_documents": True,
                        "pay_by_card": True,
                    },
                    "parents_apart": False,
                    "contacts": [
                        {
                            "ref": "olga",
                            "kind": "payer",
                            "first_name": "Olga",
                            "last_name": "Alba",
                            "language": "es",
                            "email_addresses": [{"email": "olga@client.example", "kind": "home", "email_ok": True}],
                            "phones": [{"number": "+15035550178", "kind": "mobile"}],
                            "portal_access": {"email": "olga@client.example", "enabled": True, "pay_by_card": True},
                        }
                    ],
                    "invoices": [{"ref": "A-1", "lines": [{"description": "Session", "amount": 12500}]}],
                }
            ],
        }
    ]
}


@pytest.fixture
def document() -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(EXAMPLE))
    return copy


def seed(document: Any, folder: Path) -> Any:
    file = folder / "seed.json"
    file.write_text(json.dumps(document))
    answer = StringIO()
    call_command("seed", str(file), "--json", stdout=answer)
    return json.loads(answer.getvalue())


def count_everything() -> list[int]:
    tables = (Practice, StaffMember, Client, Relationship, EmailAddress, SearchTerm, PortalAccess, AuditEntry)
    return [table._base_manager.count() for table in tables]


def test_everything_in_the_file_is_loaded(document: Any, tmp_path: Path) -> None:
    seed(document, tmp_path)
    practice = Practice.objects.get()
    assert (practice.name, practice.phone, practice.reply_to) == (
        "Alder Street Therapy",
        "+15035550134",
        "hello@alder.example",
    )
    assert list(StaffMember.objects.order_by("id").values_list("role", flat=True)) == ["owner", "front_desk"]
    jordan = Client.objects.get()
    assert (jordan.name, str(jordan.date_of_birth), jordan.clinician) == (
        "Jordan Example",
        "1990-04-12",
        StaffMember.objects.get(email="naomi@alder.example"),
    )
    assert jordan.phone_numbers.get().number == "+15035550177"
    assert jordan.portal_access.pay_by_card
    olga = jordan.relationships.select_related("contact").get()
    assert (olga.kind, olga.contact.name, olga.contact.language) == ("payer", "Olga Alba", "es")
    assert olga.contact.phone_numbers.get().number == "+15035550178"
    # The file states one option; the others are a payer's.
    options = (olga.access.access_billing_documents, olga.access.pay_by_card, olga.access.signs_documents)
    assert (olga.access.is_on, options) == (True, (True, True, False))
    assert (jordan.portal_state, jordan.portal_reason) == ("needs_attention", "not_invited")


def test_the_printed_urls_open_pages(document: Any, tmp_path: Path, client: Browser) -> None:
    output = seed(document, tmp_path)
    (practice,) = output["practices"]
    (jordan,) = practice["clients"]
    assert practice["portal"] == "http://localhost:8000/portal/alder-street/"
    assert practice["staff"][1] == {"ref": "fay", "email": "fay@alder.example"}
    assert (jordan["ref"], jordan["id"]) == ("jordan", Client.objects.get().ref)
    client.force_login(StaffMember.objects.get(email="fay@alder.example"))
    (olga,) = jordan["contacts"]
    urls = [jordan[page] for page in ("overview", "client_info", "client_portal")]
    for url in (*urls, olga["contact"], olga["client_portal"]):
        assert client.get(url.removeprefix("http://localhost:8000")).status_code == 200


def test_staff_sign_in_with_the_seeded_password(document: Any, tmp_path: Path) -> None:
    seed(document, tmp_path)
    assert StaffMember.objects.get(email="fay@alder.example").check_password("a long pass phrase 2")


def test_seeded_addresses_get_no_email(document: Any, tmp_path: Path) -> None:
    seed(document, tmp_path)
    assert not OutgoingEmail.objects.exists()


def test_stripe_keys_are_stored_and_ready_without_a_call(document: Any, tmp_path: Path) -> None:
    # No server runs at the Stripe URL of the tests' settings: a call would fail.
    output = seed(document, tmp_path)
    practice = Practice.objects.get()
    payments = payment_readiness.online_payments_of(practice)
    assert payments is not None
    assert payments.key is not None
    assert (practice.card_state, payments.key.decrypted(), payments.webhook_secret()) == (
        "test", "sk_test_alder", "whsec_alder",
    )  # fmt: skip
    assert output["practices"][0]["webhook"] == "http://localhost:8000/hooks/stripe/alder-street/"
    # Existing keys are unchanged.
    document["practices"][0]["stripe"] = {"secret_key": "sk_live_other"}
    seed(document, tmp_path)
    assert Practice.objects.get().card_state == "test"


@pytest.mark.parametrize(
    ("stripe", "place"),
    [
        ({"secret_key": "pk_test_alder"}, "practices[0].stripe.secret_key is not good"),
        ({}, "practices[0].stripe.secret_key is not good"),
        ({"secret_key": "sk_test_alder", "webhook_secret": "alder"}, "practices[0].stripe.webhook_secret is not good"),
        ({"secret_key": "sk_test_alder", "public_key": "pk"}, "practices[0].stripe.public_key is not a key"),
    ],
)
def test_malformed_keys_are_refused_by_place(document: Any, tmp_path: Path, stripe: dict[str, str], place: str) -> None:
    document["practices"][0]["stripe"] = stripe
    with pytest.raises(CommandError, match=re.escape(place)):
        seed(document, tmp_path)
    assert not Practice.objects.exists()


def test_the_whole_example_is_loaded(document: Any, tmp_path: Path) -> None:
    assert seed(document, tmp_path)["not_loaded"] == []


def test_invoices_are_issued_and_shared_as_the_file_says(document: Any, tmp_path: Path) -> None:
    bills = document["practices"][0]["clients"][0]["invoices"]
    bills.append({"ref": "A-2", "date": "2026-10-01", "due": "2026-10-31", "currency": "USD", "shared": True})
    bills[1]["lines"] = [{"description": "Session", "amount": 9_900, "quantity": 2}]
    output = seed(document, tmp_path)["practices"][0]["clients"][0]["invoices"]
    assert [(each["seed_ref"], each["number"]) for each in output] == [("A-1", 1), ("A-2", 2)]
    hidden, shown = Invoice.objects.order_by("number")
    assert output[1]["office"] == f"http://localhost:8000/office/invoices/{shown.ref}/"
    assert output[1]["portal"] == f"http://localhost:8000/portal/alder-street/billing/{shown.ref}/"
    assert (hidden.is_shared, shown.is_shared, shown.total_minor) == (False, True, 19_800)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"currency": "EUR"}, "invoices[0].currency must be the practice's own"),
        ({"due": "2020-01-01"}, "invoices[0].due is before its date"),
        ({"lines": []}, "invoices[0] cannot be"),
        ({"lines": [{"description": "Session", "amount": 12.5}]}, "invoices[0].lines[0].amount must be a whole number"),
        ({"lines": [{"description": "Session", "amount": 1, "quantity": 0}]}, "invoices[0].lines has a quantity"),
    ],
)
def test_an_invalid_invoice_is_refused_by_place(
    document: Any, tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    document["practices"][0]["clients"][0]["invoices"][0] |= change
    with pytest.raises(CommandError, match=re.escape(place)):
        seed(document, tmp_path)
    assert not Invoice.objects.exists()


def test_repeating_it_changes_nothing_and_prints_the_same(document: Any, tmp_path: Path) -> None:
    first = seed(document, tmp_path)
    before = count_everything()
    assert seed(document, tmp_path) == first
    assert count_everything() == before


def test_existing_rows_are_unchanged_and_new_rows_added(document: Any, tmp_path: Path) -> None:
    seed(document, tmp_path)
    (client,) = document["practices"][0]["clients"]
    document["practices"][0]["clients"] = [
        client | {"first_name": "Changed"},
        {"ref": "taylor", "first_name": "Taylor"},
    ]
    del document["practices"][0]["staff"]
    output = seed(document, tmp_path)
    assert [each["ref"] for each in output["practices"][0]["clients"]] == ["jordan", "taylor"]
    assert list(Client.objects.order_by("id").values_list("first_name", flat=True)) == ["Jordan", "Taylor"]


def test_a_later_file_may_refer_to_earlier_staff(document: Any, tmp_path: Path) -> None:
    seed(document, tmp_path)
    taylor = {"ref": "taylor", "first_name": "Taylor", "clinician": "fay"}
    seed({"practices": [{"slug": "alder-street", "name": "Alder Street Therapy", "clients": [taylor]}]}, tmp_path)
    assert Client.objects.get(first_name="Taylor").clinician == StaffMember.objects.get(email="fay@alder.example")


def test_a_contact_named_again_is_the_same_person(document: Any, tmp_path: Path) -> None:
    clients = document["practices"][0]["clients"]
    clients.append({"ref": "kim", "first_name": "Kim", "contacts": [{"ref": "olga", "kind": "guardian"}]})
    seed(document, tmp_path)
    output = seed(document, tmp_path)
    kinds = Relationship.objects.order_by("id").values_list("kind", "contact__first_name")
    assert list(kinds) == [("payer", "Olga"), ("guardian", "Olga")]
    assert len({each.contact_id for each in Relationship.objects.all()}) == 1
    (printed,) = output["practices"][0]["clients"][1]["contacts"]
    assert (printed["ref"], printed["id"]) == ("olga", Relationship.objects.latest("id").ref)


def test_couples_and_parents_apart_are_loaded_once(document: Any, tmp_path: Path) -> None:
    member = {"ref": "rosa", "kind": "member", "first_name": "Rosa"}
    clients = document["practices"][0]["clients"]
    clients += [
        {"ref": "vance", "kind": "couple", "first_name": "Rosa and Theo", "contacts": [member]},
        {"ref": "milo", "first_name": "Milo", "parents_apart": True},
    ]
    seed(document, tmp_path)
    assert Client.objects.get(kind=ClientKind.COUPLE).relationships.get().kind == "member"
    milo = Client.objects.get(first_name="Milo")
    assert milo.parents_apart_at is not None
    contacts.set_parents_apart(milo, apart=False, by=cast.DESK)
    seed(document, tmp_path)
    milo.refresh_from_db()
    assert milo.parents_apart_at is None


CLIENT = ("practices", 0, "clients", 0)


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        (("practise",), [], "practise is not a key of seed files"),
        (("practices", 0, "colour"), "red", r"practices\[0\]\.colour is not a key"),
        ((*CLIENT, "frist_name"), "Jo", r"practices\[0\]\.clients\[0\]\.frist_name is not a key"),
        ((*CLIENT, "phones", 0, "extension"), "1", r"phones\[0\]\.extension is not a key"),
        ((*CLIENT, "first_name"), 7, r"first_name must be a text"),
        ((*CLIENT, "first_name"), "A" * 101, r"first_name must have 1 to 100 signs"),
        ((*CLIENT, "first_name"), "Jor\x00dan", r"first_name holds a sign that cannot be stored"),
        ((*CLIENT, "date_of_birth"), "12.4.1990", r"date_of_birth must be a date"),
        ((*CLIENT, "status"), "asleep", r"status must be one of active, inactive, archived"),
        ((*CLIENT, "status"), "archived", r"clients\[0\] cannot be: This client is archived"),
        ((*CLIENT, "clinician"), "unknown", r"clinician is unknown"),
        ((*CLIENT, "phones"), "none", r"phones must be a list"),
        ((*CLIENT, "phones", 0, "number"), "555", r"number must be a phone number"),
        ((*CLIENT, "email_addresses", 0, "email"), "jordan", r"email is not an email address"),
        (
            ("practices", 0, "reply_to"),
            "désk@alder.example",
            r"reply_to is not an address that every mail server takes",
        ),
        (("practices", 0, "staff", 0, "email"), "'fay@alder.example", r"must not be in quotes"),
        ((*CLIENT, "email_addresses", 0, "email_ok"), "yes", r"email_ok must be true or false"),
        ((*CLIENT, "kind"), "dog", r"kind must be one of person, couple"),
        ((*CLIENT, "contacts", 0, "kind"), "aunt", r"contacts\[0\]\.kind must be one of guardian, partner, payer"),
        (
            (*CLIENT, "contacts", 0, "first_name"),
            "",
            r"first_name is missing: no contact has the ref 'olga'",
        ),
        ((*CLIENT, "contacts", 0, "birthday"), "1970-01-01", r"contacts\[0\]\.birthday is not a key"),
        ((*CLIENT, "contacts", 0, "portal_access", "email"), "x@client.example", r"is not one of the contact's"),
        ((*CLIENT, "contacts", 0, "portal_access", "email"), "jordan@client.example", r"is not one of the contact's"),
        ((*CLIENT, "contacts", 0, "email_addresses", 0, "email_ok"), "yes", r"email_ok must be true or false"),
        ((*CLIENT, "portal_access", "email"), "x@client.example", r"portal_access\.email is not one of the client's"),
        (("practices", 0, "staff", 0, "email"), "fay@alder.example", r"staff 'fay' cannot be added"),
        (("practices", 0, "staff", 0, "role"), "king", r"role must be one of owner"),
        (("practices", 0, "staff", 1, "ref"), "naomi", r"staff has the ref 'naomi' 2 times"),
        (("practices", 0, "time_zone"), "localtime", r"practices\[0\] cannot be: localtime is not a time zone"),
        (("practices", 0, "time_zone"), "Portland", r"practices\[0\] cannot be: Portland is not a time zone"),
        (
            ("practices", 0, "currency"),
            "XAU",
            r"practices\[0\] cannot be: Stripe can’t charge in XAU",
        ),
        (("practices", 0, "slug"), "Alder Street", r"practices\[0\] cannot be: Use lowercase letters"),
    ],
)
def test_an_invalid_file_is_refused_and_loads_nothing(
    document: Any, tmp_path: Path, place: tuple[str | int, ...], value: object, complaint: str
) -> None:
    *path, key = place
    inner = document
    for step in path:
        inner = inner[step]
    inner[key] = value
    with pytest.raises(CommandError, match=complaint):
        seed(document, tmp_path)
    assert not Practice.objects.exists()


@pytest.mark.parametrize("content", ["", "[1]", '{"practices": 1}', '{"practices": [1]}', "\x00"])
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "seed.json"
    file.write_text(content)
    with pytest.raises(CommandError):
        call_command("seed", str(file))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("seed", str(tmp_path / "none.json"))


def test_a_seeded_authenticator_opens_the_office(document: Any, tmp_path: Path) -> None:
    seed(document, tmp_path)
    naomi = StaffMember.objects.get(email="naomi@alder.example")
    assert authenticator_apps.use(naomi, cast.code_now("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
    assert not second_factor.is_set_up(StaffMember.objects.get(email="fay@alder.example"))


@pytest.mark.parametrize("secret", ["JBSWY3DP", "jbswy3dpehpk3pxpjbswy3dpehpk3pxp", "1" * 32, "A" * 33, 5])
def test_an_invalid_totp_secret_is_refused_by_name(document: Any, tmp_path: Path, secret: object) -> None:
    document["practices"][0]["staff"][0]["totp_secret"] = secret
    with pytest.raises(CommandError, match=r"practices\[0\]\.staff\[0\]\.totp_secret"):
        seed(document, tmp_path)
    assert not StaffMember.objects.exists()


def test_the_practices_own_texts_are_loaded(document: Any, tmp_path: Path) -> None:
    said = {
        "postal_address": "14 Alder Street\nPortland",
        "greeting": "Come in.",
        "greeting_es": "Pase.",
        "emergency_text": "Call 911.",
        "emergency_text_es": "Llame al 911.",
        "hue": 0,
    }
    document["practices"][0] |= said
    seed(document, tmp_path)
    practice = Practice.objects.get(slug="alder-street")
    assert {name: getattr(practice, name) for name in said} == said


@pytest.mark.parametrize(("key", "value"), [("hue", 360), ("hue", -1), ("hue", True), ("hue", "20"), ("greeting", 5)])
def test_invalid_texts_of_the_practice_are_refused_by_name(
    document: Any, tmp_path: Path, key: str, value: object
) -> None:
    document["practices"][0][key] = value
    with pytest.raises(CommandError, match=key):
        seed(document, tmp_path)


def test_a_greeting_that_is_too_long_is_refused_by_name(document: Any, tmp_path: Path) -> None:
    document["practices"][0]["greeting"] = "x" * 301
    with pytest.raises(CommandError, match="greeting must have at most 300 signs"):
        seed(document, tmp_path)


# The format for invoices from another system, as docs/operating.md describes it.
WITH_BOOKS: dict[str, Any] = {
    "ref": "A-1",
    "date": "2026-10-01",
    "due": "2026-10-31",
    "currency": "USD",
    "shared": True,
    "lines": [{"description": "Session", "amount": 12_500}],
}


def test_the_printed_urls_of_an_invoice_open(document: Any, tmp_path: Path, client: Browser) -> None:
    """Loads a file, then opens the invoice in the portal and in the office."""
    document["practices"][0]["staff"][1]["totp_secret"] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ"
    document["practices"][0]["clients"][0]["invoices"] = [WITH_BOOKS]
    output = seed(document, tmp_path)
    (invoice,) = output["practices"][0]["clients"][0]["invoices"]
    row = Invoice.objects.get()
    assert output["not_loaded"] == []
    assert invoice == {
        "seed_ref": "A-1",
        "ref": row.ref,
        "number": 1,
        "office": f"http://localhost:8000/office/invoices/{row.ref}/",
        "portal": f"http://localhost:8000/portal/alder-street/billing/{row.ref}/",
    }
    office = cast.signed_in(Browser(), StaffMember.objects.get(email="fay@alder.example"))
    page = office.get(invoice["office"].removeprefix("http://localhost:8000")).content.decode()
    assert re.search(r'data-status="past_due"\s+data-amount="12500"', page)
    portal = cast.in_the_portal(client, Client.objects.get())
    page = portal.get(invoice["portal"].removeprefix("http://localhost:8000")).content.decode()
    assert re.search(rf'data-ref="{row.ref}"\s+data-status="past_due"\s+data-amount="12500"', page)
    assert 'data-testid="balance" data-amount="12500"' in portal.get("/portal/alder-street/home/").content.decode()
    assert list(verification.mismatches()) == []
