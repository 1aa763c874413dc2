"""What monitors and load balancers ask."""

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portico.domain.practices.stripe_setup import clock_checks
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.queue import leases
from portico.web.guards import machine_page


class Seen:
    """What this process need not ask again: migrations that are applied stay applied."""

    migrations_applied = False


@machine_page
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    return JsonResponse({"status": "ok"})


@machine_page
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """503 while the database is away or behind; what else is reported keeps nobody out.

    What is reported is asked of the database, so it answers while it is there.
    """
    try:
        if not migrations_are_applied():
            return JsonResponse({"status": "unready", "database": "ok", "migrations": "unapplied"}, status=503)
        report = {
            "status": "ready",
            "database": "ok",
            "migrations": "applied",
            "queue_lag_seconds": round(leases.lag(OutgoingEmail.objects.free_to_leave()).total_seconds(), 1),
            "standby": standby(),
            # By Stripe's clock, as far as it was asked; negative when ours is slow.
            "clock_ahead_seconds": int(clock_checks.known().total_seconds()),
        }
    except Error:
        connection.close_if_unusable_or_obsolete()
        return JsonResponse({"status": "unready", "database": "away"}, status=503)
    return JsonResponse(report)


def migrations_are_applied() -> bool:
    if not Seen.migrations_applied:
        executor = MigrationExecutor(connection)
        Seen.migrations_applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return Seen.migrations_applied


def standby() -> str:
    """Whether a commit waits for a second machine: "none" asked for, "synchronous", "missing", or "hidden" from us."""
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
    # A role outside pg_monitor sees that there are others and not what they do.
    return "hidden" if None in states else "missing"
