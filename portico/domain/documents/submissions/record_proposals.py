"""`Update client record`: answers of a completed form that differ from the client's record, applied one by one."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import client_changes
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import (
    FIRST_YEAR_OF_BIRTH,
    AddressInput,
    ClientDetails,
    ClientInput,
    PhoneInput,
)
from portico.domain.clients.models import Client, ClientKind, Contact, Status
from portico.domain.documents.completion import drafts, request_states
from portico.domain.documents.forms import answer_items, record_fields
from portico.domain.documents.forms.record_fields import RecordField
from portico.domain.documents.models import DocumentRequest, Submission, TemplateKind, TemplateVersion
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import AuditEntry
from portico.plumbing.text import phone_number_display, time_formatting
from portico.plumbing.text.mailboxes import mailbox_key

LABELS = {
    RecordField.FIRST_NAME: gettext_lazy("First name"),
    RecordField.LAST_NAME: gettext_lazy("Last name"),
    RecordField.PREFERRED_NAME: gettext_lazy("Preferred name"),
    RecordField.DATE_OF_BIRTH: gettext_lazy("Date of birth"),
    RecordField.PHONE: gettext_lazy("Phone"),
    RecordField.EMAIL: gettext_lazy("Email"),
}
_MAX_NAME = 100


@dataclass(frozen=True)
class Proposal:
    """A field that the form answered differently. `old` and `new` are for staff; `old` is empty for an empty field.

    A phone number or an email address is added beside those on record. `problem` says why the answer can't be taken,
    else it is empty. `change` returns the input of `Client Info` with the answer in it.
    """

    field: RecordField
    old: str
    new: str
    change: Callable[[ClientInput], ClientInput]
    problem: str = ""

    @property
    def label(self) -> str:
        return str(LABELS[self.field])

    @property
    def is_added(self) -> bool:
        return self.field in (RecordField.PHONE, RecordField.EMAIL)


def proposals_of(request: DocumentRequest) -> list[Proposal]:
    """Returns what a completed form proposes for its client, in the order of the form; for a couple, nothing.

    A field that a later form of the client answered is left out, and one that was written from this form before: an
    old answer must not replace a newer one. The own phone number or address of a contact who answered can't be taken.
    Expects the request with its submission, version and template. Reads nothing if no question is linked.
    """
    client = request.client
    if request.version.template.kind != TemplateKind.FORM or client.kind != ClientKind.PERSON:
        return []
    answers = dict(_linked_answers(request.submission, request.version))
    if not answers:
        return []
    current = _current(client)
    found = (_propose(client, current, field, text) for field, text in answers.items())
    proposals = [each for each in found if each is not None]
    if any(each.is_added for each in proposals) and request.access.relationship is not None:
        proposals = _mark_own(proposals, request.access.relationship.contact)
    settled = _fields_answered_after(request) | _fields_written_from(request) if proposals else ()
    return [each for each in proposals if each.field not in settled]


@retry_on_deadlock
def apply(request: DocumentRequest, fields: Collection[str], *, version: int, by: Actor) -> list[Proposal]:
    """Writes the chosen proposals to the client's record; returns them. Those that are on record are left out.

    `version` is that of the client on the page. An email address is added without `Email ok`: consent is recorded by
    staff who asked. Raises ClientConflict, ClientArchived.
    """
    with transaction.atomic():
        chosen = [each for each in proposals_of(request) if each.field in fields and not each.problem]
        if not chosen:
            return []
        entry = _current(request.client)
        for each in chosen:
            entry = each.change(entry)
        client_changes.save_client_info(request.client, entry, version=version, by=by)
        names = ", ".join(each.field.value for each in chosen)
        request_states.record(
            AuditAction.RECORD_UPDATED, request, by=by, submission=request.submission.ref, fields=names
        )
    return chosen


def _mark_own(proposals: Collection[Proposal], contact: Contact) -> list[Proposal]:
    """Returns the proposals, with a problem where a contact answered with their own phone number or email address."""
    own = {phone_number_display.formatted(each.number) for each in contact.phone_numbers.all()}
    own |= {each.mailbox_key for each in contact.email_addresses.open()}
    problem = _("%(name)s has this in Contacts: it is their own.") % {"name": contact.name}
    return [
        replace(each, problem=problem) if each.is_added and not each.problem and _as_compared(each) in own else each
        for each in proposals
    ]


def _as_compared(proposal: Proposal) -> str:
    return mailbox_key(proposal.new) if proposal.field == RecordField.EMAIL else proposal.new


def _fields_answered_after(request: DocumentRequest) -> set[RecordField]:
    """Returns the linked fields that later forms about the client answered; runs one query."""
    later = Submission.objects.filter(pk__gt=request.submission.pk, request__client=request.client_id)
    of_forms = later.filter(request__version__template__kind=TemplateKind.FORM).select_related("request__version")
    return {field for each in of_forms for field, _text in _linked_answers(each, each.request.version)}


def _fields_written_from(request: DocumentRequest) -> set[str]:
    """Returns the codes of the fields that staff have copied from this form to the record; runs one query."""
    written = AuditEntry.objects.filter(client=request.client, action=AuditAction.RECORD_UPDATED, about=request.ref)
    return {field for details in written.values_list("details", flat=True) for field in details["fields"].split(", ")}


def _linked_answers(submission: Submission, version: TemplateVersion) -> Iterator[tuple[RecordField, str]]:
    """Yields each linked field with its answer: a line of text, or a date as in ISO 8601."""
    form = drafts.questionnaire_of(version, submission.language)
    linked = {item.link_id: record_fields.field_of(item) for item in form.questions}
    seen: set[RecordField] = set()
    for link_id, answers in answer_items.flatten(submission.answers).items():
        field = linked.get(link_id)
        if field is not None and field not in seen and answers:
            seen.add(field)
            ((_key, value),) = answers[0].items()
            yield field, str(value)


def _current(client: Client) -> ClientInput:
    """Returns the record as `Client Info` would save it unchanged."""
    details = ClientDetails(
        client.first_name,
        client.last_name,
        client.preferred_name,
        client.date_of_birth,
        client.language,
        client.clinician,
        Status(client.status),
        ClientKind(client.kind),
    )
    addresses = client.email_addresses.open().order_by("id")
    return ClientInput(
        details,
        tuple(AddressInput(each.address, each.kind, each.email_ok, each.ref) for each in addresses),
        tuple(PhoneInput(each.number, each.kind) for each in client.phone_numbers.order_by("id")),
    )


def _propose(client: Client, current: ClientInput, field: RecordField, text: str) -> Proposal | None:
    match field:
        case RecordField.PHONE:
            return _propose_phone(client, current, text)
        case RecordField.EMAIL:
            return _propose_email(current, text)
        case RecordField.DATE_OF_BIRTH:
            return _propose_date(client, current, date.fromisoformat(text))
        case _:
            return _propose_name(current, field, text)


def _propose_name(current: ClientInput, field: RecordField, text: str) -> Proposal | None:
    name = field.value.replace("-", "_")
    old = getattr(current.details, name)
    # Staff who see the client's first name as the preferred one have nothing to change.
    if text == old or (field == RecordField.PREFERRED_NAME and not old and text == current.details.first_name):
        return None

    def change(entry: ClientInput) -> ClientInput:
        details: dict[str, Any] = {name: text}
        return replace(entry, details=replace(entry.details, **details))

    return Proposal(field, old, text, change, _("It is longer than 100 characters.") if len(text) > _MAX_NAME else "")


def _propose_date(client: Client, current: ClientInput, day: date) -> Proposal | None:
    old = current.details.date_of_birth
    if day == old:
        return None
    today = clock.today(client.practice.time_zone)
    is_possible = day.year >= FIRST_YEAR_OF_BIRTH and day <= today

    def change(entry: ClientInput) -> ClientInput:
        return replace(entry, details=replace(entry.details, date_of_birth=day))

    written = time_formatting.full_day(old, "en") if old else ""
    problem = "" if is_possible else _("This is not a valid date of birth.")
    return Proposal(RecordField.DATE_OF_BIRTH, written, time_formatting.full_day(day, "en"), change, problem)


def _propose_phone(client: Client, current: ClientInput, text: str) -> Proposal | None:
    old = ", ".join(phone_number_display.formatted(each.number) for each in current.phones)
    try:
        number = phone_number_display.e164(text, client.practice.country)
    except ValueError:
        return Proposal(RecordField.PHONE, old, text, _unchanged, _("This is not a complete phone number."))
    if number in {each.number for each in current.phones}:
        return None

    def change(entry: ClientInput) -> ClientInput:
        return replace(entry, phones=(*entry.phones, PhoneInput(number, "mobile")))

    return Proposal(RecordField.PHONE, old, phone_number_display.formatted(number), change)


def _propose_email(current: ClientInput, text: str) -> Proposal | None:
    old = ", ".join(each.address for each in current.addresses)
    try:
        key = mailbox_key(text)
    except ValueError:
        return Proposal(RecordField.EMAIL, old, text, _unchanged, _("This is not a complete email address."))
    if key in {mailbox_key(each.address) for each in current.addresses}:
        return None

    def change(entry: ClientInput) -> ClientInput:
        return replace(entry, addresses=(*entry.addresses, AddressInput(text, "home", email_ok=False)))

    return Proposal(RecordField.EMAIL, old, text, change)


def _unchanged(entry: ClientInput) -> ClientInput:
    return entry
