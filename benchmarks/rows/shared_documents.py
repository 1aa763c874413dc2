"""Documents shared with every client of a large practice, made in bulk and the same at every run."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.test import Client as Browser

from benchmarks.rows import bulk_rows
from benchmarks.rows.bulk_rows import Value
from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import DocumentRequest, Packet, RequestState, Submission
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast, shared_documents

TABLES = (Packet, DocumentRequest, Submission)
# Of a hundred documents: the rest are reviewed.
SENT, STARTED, WITHDRAWN, DECLINED, TO_REVIEW = 12, 8, 1, 1, 8
DECLINED_FROM = SENT + STARTED + WITHDRAWN
COMPLETED_FROM = DECLINED_FROM + DECLINED
REVIEWED_FROM = COMPLETED_FROM + TO_REVIEW
# One client has this many packets.
OF_ONE = 40
DAYS = 720
# The accesses with an account, each with where it falls in a hundred and the age of its packet. The multipliers are
# those of random number generators, so that neighbors differ.
STAGED = """
CREATE TABLE bench_request AS
SELECT n, access, owner, account, (n * 48271 % 2147483647) % 100 AS lot, (n * 69621 % 2147483647) % {days} AS day
FROM (
    SELECT row_number() OVER (ORDER BY number, id) AS n, id AS access, client_id AS owner, account_id AS account
    FROM access_portalaccess JOIN bench_packet ON number = 1 OR id = {one}
    WHERE practice_id = {practice} AND account_id IS NOT NULL
) AS drawn
"""


def fill(practice: Practice) -> PortalAccess:
    """Shares a document with every client who has access; returns the access with OF_ONE packets and some more.

    They are copies of a consent that is signed as usual.
    """
    person = cast.client(practice, "Template", "Of Documents", address="template.of.documents@mail.example")
    cast.in_the_portal(Browser(headers={"host": "localhost"}), person)
    access = PortalAccess.objects.get(own_client=person)
    (request,) = shared_documents.shared(access, shared_documents.consent(practice, repeat_after_months=12))
    submission = shared_documents.signed(request, access)
    request.refresh_from_db()
    with (
        bulk_rows.fast_inserts(*TABLES),
        bulk_rows.staging_table("bench_packet", "number integer", ((number,) for number in range(1, OF_ONE + 1))),
        bulk_rows.staging_table("bench_sent", _day_columns(), _days()),
    ):
        bulk_rows.execute(STAGED.format(days=DAYS, one=access.pk, practice=practice.pk))
        _copy(request, submission)
        bulk_rows.execute("DROP TABLE bench_request")
    return access


def _copy(request: DocumentRequest, submission: Submission) -> None:
    source = "bench_request JOIN bench_sent USING (day)"
    base = {model: f"{bulk_rows.highest_id(model)} + n" for model in TABLES}
    owner = {"client_id": "owner", "access_id": "access"}
    packet = {
        "id": base[Packet],
        "ref": bulk_rows.ref(request.packet),
        "form_key": "'bench ' || n",
        "shared_at": "sent",
    }
    bulk_rows.multiply(request.packet, source, packet | owner)
    is_completed = f"lot >= {COMPLETED_FROM}"
    is_withdrawn = f"lot >= {SENT + STARTED} AND lot < {DECLINED_FROM}"
    is_declined = f"lot >= {DECLINED_FROM} AND lot < {COMPLETED_FROM}"
    columns = {
        "id": base[DocumentRequest],
        "ref": bulk_rows.ref(request),
        "packet_id": base[Packet],
        "state": f"CASE WHEN lot < {SENT} THEN '{RequestState.SENT}' WHEN lot < {SENT + STARTED}"
        f" THEN '{RequestState.STARTED}' WHEN {is_withdrawn} THEN '{RequestState.WITHDRAWN}'"
        f" WHEN {is_declined} THEN '{RequestState.DECLINED}'"
        f" WHEN lot < {REVIEWED_FROM} THEN '{RequestState.COMPLETED}' ELSE '{RequestState.REVIEWED}' END",
        "sent_at": "sent",
        "opened_at": f"CASE WHEN lot >= {SENT} THEN sent END",
        "started_at": f"CASE WHEN lot >= {SENT} AND lot < {SENT + STARTED} THEN sent END",
        "withdrawn_at": f"CASE WHEN {is_withdrawn} THEN sent END",
        "declined_at": f"CASE WHEN {is_declined} THEN sent END",
        "completed_at": f"CASE WHEN {is_completed} THEN sent END",
        "announced_at": f"CASE WHEN {is_completed} THEN sent END",
        "reviewed_at": f"CASE WHEN lot >= {REVIEWED_FROM} THEN sent END",
    }
    bulk_rows.multiply(request, source, columns | owner)
    completed = f"(SELECT * FROM {source} WHERE {is_completed}) AS completed"
    of_submission = {"request_id": base[DocumentRequest], "account_id": "account", "submitted_at": "sent"}
    bulk_rows.multiply(submission, completed, {**of_submission, "ref": bulk_rows.ref(submission)})


def _day_columns() -> str:
    return f"day integer, sent {'timestamptz' if connection.vendor == 'postgresql' else 'datetime'}"


def _days() -> Iterator[tuple[Value, ...]]:
    now = clock.now()
    for age in range(DAYS):
        at = now - timedelta(days=age)
        # As Django stores it on SQLite.
        yield age, at.isoformat() if connection.vendor == "postgresql" else at.strftime("%Y-%m-%d %H:%M:%S.%f")
