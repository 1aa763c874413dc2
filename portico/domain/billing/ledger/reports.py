"""A practice's books in a few figures: owed, paid, waiting; and month by month."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Sum

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.ledger import movements
from portico.domain.billing.ledger.movement_queries import Period
from portico.domain.billing.models import AttemptState, Credit, Invoice, Payment, PaymentAttempt, PaymentKind
from portico.domain.practices.models import Practice
from portico.plumbing import clock

MONTHS = 6


@dataclass(frozen=True)
class Month:
    """A month's sums."""

    first: date
    sums: Sums


@dataclass(frozen=True)
class PracticeTotals:
    """All in minor units.

    `paid_minor` and `refunded_minor` are of this month, `unused_minor` is what clients have left over.
    """

    owed_minor: int
    past_due_minor: int
    past_due: int
    processing_minor: int
    processing: int
    unshared: int
    drafts: int
    paid_minor: int
    refunded_minor: int
    unused_minor: int
    months: tuple[Month, ...]


def totals_of(practice: Practice) -> PracticeTotals:
    """As of today; a fixed number of queries, each from an index."""
    today = clock.today(practice.time_zone)
    invoices, payments = Invoice.objects.filter(practice=practice), Payment.objects.filter(practice=practice)
    past_due = invoices.not_processing().filter(due_on__lt=today).aggregate(sum=Sum("open_minor"), number=Count("pk"))
    moving = invoices.processing().aggregate(sum=Sum("open_minor"), number=Count("pk"))
    months = _months(practice, today)
    left_over = payments.with_credit().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    given = Credit.objects.filter(practice=practice).spendable().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    return PracticeTotals(
        owed_minor=invoices.owing().aggregate(sum=Sum("open_minor"))["sum"] or 0,
        past_due_minor=past_due["sum"] or 0,
        past_due=past_due["number"],
        processing_minor=moving["sum"] or 0,
        processing=moving["number"],
        unshared=invoices.standing().filter(shared_at=None).count(),
        drafts=invoices.drafts().count(),
        paid_minor=months[-1].sums.paid_minor,
        refunded_minor=months[-1].sums.refunded_minor,
        unused_minor=left_over + given,
        months=months,
    )


def last_charged_at(practice: Practice) -> datetime | None:
    """When a card was last charged online, as far as the books know."""
    charged = Payment.objects.filter(practice=practice, kind=PaymentKind.ONLINE).order_by("-id")
    return charged.values_list("created_at", flat=True).first()


def being_processed(practice: Practice) -> int:
    """How many payments by card have an outcome that is not known yet."""
    return PaymentAttempt.objects.filter(practice=practice, state=AttemptState.PROCESSING).count()


def _months(practice: Practice, today: date) -> tuple[Month, ...]:
    """The last months, the present one last."""
    firsts = [_months_before(today, number) for number in reversed(range(MONTHS))]
    lasts = [first - timedelta(days=1) for first in (*firsts[1:], _months_before(today, -1))]
    periods = [Period(first, last) for first, last in zip(firsts, lasts, strict=True)]
    return tuple(map(Month, firsts, movements.of_practice(practice).sums(periods)))


def _months_before(today: date, number: int) -> date:
    months = today.year * 12 + today.month - 1 - number
    return date(months // 12, months % 12 + 1, 1)
