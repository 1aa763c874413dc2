"""The email to staff about new help requests: at most one in ten minutes for each practice, whatever arrives."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Min, OuterRef, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access.models import HelpRequest
from portico.domain.practices import mail_frame
from portico.domain.practices.models import CLIENT_EDITORS, HelpNotices, Practice, Role, StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail

KIND = "help_request"
PAUSE = timedelta(minutes=10)
MAX_PRACTICES = 100
ROLES = {
    HelpNotices.NOT_SENT: (),
    HelpNotices.OWNERS: (Role.OWNER,),
    # Those who may close a request.
    HelpNotices.CLIENT_EDITORS: CLIENT_EDITORS,
}


def announce() -> int:
    """Queues the emails about requests that were not announced yet; a scheduled task. Returns their number.

    Requests that arrive within PAUSE of the last email are announced together after it.
    """
    recent = HelpRequest.objects.filter(clock.within("announced_at", PAUSE), practice=OuterRef("practice"))
    # The longest waiting first, so that no practice waits for more than MAX_PRACTICES others for long.
    waiting = _unannounced().filter(~Exists(recent)).values("practice_id").annotate(first=Min("id")).order_by("first")
    practices = list(waiting.values_list("practice_id", flat=True)[:MAX_PRACTICES])
    return sum(_announce(practice_id) for practice_id in practices)


def _announce(practice_id: int) -> int:
    with transaction.atomic():
        practice = Practice.objects.locked().get(pk=practice_id)
        if HelpRequest.objects.filter(clock.within("announced_at", PAUSE), practice=practice).exists():
            return 0
        requests = list(_unannounced().filter(practice=practice).order_by("id"))
        if not requests:
            return 0
        members = list(recipients(practice))
        for member in members:
            _queue(practice, requests, member)
        HelpRequest.objects.filter(pk__in=[row.pk for row in requests]).update(announced_at=clock.now())
    return len(members)


def recipients(practice: Practice) -> QuerySet[StaffMember]:
    """Returns the active staff members whom the practice chose in Settings."""
    roles = ROLES[HelpNotices(practice.help_notices)]
    return StaffMember.objects.active().filter(practice=practice, role__in=roles).order_by("id")


def _unannounced() -> QuerySet[HelpRequest]:
    return HelpRequest.objects.counted().filter(announced_at=None)


def _queue(practice: Practice, requests: list[HelpRequest], member: StaffMember) -> None:
    is_about_sign_in = any(request.client_id is None for request in requests)
    outbox.queue(
        practice=practice,
        kind=KIND,
        key=f"{KIND}:{requests[-1].ref}:{member.ref}",
        to_address=member.email,
        to_name=member.name,
        # Staff read English.
        subject="A client asked for help signing in" if is_about_sign_in else "A client asked for help",
        content={"staff": member.ref, "number": len(requests)},
        by=Actor.system(),
    )


class HelpRequestMail(MailComposer):
    """The notice: that there are requests, and a link to the list; nothing of what was typed."""

    label = gettext_lazy("Notice about a help request")
    is_to_staff = True

    def refuse(self, email: OutgoingEmail) -> str | None:
        if not recipients(email.practice).filter(ref=email.content["staff"]).exists():
            return _("The staff member was deactivated or no longer gets these emails.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        # The office is in English.
        with translation.override("en"):
            context = {
                "heading": email.subject,
                "name": email.to_name,
                "number": email.content["number"],
                "href": f"{settings.PUBLIC_BASE_URL}/office/help-requests/",
                "why": _(
                    "You received this because of your role in this practice. An owner can change it in Settings."
                ),
            }
            return mail_frame.letter(email, "staff/help_request", context)
