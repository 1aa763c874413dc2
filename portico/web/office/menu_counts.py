"""Counts for the menu of every office page: undelivered emails, payments in review, help requests, current bursts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portico.domain.access.models import Burst, HelpRequest
from portico.domain.billing.stripe_sync import payments_in_review
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, CountUpTo, Parameter
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import NOT_DELIVERED_STATES, EmailState, OutgoingEmailQuerySet
from portico.web.office import burst_notices

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
    wrong = OutgoingEmail.objects.filter(practice=practice, state__in=NOT_DELIVERED_STATES)
    wrong = wrong.exclude(client=None, state=EmailState.DROPPED).filter(written_at__gt=since or clock.now() - RECENT)
    return wrong.filter(~Exists(to_client), Q(client__isnull=False) | ~Exists(to_colleague))


@dataclass(frozen=True)
class MenuCounts:
    """The numbers of emails and payments that need a look, and of open help requests, as text, empty for none; whether
    a burst is ongoing; and the name of an owner to ask.
    """

    emails: str
    payments: str
    help_requests: str
    has_burst: bool
    owner: str


def of_practice(practice: Practice) -> MenuCounts:
    """Reads the counts, in one query."""
    since = clock.now() - RECENT
    (found,) = _numbers.rows(practice=practice.pk, emails_since=since, **payments_in_review.bounds())
    owner, emails, burst_number, help_requests, *payments = found
    return MenuCounts(
        count_label(emails), count_label(sum(payments)), count_label(help_requests), bool(burst_number), owner or ""
    )


@CompiledQuery
def _numbers(
    practice: Parameter, emails_since: Parameter, unknown_until: Parameter, refused_since: Parameter
) -> QuerySet[Practice, tuple[Any, ...]]:  # Any: a name, then numbers.
    owners = StaffMember.objects.active().filter(practice=practice, role=Role.OWNER).order_by("name", "id")
    return Practice.objects.filter(pk=practice).values_list(
        Subquery(owners.values("name")[:1]),
        CountUpTo(rows(practice, since=emails_since).order_by("-id"), MAX_ROWS + 1),
        CountUpTo(Burst.objects.ongoing().filter(practice=practice), 1),
        CountUpTo(HelpRequest.objects.counted().filter(practice=practice).order_by("id"), MAX_ROWS + 1),
        *payments_in_review.counts(practice, unknown_until=unknown_until, refused_since=refused_since),
    )


def count_label(number: int) -> str:
    if not number:
        return ""
    return str(number) if number <= MAX_ROWS else f"{MAX_ROWS}+"


def in_menu(request: HttpRequest) -> dict[str, object]:
    """Context processor: counts and bursts, read at first use, so that pages without the menu make no query."""
    practice = getattr(request, "practice", None)
    if practice is None or getattr(request, "staff", None) is None:
        return {}
    counts = cast(MenuCounts, SimpleLazyObject(lambda: of_practice(practice)))
    return {
        "emails_needing_a_look": SimpleLazyObject(lambda: counts.emails),
        "payments_needing_a_look": SimpleLazyObject(lambda: counts.payments),
        "help_requests_to_answer": SimpleLazyObject(lambda: counts.help_requests),
        "owner_to_ask": SimpleLazyObject(lambda: counts.owner),
        "bursts": SimpleLazyObject(lambda: burst_notices.ongoing(practice) if counts.has_burst else []),
    }
