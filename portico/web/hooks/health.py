"""Health and readiness probes."""

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing.database import schema_state
from portico.plumbing.files import virus_checks
from portico.plumbing.mail.reports import report_mailbox_health
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.queue import leases
from portico.web.guards import machine_page


class CheckedOnce:
    """State of this process: once applied, migrations are not checked again."""

    migrations_applied = False


@machine_page
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Returns 200 while the process answers. Checks nothing else."""
    return JsonResponse({"status": "ok"})


@machine_page
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Returns 503 while the database is unavailable or has unapplied migrations.

    The other values in the report do not affect the status.
    """
    try:
        if not migrations_are_applied():
            return JsonResponse({"status": "unready", "database": "ok", "migrations": "unapplied"}, status=503)
        report = {
            "status": "ready",
            "database": "ok",
            "migrations": "applied",
            "queue_lag_seconds": round(leases.lag(OutgoingEmail.objects.free_to_leave()).total_seconds(), 1),
            "standby": replication_state(),
            # Compared with Stripe's clock at the last call; negative if ours is slow.
            "clock_ahead_seconds": int(payment_readiness.STRIPE_CLOCK.known_difference().total_seconds()),
        }
        if settings.REPORT_MAILBOX_URL:
            report["report_mailbox"] = "unreadable" if report_mailbox_health.current_problem() else "ok"
        if settings.CLAMD_URL:
            report["virus_scanner"] = "away" if virus_checks.is_overdue() else "ok"
    except Error:
        connection.close_if_unusable_or_obsolete()
        return JsonResponse({"status": "unready", "database": "away"}, status=503)
    return JsonResponse(report)


def migrations_are_applied() -> bool:
    if not CheckedOnce.migrations_applied:
        CheckedOnce.migrations_applied = schema_state.is_up_to_date()
    return CheckedOnce.migrations_applied


def replication_state() -> str:
    """Returns the state of PostgreSQL's synchronous replication: "none", "synchronous", "missing" or "hidden"."""
    if connection.vendor != "postgresql":
        return "none"
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_standby_names")
        if not cursor.fetchone()[0]:
            return "none"
        cursor.execute("SELECT sync_state FROM pg_stat_replication")
        states = {state for (state,) in cursor.fetchall()}
    if states & {"sync", "quorum"}:
        return "synchronous"
    # Roles outside pg_monitor see that standbys exist, but not their state.
    return "hidden" if None in states else "missing"
