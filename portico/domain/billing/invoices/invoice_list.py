"""The list of a practice's invoices: status filters, search by number or client, keyset pagination."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db.models import Exists, Q, QuerySet

from portico.domain.billing.models import Invoice, InvoiceKind
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.clients import search_terms
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, CountUpTo, Parameter
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.plumbing.text.folding import ascii_forms

PAGE_SIZE = 25
MAX_COUNTED = 1000
# A search by a client's name considers at most this many clients.
MAX_CLIENTS = 200
# 1038, #1038, Invoice 1038, INV-1038, No. 1038.
_NUMBER = re.compile(
    r"\s*(?P<prefix>#|(?:invoice|inv\.?|no\.?)\s*#?)?[\s-]*(?P<digits>\d{1,9})\s*", re.ASCII | re.IGNORECASE
)


class StatusFilter(StrEnum):
    ALL = ""
    DRAFT = "draft"
    UNSHARED = "unshared"
    UNPAID = "unpaid"
    PAST_DUE = "past_due"
    PROCESSING = "processing"
    PAID = "paid"
    VOID = "void"


@dataclass(frozen=True)
class InvoiceQuery:
    """The filter, the search text, and in `before` the ref of the last invoice on the previous page."""

    show: StatusFilter = StatusFilter.ALL
    query: str = ""
    before: str = ""


def page(practice: Practice, query: InvoiceQuery) -> KeysetPage[Invoice]:
    """Returns one page of the matching invoices with their clients; the first page if `before` is unknown."""
    if query == InvoiceQuery():
        found = keyset_pagination.page_of(_newest.rows(practice=practice.pk), is_first=True, size=PAGE_SIZE)
    else:
        after = keyset_pagination.position_of(Invoice.objects.filter(practice=practice), query.before)
        found = keyset_pagination.newest_first(_with_columns(_matching(practice, query)), after=after, size=PAGE_SIZE)
    for invoice in found.rows:
        _with_practice(invoice, practice)
    return found


@CompiledQuery
def _newest(practice: Parameter) -> QuerySet[Invoice]:
    # One more, if there is a next page.
    return _with_columns(Invoice.objects.filter(practice=practice)).order_by("-id")[: PAGE_SIZE + 1]


def all_of(practice: Practice, query: InvoiceQuery) -> Iterator[Invoice]:
    """Returns all matching invoices, oldest first, for an export."""
    rows = _with_columns(_matching(practice, query)).order_by("id")
    return (_with_practice(each, practice) for each in rows.iterator(chunk_size=1000))


def number_of(practice: Practice, query: InvoiceQuery) -> int:
    """Returns the number of all matching invoices."""
    return _matching(practice, query).count()


def _with_columns(invoices: InvoiceQuerySet) -> InvoiceQuerySet:
    """Adds what a row of the list shows."""
    return invoices.with_attempts().with_sums().select_related("client")


def counts(practice: Practice) -> dict[StatusFilter, int]:
    """Returns the number of invoices for each filter, counted up to MAX_COUNTED + 1, in one query."""
    (numbers,) = _numbers.rows(practice=practice.pk, today=clock.today(practice.time_zone))
    return dict(zip(StatusFilter, numbers, strict=True))


@CompiledQuery
def _numbers(practice: Parameter, today: Parameter) -> QuerySet[Practice, tuple[int, ...]]:
    of_practice = Invoice.objects.filter(practice=practice)
    found = {show: _filtered(of_practice, show, today) for show in StatusFilter}
    # Those that are not due yet are at the end of the index of what is owed; before them are all that are past due.
    found[StatusFilter.UNPAID] = found[StatusFilter.UNPAID].order_by("-due_on", "-id")
    return Practice.objects.filter(pk=practice).values_list(
        *(CountUpTo(rows, MAX_COUNTED + 1) for rows in found.values())
    )


def latest_of(client: Client) -> Invoice | None:
    """Returns the client's newest issued invoice for services, without void ones."""
    issued = Invoice.objects.filter(client=client, kind=InvoiceKind.CHARGES).valid()
    return issued.order_by("-id").first()


def _with_practice(invoice: Invoice, practice: Practice) -> Invoice:
    invoice.practice = invoice.client.practice = practice
    return invoice


def _matching(practice: Practice, query: InvoiceQuery) -> InvoiceQuerySet:
    rows = Invoice.objects.filter(practice=practice)
    rows = _filtered(rows, query.show, clock.today(practice.time_zone))
    if not query.query:
        return rows
    number = _NUMBER.fullmatch(ascii_forms(query.query))
    if number is not None:
        numbered = rows.filter(number=int(number["digits"]))
        return numbered if number["prefix"] else _or_by_phone(practice, numbered, rows, number["digits"])
    clients = [
        pk
        for batch in search_terms.look_up(practice, query.query).batches()
        for pk in batch.values_list("pk", flat=True)[:MAX_CLIENTS]
    ]
    return rows.filter(client_id__in=clients[:MAX_CLIENTS])


def _or_by_phone(practice: Practice, numbered: InvoiceQuerySet, rows: InvoiceQuerySet, digits: str) -> InvoiceQuerySet:
    """Returns the numbered invoices; if there are none, those of clients whose phone number contains the digits.

    A union, and not two conditions joined by OR: each part then uses its own index.
    """
    clients = search_terms.clients_with_term(practice, digits)[:MAX_CLIENTS]
    by_phone = rows.filter(~Exists(numbered), client_id__in=clients)
    either = numbered.order_by().values("pk").union(by_phone.order_by().values("pk"), all=True)
    return Invoice.objects.filter(pk__in=either)


def _filtered(rows: InvoiceQuerySet, show: StatusFilter, today: date | Parameter) -> InvoiceQuerySet:
    match show:
        case StatusFilter.ALL:
            return rows
        case StatusFilter.DRAFT:
            return rows.drafts()
        case StatusFilter.UNSHARED:
            return rows.unshared()
        case StatusFilter.UNPAID:
            return rows.not_processing().filter(Q(due_on=None) | Q(due_on__gte=today))
        case StatusFilter.PAST_DUE:
            return rows.not_processing().filter(due_on__lt=today)
        case StatusFilter.PROCESSING:
            return rows.processing()
        case StatusFilter.PAID:
            return rows.settled()
        case StatusFilter.VOID:
            return rows.filter(voided_at__isnull=False)
