"""Webhooks of email providers: verifies the events of a request and stores them; the worker applies them."""

import logging
from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portico.gateways import email_url
from portico.gateways.anymail import events
from portico.gateways.anymail.events import PayloadInvalid, ProviderEvent, SignatureInvalid
from portico.plumbing import clock
from portico.plumbing.mail.reports import delivery_reports, report_tags
from portico.plumbing.mail.reports.delivery_reports import NewReport
from portico.plumbing.models import ReportKind
from portico.web.guards import machine_page

logger = logging.getLogger(__name__)

# SendGrid collects events to requests of up to 768 KB.
MAX_BYTES = 1024 * 1024


@machine_page
@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Returns 200 only once the events are stored; 404 unless EMAIL_URL names the provider and its secret is set.

    Events about mails that are not ours, or state nothing about delivery, are counted and left out.
    """
    account = email_url.account_of(settings.EMAIL_URL)
    if account is None or account.provider.name != provider or not settings.EMAIL_HOOK_SECRET:
        raise Http404
    if len(request.body) > MAX_BYTES:
        return _refused(provider, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
    try:
        found = events.read(request, account, secret=settings.EMAIL_HOOK_SECRET)
    except SignatureInvalid:
        return _refused(provider, HTTPStatus.UNAUTHORIZED, "wrong signature or password")
    except PayloadInvalid:
        return _refused(provider, HTTPStatus.BAD_REQUEST, "not an event")
    reports = [report for event in found if (report := _report(event, provider)) is not None]
    unmatched = len(found) - len(reports) + len(delivery_reports.store(reports))
    if unmatched:
        logger.warning("mail_events.unmatched", extra={"provider": provider, "number": unmatched})
    return JsonResponse({"received": len(reports)})


def _report(event: ProviderEvent, provider: str) -> NewReport | None:
    """Returns the report for the mail whose tag the event has; None for a tag that is not ours."""
    refs = report_tags.refs_in([event.tag])
    if not refs:
        return None
    return NewReport(
        refs[0],
        provider,
        event.key,
        ReportKind(event.kind),
        event.happened_at or clock.now(),
        status_code=event.status_code,
        words=event.words,
        remote_server=event.remote_server[:254],
    )


def _refused(provider: str, status: HTTPStatus, reason: str) -> HttpResponse:
    logger.warning("mail_events.refused", extra={"provider": provider, "reason": reason})
    response = JsonResponse({"error": reason}, status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        # Amazon SNS sends the user and password of the address only when asked for them.
        response["WWW-Authenticate"] = 'Basic realm="Portico"'
    return response
