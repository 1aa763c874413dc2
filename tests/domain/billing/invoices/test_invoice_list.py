"""The list of invoices: its counts read small indexes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.billing.invoices import invoice_list
from portico.domain.practices.models import Practice


@pytest.mark.django_db
@pytest.mark.sqlite  # PostgreSQL scans so small a table; `make bench` shows its plans for a large one.
def test_each_filter_is_counted_with_its_own_index(practice: Practice) -> None:
    """SQLite has no statistics: of two indexes that fit, it takes the one that was created last."""
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        invoice_list.counts(practice)
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {asked.captured_queries[-1]['sql']}").fetchall())
    used = [
        *("billing_invoices_newest", "billing_drafts_newest", "billing_unshared", "billing_invoices_owing"),
        *("billing_paid_newest", "billing_void_newest", "billing_attemptinvoice_one_open"),
    ]
    assert [name for name in used if f"INDEX {name} " not in plan] == []
    assert "billing_invoiced_by_day" not in plan
    assert "TEMP B-TREE" not in plan
