"""What somebody should look at: mails lately not delivered, without a later one in their place; payments in doubt."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portico.domain.billing.stripe_sync import payments_in_review
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState, OutgoingEmailQuerySet

NOT_DELIVERED = (EmailState.BOUNCED, EmailState.COMPLAINED, EmailState.FAILED, EmailState.DROPPED)
RECENT = timedelta(days=30)
MAX_ROWS = 99


def rows(practice: Practice) -> OutgoingEmailQuerySet:
    """The mails themselves.

    A mail to staff that was dropped is none of them: its link had run out or been replaced, or its person had left.
    Whoever still needs one asks again, and the team's page says whose invitation has run out.
    """
    later = OutgoingEmail.objects.filter(kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    to_client = later.filter(client_id=OuterRef("client_id"))
    to_colleague = later.filter(practice=practice, client=None, to_address=OuterRef("to_address"))
    wrong = OutgoingEmail.objects.filter(practice=practice, state__in=NOT_DELIVERED)
    wrong = wrong.exclude(client=None, state=EmailState.DROPPED).filter(written_at__gt=clock.now() - RECENT)
    return wrong.filter(~Exists(to_client), Q(client__isnull=False) | ~Exists(to_colleague))


def count(practice: Practice) -> str:
    """How many mails, as the menu says it; nothing when there is none."""
    return written(rows(practice).order_by("-id")[: MAX_ROWS + 1].count())


def written(number: int) -> str:
    if not number:
        return ""
    return str(number) if number <= MAX_ROWS else f"{MAX_ROWS}+"


def in_menu(request: HttpRequest) -> dict[str, object]:
    """The office's menu shows the counts; asked once, and only by pages that draw the menu."""
    practice = getattr(request, "practice", None)
    if practice is None or getattr(request, "staff", None) is None:
        return {}
    return {
        "emails_needing_a_look": SimpleLazyObject(lambda: count(practice)),
        "payments_needing_a_look": SimpleLazyObject(lambda: written(payments_in_review.count(practice))),
    }
