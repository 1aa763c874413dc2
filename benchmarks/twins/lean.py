"""`Billing & Payments` and the webhook with as little as they can do: two queries, tuples, one flat template."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template import Context
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from benchmarks.twins.application import engine
from portico.domain.practices.models import OnlinePayments
from portico.plumbing import tokens
from portico.plumbing.models import InboundEvent

TOLERANCE = timedelta(minutes=5)


SESSION = """
SELECT client.id, client.first_name, practice.name
FROM access_portalsession session
JOIN practices_practice practice ON practice.id = session.practice_id
JOIN access_portalaccess access ON access.account_id = session.account_id
JOIN clients_client client ON client.id = access.client_id
WHERE session.key_hash = %s AND practice.slug = %s AND session.ended_at IS NULL AND session.seen_at > %s
"""
INVOICES = """
SELECT ref, number, dated_on, due_on, total_minor, open_minor
FROM billing_invoice
WHERE client_id = %s AND shared_at IS NOT NULL
ORDER BY id DESC LIMIT 25
"""


def billing(request: HttpRequest, slug: str) -> HttpResponse:
    key_hash = tokens.digest(request.COOKIES[settings.CLIENT_COOKIE_NAME])
    with connection.cursor() as cursor:
        cursor.execute(SESSION, (key_hash, slug, timezone.now() - timedelta(minutes=30)))
        session = cursor.fetchone()
        if session is None:
            raise Http404
        client_id, name, practice_name = session
        cursor.execute(INVOICES, (client_id,))
        rows = cursor.fetchall()
    today = str(timezone.localdate())
    bills = [
        (ref, number, str(dated_on), f"${total / 100:,.2f}", _status(left, due_on, today))
        for ref, number, dated_on, due_on, total, left in rows
    ]
    context = {
        "slug": slug,
        "name": name,
        "practice_name": practice_name,
        "balance": f"${sum(row[5] for row in rows) / 100:,.2f}",
        "bills": bills,
    }
    return HttpResponse(engine.get_template("twins/lean.html").render(Context(context)))


def _status(left: int, due_on: object, today: str) -> str:
    if not left:
        return "Paid"
    # As text: SQLite has no dates.
    return "Past due" if due_on and str(due_on) < today else "Unpaid"


@csrf_exempt
def webhook(request: HttpRequest, slug: str) -> HttpResponse:
    payments = OnlinePayments.objects.select_related("practice").get(practice__slug=slug)
    secret = payments.webhook_secret()
    parts = dict(part.split("=", 1) for part in request.headers["Stripe-Signature"].split(","))
    signed = hmac.new(secret.encode(), f"{parts['t']}.".encode() + request.body, hashlib.sha256).hexdigest()
    at = datetime.fromtimestamp(int(parts["t"]), UTC)
    if not hmac.compare_digest(signed, parts["v1"]) or abs(timezone.now() - at) > TOLERANCE:
        return HttpResponse(status=400)
    event = json.loads(request.body)
    row = InboundEvent(
        practice_id=payments.practice_id,
        source="stripe",
        event_id=event["id"],
        kind=event["type"],
        object_kind=event["data"]["object"]["object"],
        object_id=event["data"]["object"]["id"],
        livemode=event["livemode"],
        happened_at=datetime.fromtimestamp(event["created"], UTC),
        written_at=timezone.now(),
    )
    InboundEvent.objects.bulk_create([row], ignore_conflicts=True)
    return JsonResponse({"received": True})
