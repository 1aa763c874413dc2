"""Counts for the office menu: undelivered emails without a later one, and payments in review."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portico.domain.billing.stripe_sync import payments_in_review
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, CountUpTo, Parameter
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState, OutgoingEmailQuerySet

NOT_DELIVERED = (EmailState.BOUNCED, EmailState.COMPLAINED, EmailState.FAILED, EmailState.DROPPED)
RECENT = timedelta(days=30)
MAX_ROWS = 99


def rows(practice: Practice | Parameter, *, since: datetime | Parameter | None = None) -> OutgoingEmailQuerySet:
    """Returns the emails that were not delivered in the last 30 days and have no later one in their place.

    Excludes dropped emails to staff: their link had expired or been replaced, or the person had left. The team page
    shows expired invitations.
    """
    later = OutgoingEmail.objects.filter(kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    to_client = later.filter(client_id=OuterRef("client_id"))
    to_colleague = later.filter(practice=practice, client=None, to_address=OuterRef("to_address"))
    wrong = OutgoingEmail.objects.filter(practice=practice, state__in=NOT_DELIVERED)
    wrong = wrong.exclude(client=None, state=EmailState.DROPPED).filter(written_at__gt=since or clock.now() - RECENT)
    return wrong.filter(~Exists(to_client), Q(client__isnull=False) | ~Exists(to_colleague))


def count(practice: Practice) -> str:
    """Returns the number of such emails as text; empty for none."""
    return count_label(_numbers.rows(practice=practice.pk, since=clock.now() - RECENT)[0][0])


@CompiledQuery
def _numbers(practice: Parameter, since: Parameter) -> QuerySet[Practice, tuple[int]]:
    newest = rows(practice, since=since).order_by("-id")
    return Practice.objects.filter(pk=practice).values_list(CountUpTo(newest, MAX_ROWS + 1))


def count_label(number: int) -> str:
    if not number:
        return ""
    return str(number) if number <= MAX_ROWS else f"{MAX_ROWS}+"


def in_menu(request: HttpRequest) -> dict[str, object]:
    """Context processor: the counts, computed at first use, so that pages without the menu make no query."""
    practice = getattr(request, "practice", None)
    if practice is None or getattr(request, "staff", None) is None:
        return {}
    return {
        "emails_needing_a_look": SimpleLazyObject(lambda: count(practice)),
        "payments_needing_a_look": SimpleLazyObject(lambda: count_label(payments_in_review.count(practice))),
    }
