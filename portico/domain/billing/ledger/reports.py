"""Totals of a practice for the reports page: owed, paid, past due, processing, and monthly sums."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Subquery, Sum

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.ledger import movements, practice_owed_total
from portico.domain.billing.ledger.movement_queries import Period
from portico.domain.billing.models import AttemptState, Credit, Invoice, Payment, PaymentAttempt, PaymentKind
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CountUpTo

MONTHS = 6
# Card payments being processed are counted up to this number.
MAX_PROCESSING = 10_000


@dataclass(frozen=True)
class Month:
    """The sums of the month that begins on `first`."""

    first: date
    sums: Sums


@dataclass(frozen=True)
class PracticeTotals:
    """Amounts in minor units; `past_due`, `processing`, `unshared` and `drafts` are numbers of invoices.

    `paid_minor` and `refunded_minor` cover the current month; `unused_minor` is the unused credit of all clients.
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
    """Returns the totals as of today, with a fixed number of indexed queries."""
    today = clock.today(practice.time_zone)
    invoices, payments = Invoice.objects.filter(practice=practice), Payment.objects.filter(practice=practice)
    past_due = invoices.not_processing().filter(due_on__lt=today).aggregate(sum=Sum("open_minor"), number=Count("pk"))
    processing = invoices.processing().aggregate(sum=Sum("open_minor"), number=Count("pk"))
    months = _months(practice, today)
    unused_payments = payments.with_credit().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    credits_given = Credit.objects.filter(practice=practice).spendable().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    return PracticeTotals(
        owed_minor=practice_owed_total.owed_minor(practice),
        past_due_minor=past_due["sum"] or 0,
        past_due=past_due["number"],
        processing_minor=processing["sum"] or 0,
        processing=processing["number"],
        unshared=invoices.unshared().count(),
        drafts=invoices.drafts().count(),
        paid_minor=months[-1].sums.paid_minor,
        refunded_minor=months[-1].sums.refunded_minor,
        unused_minor=unused_payments + credits_given,
        months=months,
    )


def months_of(practice: Practice) -> tuple[Month, ...]:
    """Returns the sums of the last MONTHS months, ending with the current one."""
    return _months(practice, clock.today(practice.time_zone))


def card_activity(practice: Practice) -> tuple[datetime | None, int]:
    """Returns the time of the last online card payment, None if there is none, and how many are being processed."""
    charged = Payment.objects.filter(practice=practice, kind=PaymentKind.ONLINE).order_by("-id")
    processing = PaymentAttempt.objects.filter(practice=practice, state=AttemptState.PROCESSING)
    numbers = Subquery(charged.values("created_at")[:1]), CountUpTo(processing, MAX_PROCESSING)
    charged_at, number = Practice.objects.filter(pk=practice.pk).values_list(*numbers)[0]
    return charged_at, number


def _months(practice: Practice, today: date) -> tuple[Month, ...]:
    """Returns the sums of the last MONTHS months, ending with the current one."""
    firsts = [_months_before(today, number) for number in reversed(range(MONTHS))]
    lasts = [first - timedelta(days=1) for first in (*firsts[1:], _months_before(today, -1))]
    periods = [Period(first, last) for first, last in zip(firsts, lasts, strict=True)]
    return tuple(map(Month, firsts, movements.of_practice(practice).sums(periods)))


def _months_before(today: date, number: int) -> date:
    months = today.year * 12 + today.month - 1 - number
    return date(months // 12, months % 12 + 1, 1)
