"""Stripe's webhook: verifies and stores an event; the worker processes it."""

from datetime import timedelta
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.stripe_sync import webhook_events
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import webhook_setup
from portico.gateways.stripe.webhook_payloads import PayloadInvalid, SignatureInvalid
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from portico.web.guards import machine_page

MAX_BYTES = 256 * 1024


@machine_page
@csrf_exempt
@require_POST
def receive(request: HttpRequest, slug: str) -> HttpResponse:
    """Returns 200 only once the event is stored, 404 if the practice has no webhook secret, else 400 or 413."""
    payments = webhook_events.find_by_slug(slug)
    if payments is None:
        raise Http404
    if len(request.body) > MAX_BYTES:
        return _refused(payments.practice, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
    signature = request.headers.get("Stripe-Signature", "")
    if not signature:
        return _refused(payments.practice, HTTPStatus.BAD_REQUEST, "no signature")
    try:
        webhook_events.receive(payments, request.body, signature)
    except SignatureInvalid:
        return _refused(payments.practice, HTTPStatus.BAD_REQUEST, "wrong signature")
    except PayloadInvalid:
        return _refused(payments.practice, HTTPStatus.BAD_REQUEST, "not an event")
    return JsonResponse({"received": True})


def _refused(practice: Practice, status: HTTPStatus, reason: str) -> HttpResponse:
    """Records the refusal in the audit log, at most 60 an hour, so that strangers cannot fill it."""
    try:
        rate_limits.spend(Limit.on("refused-events", practice.ref, max_attempts=60, window=timedelta(hours=1)))
    except RateLimitExceeded:
        pass
    else:
        audit_log.record(
            AuditAction.EVENT_REFUSED,
            practice=practice,
            by=Actor.anonymous(),
            source=webhook_setup.SOURCE,
            reason=reason,
        )
    return JsonResponse({"error": reason}, status=status)
