"""The total that a practice is owed, kept so that no page adds up every open invoice.

`Invoice.totaled_minor` is the part of an invoice that is included in its practice's `OwedTotal`. Where it differs from
what is owed, the difference is added when the total is read, until the worker includes it. An operation on an invoice
therefore neither writes the total nor waits for other operations. See docs/decisions/0024-totals-owed.md.
"""

from collections import Counter

from django.db import transaction
from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, Coalesce

from portico.domain.billing.models import Invoice, OwedTotal
from portico.domain.billing.models.invoices import OWED
from portico.domain.practices.models import Practice
from portico.plumbing.database.compiled import CompiledQuery, Parameter

BATCH_SIZE = 1_000
MAX_BATCHES = 20
_DIFFERENCE = Coalesce(OWED, 0) - Coalesce(F("totaled_minor"), 0)


def owed_minor(practice: Practice) -> int:
    """Returns the total still to pay on all issued invoices, in minor units."""
    kept, changed = _parts.rows(practice=practice.pk)[0]
    return kept + changed


@CompiledQuery
def _parts(practice: Parameter) -> QuerySet[Practice, tuple[int, int]]:
    """Selects the kept total, and the differences that are not included in it: in one query, so that they match."""
    kept = OwedTotal.objects.filter(practice=OuterRef("pk")).values("minor")
    changed = Invoice.objects.filter(practice=OuterRef("pk")).not_totaled().order_by().values("practice")
    differences = changed.annotate(sum_of=Sum(_DIFFERENCE)).values("sum_of")
    return Practice.objects.filter(pk=practice).values_list(
        Coalesce(Subquery(kept), 0),
        # PostgreSQL's sum of a bigint column is numeric.
        Coalesce(Cast(Subquery(differences), BigIntegerField()), 0),
    )


def include_changes() -> int:
    """Includes the differences in the totals, in batches; a scheduled task. Returns the number of invoices."""
    number = 0
    for _batch in range(MAX_BATCHES):
        included = _include_batch()
        number += included
        if included < BATCH_SIZE:
            break
    return number


def _include_batch() -> int:
    with transaction.atomic():
        # Locked, so that no other worker includes the same difference; rows that an operation has locked can wait.
        changed = Invoice.objects.not_totaled().select_for_update(no_key=True, skip_locked=True)
        # In no order: for one, SQLite may read the index of all invoices.
        rows = changed.values_list("practice_id", "pk", _DIFFERENCE)
        return _include(list(rows[:BATCH_SIZE]))


def _include(rows: list[tuple[int, int, int]]) -> int:
    """Includes locked invoices: practice, id and difference of each. Returns their number."""
    differences: Counter[int] = Counter()
    for practice, _pk, difference in rows:
        differences[practice] += difference
    Invoice.objects.filter(pk__in=[pk for _practice, pk, _difference in rows]).update(totaled_minor=OWED)
    OwedTotal.objects.bulk_create((OwedTotal(practice_id=practice) for practice in differences), ignore_conflicts=True)
    # In one order, to prevent deadlocks.
    for practice, difference in sorted(differences.items()):
        OwedTotal.objects.filter(practice=practice).update(minor=F("minor") + difference)
    return len(rows)
