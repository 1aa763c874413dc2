"""The list of a practice's invoices: filtered, found by number or client, a page at a time by key."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db.models import Q, Sum

from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.clients import search_terms
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.text.folding import ascii_forms

PAGE_SIZE = 25
MAX_COUNTED = 1000
# A search by a client's name looks at so many clients and no more.
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
class ListQuery:
    """What is asked for; `before` is the ref of the last invoice of the page before."""

    show: StatusFilter = StatusFilter.ALL
    query: str = ""
    before: str = ""


@dataclass(frozen=True)
class Page:
    """Some invoices, each with its client, newest first; where the next page begins (empty: nowhere)."""

    invoices: list[Invoice]
    next_before: str
    is_first: bool


def page(practice: Practice, wanted: ListQuery) -> Page:
    """One page of what is wanted. An unknown `before` begins anew."""
    rows = _wanted(practice, wanted)
    last = Invoice.objects.filter(practice=practice, ref=wanted.before).first() if wanted.before else None
    if last is not None:
        rows = rows.filter(pk__lt=last.pk)
    found = list(rows.with_attempts().with_sums().select_related("client").order_by("-id")[: PAGE_SIZE + 1])
    shown = [_of_practice(each, practice) for each in found[:PAGE_SIZE]]
    return Page(shown, shown[-1].ref if len(found) > PAGE_SIZE else "", last is None)


def all_of(practice: Practice, wanted: ListQuery) -> Iterator[Invoice]:
    """Everything that is wanted, oldest first, for a file."""
    rows = _wanted(practice, wanted).with_attempts().with_sums().select_related("client").order_by("id")
    return (_of_practice(each, practice) for each in rows.iterator(chunk_size=1000))


def counts(practice: Practice) -> dict[StatusFilter, int]:
    """How many there are of each kind, counted up to one beyond MOST_COUNTED: one small query a kind."""
    return {show: _count(_of_kind(practice, show)) for show in StatusFilter}


def capped(number: int) -> int:
    """A number of invoices as `counts` gives it."""
    return min(number, MAX_COUNTED + 1)


def still_open(practice: Practice) -> int:
    """What is still to pay in all, in minor units, over everything that was issued."""
    return Invoice.objects.filter(practice=practice).owing().aggregate(sum=Sum("open_minor"))["sum"] or 0


def _of_practice(invoice: Invoice, practice: Practice) -> Invoice:
    invoice.practice = invoice.client.practice = practice
    return invoice


def _count(rows: InvoiceQuerySet) -> int:
    return rows.order_by().values("pk")[: MAX_COUNTED + 1].count()


def _wanted(practice: Practice, wanted: ListQuery) -> InvoiceQuerySet:
    rows = _of_kind(practice, wanted.show)
    if not wanted.query:
        return rows
    number = _NUMBER.fullmatch(ascii_forms(wanted.query))
    if number is not None:
        numbered = rows.filter(number=int(number["digits"]))
        # Digits that are no invoice's number may be those of a client's phone.
        if number["prefix"] or numbered.exists():
            return numbered
    clients = [
        pk
        for batch in search_terms.look_up(practice, wanted.query).batches()
        for pk in batch.values_list("pk", flat=True)[:MAX_CLIENTS]
    ]
    return rows.filter(client_id__in=clients[:MAX_CLIENTS])


def _of_kind(practice: Practice, show: StatusFilter) -> InvoiceQuerySet:
    rows = Invoice.objects.filter(practice=practice)
    today: date = clock.today(practice.time_zone)
    match show:
        case StatusFilter.ALL:
            return rows
        case StatusFilter.DRAFT:
            return rows.drafts()
        case StatusFilter.UNSHARED:
            return rows.standing().filter(shared_at=None)
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
