"""The format of seed files: reads a JSON document into a SeedPlan."""

from collections import Counter
from typing import Any

import phonenumbers

from portico.domain.billing.invoices.invoice_input import LineInput
from portico.domain.clients.client_input import AddressInput, ClientDetails, PhoneInput
from portico.domain.clients.models import AddressKind, ClientKind, Language, PhoneKind, RelationshipKind, Status
from portico.domain.practices.models import Role
from portico.domain.practices.staff import authenticator_apps
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.operating.seeding.field_reader import Entry, SeedRefused
from portico.operating.seeding.seed_plan import (
    SeedAccess,
    SeedClient,
    SeedContact,
    SeedInvoice,
    SeedPlan,
    SeedPractice,
    SeedStaff,
)
from portico.plumbing.refusals import Refused


def read(document: Any) -> SeedPlan:  # Any: JSON.
    """Returns the checked contents of a seed file. Raises SeedRefused, which names the place of an error."""
    return _Reader().read(document)


class _Reader:
    def read(self, document: Any) -> SeedPlan:  # Any: JSON.
        whole = Entry(document, "")
        practices = whole.each("practices", self._practice)
        whole.done()
        return SeedPlan(practices)

    def _practice(self, entry: Entry) -> SeedPractice:
        practice = SeedPractice(
            place=entry.place,
            fields={
                "slug": entry.line("slug", max_length=50),
                "name": entry.line("name", max_length=100),
                "time_zone": entry.line("time_zone", max_length=50, default="UTC"),
                "currency": entry.line("currency", max_length=3, default="USD"),
                "country": entry.line("country", max_length=2, default="US"),
                "phone": _number(entry, "phone") if entry.get("phone") else "",
                "reply_to": entry.own_email("reply_to", default=""),
                "sender_name": entry.line("sender_name", max_length=100, default=""),
                "support_hours": entry.line("support_hours", max_length=150, default=""),
                "support_hours_es": entry.line("support_hours_es", max_length=150, default=""),
                "postal_address": entry.text("postal_address", max_length=300),
                "greeting": entry.text("greeting", max_length=300),
                "greeting_es": entry.text("greeting_es", max_length=300),
                "emergency_text": entry.text("emergency_text", max_length=500),
                "emergency_text_es": entry.text("emergency_text_es", max_length=500),
                "hue": entry.number("hue", maximum=359, default=218),
            },
            stripe=_stripe(entry),
            staff=entry.each("staff", self._staff),
            clients=entry.each("clients", self._client),
        )
        entry.done()
        _refuse_duplicates(entry, "staff", [each.ref for each in practice.staff])
        _refuse_duplicates(entry, "clients", [each.ref for each in practice.clients])
        _refuse_duplicates(entry, "clients.invoices", [bill.ref for each in practice.clients for bill in each.invoices])
        return practice

    def _staff(self, entry: Entry) -> SeedStaff:
        staff = SeedStaff(
            ref=entry.line("ref", max_length=100),
            name=entry.line("name", max_length=100),
            email=entry.own_email("email"),
            role=entry.choice("role", Role),
            password=entry.secret("password"),
            totp_secret=_authenticator_secret(entry),
        )
        entry.done()
        return staff

    def _client(self, entry: Entry) -> SeedClient:
        client = SeedClient(
            place=entry.place,
            ref=entry.line("ref", max_length=100),
            details=ClientDetails(
                first_name=entry.line("first_name", max_length=100),
                last_name=entry.line("last_name", max_length=100, default=""),
                preferred_name=entry.line("preferred_name", max_length=100, default=""),
                date_of_birth=entry.day("date_of_birth"),
                status=entry.choice("status", Status, default=Status.ACTIVE),
                language=entry.choice("language", Language, default=Language.ENGLISH),
                kind=entry.choice("kind", ClientKind, default=ClientKind.PERSON),
            ),
            clinician=entry.line("clinician", max_length=100, default="") or None,
            addresses=entry.each("email_addresses", _address),
            phones=entry.each("phones", _phone),
            access=_access(access) if (access := entry.one("portal_access")) is not None else None,
            parents_apart=entry.flag("parents_apart", default=False),
            contacts=entry.each("contacts", _contact),
            invoices=entry.each("invoices", _invoice),
        )
        entry.done()
        _refuse_duplicates(entry, "contacts", [each.ref for each in client.contacts])
        return client


def _contact(entry: Entry) -> SeedContact:
    contact = SeedContact(
        place=entry.place,
        ref=entry.line("ref", max_length=100),
        kind=entry.choice("kind", RelationshipKind),
        first_name=entry.line("first_name", max_length=100, default=""),
        last_name=entry.line("last_name", max_length=100, default=""),
        language=entry.choice("language", Language, default=Language.ENGLISH).value,
        addresses=entry.each("email_addresses", _address),
        phones=entry.each("phones", _phone),
        access=_access(access) if (access := entry.one("portal_access")) is not None else None,
    )
    entry.done()
    return contact


def _invoice(entry: Entry) -> SeedInvoice:
    invoice = SeedInvoice(
        place=entry.place,
        ref=entry.line("ref", max_length=100),
        dated_on=entry.day("date"),
        due_on=entry.day("due"),
        currency=entry.line("currency", max_length=3, default="") or None,
        shared=entry.flag("shared", default=False),
        lines=entry.each("lines", _line),
    )
    entry.done()
    return invoice


def _line(entry: Entry) -> LineInput:
    line = LineInput(
        label=entry.line("description", max_length=150),
        unit_minor=entry.whole("amount"),
        quantity=entry.whole("quantity", default=1),
        given_on=entry.day("date"),
    )
    entry.done()
    return line


def _address(entry: Entry) -> AddressInput:
    address = AddressInput(
        address=entry.email("email"),
        kind=entry.choice("kind", AddressKind, default=AddressKind.HOME).value,
        email_ok=entry.flag("email_ok", default=False),
    )
    entry.done()
    return address


def _phone(entry: Entry) -> PhoneInput:
    phone = PhoneInput(
        number=_number(entry, "number"), kind=entry.choice("kind", PhoneKind, default=PhoneKind.MOBILE).value
    )
    entry.done()
    return phone


def _stripe(entry: Entry) -> Keys | None:
    """Returns the Stripe keys, checked for their form only: they are saved without calling Stripe."""
    found = entry.one("stripe")
    if found is None:
        return None
    keys = Keys(found.secret("secret_key") or "", found.secret("webhook_secret") or "")
    found.done()
    try:
        api_keys.refuse_malformed(keys)
    except Refused as refusal:
        raise found.refused(refusal.field or "secret_key", f"is not good: {refusal}") from refusal
    return keys


def _number(entry: Entry, key: str) -> str:
    """Returns a phone number in E.164 (+15035550134); spaces and dashes are allowed in the file."""
    text = entry.line(key, max_length=30)
    try:
        parsed = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise entry.refused(key, "must be a phone number such as +15035550134.") from None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _access(entry: Entry) -> SeedAccess:
    access = SeedAccess(
        email=entry.email("email", default="") or None,
        enabled=entry.flag("enabled", default=True),
        access_billing_documents=entry.optional_flag("access_billing_documents"),
        pay_by_card=entry.optional_flag("pay_by_card"),
        signs_documents=entry.optional_flag("signs_documents"),
    )
    entry.done()
    return access


def _refuse_duplicates(entry: Entry, key: str, refs: list[str]) -> None:
    for ref, times in Counter(refs).items():
        if times > 1:
            raise SeedRefused(entry.at(key), f"has the ref {ref!r} {times} times.")


def _authenticator_secret(entry: Entry) -> str | None:
    secret = entry.secret("totp_secret")
    if secret and not authenticator_apps.is_secret(secret):
        raise entry.refused("totp_secret", "must be base32, 32 letters and digits or more (A to Z, 2 to 7).")
    return secret
