"""Creates the rows of a seed file by the same operations as the office; existing rows stay unchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError
from django.db import transaction

from portico.domain.access.access_grants import AccessInput
from portico.domain.access.onboarding import bulk_client_creation
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput
from portico.domain.billing.models import Invoice
from portico.domain.clients import contacts
from portico.domain.clients.client_input import AddressInput, ClientInput
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices import practice_creation
from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff import authenticator_apps, staff_creation
from portico.domain.practices.stripe_setup import api_keys, payment_readiness
from portico.operating.models import SeedKind, SeedRef
from portico.operating.seeding import contact_loading
from portico.operating.seeding.field_reader import SeedRefused
from portico.operating.seeding.seed_plan import SeedAccess, SeedClient, SeedInvoice, SeedPlan, SeedPractice, SeedStaff
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.text.mailboxes import mailbox_key


@dataclass(frozen=True)
class Loaded:
    """A practice of the file with its rows, found or created, by their refs in the file."""

    practice: Practice
    staff: dict[str, StaffMember]
    clients: dict[str, Client]
    # By the ref of the client, then of the contact.
    contacts: dict[str, dict[str, Relationship]]
    # By the ref of the client, then of the invoice.
    invoices: dict[str, dict[str, Invoice]]


def load(wanted: SeedPlan, *, by: Actor) -> list[Loaded]:
    """Loads the whole file in one transaction. Raises SeedRefused."""
    with transaction.atomic():
        return [_practice(practice, by=by) for practice in wanted.practices]


def _practice(wanted: SeedPractice, *, by: Actor) -> Loaded:
    practice = Practice.objects.filter(slug=wanted.fields["slug"]).first() or _new_practice(wanted, by=by)
    if wanted.stripe is not None and payment_readiness.online_payments_of(practice) is None:
        api_keys.save_unchecked(practice, wanted.stripe, by=by)
    refs = _KnownRefs(practice)
    staff = {each.ref: _staff_member(practice, each, refs, wanted.place, by=by) for each in wanted.staff}
    refs.staff |= staff
    clients = _clients(practice, wanted.clients, refs, by=by)
    for each in wanted.clients:
        if each.parents_apart and each.ref not in refs.client_refs:
            contacts.set_parents_apart(clients[each.ref], apart=True, by=by)
    people = contact_loading.KnownContacts(practice)
    relationships = {each.ref: contact_loading.load(clients[each.ref], each, people, by=by) for each in wanted.clients}
    invoices = {
        each.ref: {bill.ref: _invoice(clients[each.ref], bill, refs, by=by) for bill in each.invoices}
        for each in wanted.clients
    }
    return Loaded(practice, staff, clients, relationships, invoices)


def _new_practice(wanted: SeedPractice, *, by: Actor) -> Practice:
    try:
        return practice_creation.save_new_practice(Practice(**wanted.fields), by=by)
    except ValidationError as error:
        raise SeedRefused(wanted.place, f"cannot be: {' '.join(error.messages)}") from error


class _KnownRefs:
    """The refs of a practice's rows in the files loaded so far, including this one."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        rows = {(each.kind, each.seed_ref): each.row_ref for each in SeedRef.objects.filter(practice=practice)}
        members = {member.ref: member for member in StaffMember.objects.filter(practice=practice)}
        self.staff = {name: members[ref] for (kind, name), ref in rows.items() if kind == SeedKind.STAFF}
        self.client_refs = {name: ref for (kind, name), ref in rows.items() if kind == SeedKind.CLIENT}
        self.invoice_refs = {name: ref for (kind, name), ref in rows.items() if kind == SeedKind.INVOICE}

    def add(self, kind: SeedKind, row_refs: Mapping[str, str]) -> None:
        """Stores the refs of new rows by their refs in the file."""
        SeedRef.objects.bulk_create(
            SeedRef(practice=self.practice, kind=kind, seed_ref=name, row_ref=ref) for name, ref in row_refs.items()
        )


def _staff_member(practice: Practice, wanted: SeedStaff, refs: _KnownRefs, place: str, *, by: Actor) -> StaffMember:
    known = refs.staff.get(wanted.ref)
    if known is not None:
        return known
    try:
        member = staff_creation.add_staff_member(
            practice, email=wanted.email, name=wanted.name, role=wanted.role, by=by
        )
    except (Refused, ValidationError) as error:
        raise SeedRefused(f"{place}.staff {wanted.ref!r}", f"cannot be added: {error}") from error
    if wanted.password:
        member.set_password(wanted.password)
        member.save(update_fields=["password"])
        audit_log.record(AuditAction.PASSWORD_CHOSEN, practice=practice, by=by, about=member.ref)
    if wanted.totp_secret:
        authenticator_apps.save(member, wanted.totp_secret, first=True, notify=False, by=by)
    refs.add(SeedKind.STAFF, {wanted.ref: member.ref})
    return member


def _clients(practice: Practice, wanted: Sequence[SeedClient], refs: _KnownRefs, *, by: Actor) -> dict[str, Client]:
    missing = [each for each in wanted if each.ref not in refs.client_refs]
    created = bulk_client_creation.create_all(practice, [_new_client(each, refs) for each in missing], by=by)
    new = {each.ref: client for each, client in zip(missing, created, strict=True)}
    refs.add(SeedKind.CLIENT, {name: client.ref for name, client in new.items()})
    known_refs = [refs.client_refs[each.ref] for each in wanted if each.ref in refs.client_refs]
    known = Client.objects.filter(practice=practice).in_bulk(known_refs, field_name="ref")
    return {each.ref: new.get(each.ref) or known[refs.client_refs[each.ref]] for each in wanted}


def _new_client(wanted: SeedClient, refs: _KnownRefs) -> NewClient:
    entry = _entry(wanted, refs)
    new = NewClient(entry)
    if wanted.access is not None:
        new = NewClient(entry, _access(wanted.access), _address(entry, wanted.access, wanted.place))
    try:
        new.refuse_invalid()
    except Refused as refusal:
        raise SeedRefused(wanted.place, f"cannot be: {refusal}") from refusal
    return new


def _entry(wanted: SeedClient, refs: _KnownRefs) -> ClientInput:
    clinician = refs.staff.get(wanted.clinician) if wanted.clinician else None
    if wanted.clinician and clinician is None:
        raise SeedRefused(f"{wanted.place}.clinician", f"is unknown: no staff member has the ref {wanted.clinician!r}.")
    return ClientInput(replace(wanted.details, clinician=clinician), wanted.addresses, wanted.phones)


def _invoice(client: Client, wanted: SeedInvoice, refs: _KnownRefs, *, by: Actor) -> Invoice:
    known = refs.invoice_refs.get(wanted.ref)
    if known is not None:
        return Invoice.objects.get(practice=client.practice, ref=known)
    if wanted.currency not in (None, client.practice.currency):
        raise SeedRefused(f"{wanted.place}.currency", f"must be the practice's own, {client.practice.currency}.")
    dated_on = wanted.dated_on or clock.today(client.practice.time_zone)
    if wanted.due_on is not None and wanted.due_on < dated_on:
        raise SeedRefused(f"{wanted.place}.due", "is before its date.")
    if any(line.quantity < 1 for line in wanted.lines):
        raise SeedRefused(f"{wanted.place}.lines", "has a quantity below one.")
    try:
        draft = invoicing.create_draft(client, InvoiceInput(dated_on, wanted.due_on, wanted.lines), by=by)
        invoice = invoicing.issue(draft, shown=None, by=by)
        if wanted.shared:
            # Without an email: loading seed files notifies no client.
            invoice = invoice_sharing.share(invoice, notify=False, shown=None, by=by).invoice
    except Refused as refusal:
        raise SeedRefused(wanted.place, f"cannot be: {refusal}") from refusal
    refs.add(SeedKind.INVOICE, {wanted.ref: invoice.ref})
    return invoice


def _address(entry: ClientInput, wanted: SeedAccess, place: str) -> AddressInput | None:
    if not wanted.email:
        return None
    key = mailbox_key(wanted.email)
    for address in entry.addresses:
        if mailbox_key(address.address) == key:
            return address
    raise SeedRefused(f"{place}.portal_access.email", "is not one of the client's addresses.")


def _access(wanted: SeedAccess) -> AccessInput:
    return AccessInput(
        enabled=wanted.enabled,
        address=None,
        access_billing_documents=wanted.access_billing_documents is not False,
        pay_by_card=bool(wanted.pay_by_card),
        signs_documents=wanted.signs_documents is not False,
    )
