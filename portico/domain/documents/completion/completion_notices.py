"""The email to staff about documents that clients completed: at most one an hour for each practice."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Min, OuterRef
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.models.requests import DocumentRequestQuerySet
from portico.domain.practices import mail_frame
from portico.domain.practices.models import CLIENT_EDITORS, DocumentNotices, Practice, Role, StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail

KIND = "documents_completed"
PAUSE = timedelta(hours=1)
# Documents that a client completes one after the other are announced together.
SETTLING = timedelta(minutes=10)
# Completed documents older than this, missed because no worker was running, are only in the list.
LONGEST = timedelta(days=3)
MAX_PRACTICES = 100


def announce() -> int:
    """Queues the emails about completed documents that were not announced yet; a scheduled task. Returns their number.

    What is reviewed before is not announced. Documents completed within PAUSE of the last email wait for its end.
    """
    recent = DocumentRequest.objects.filter(clock.within("announced_at", PAUSE), practice=OuterRef("practice"))
    waiting = _unannounced().filter(~Exists(recent), practice__suspended_at=None)
    # The longest waiting first, so that no practice waits for more than MAX_PRACTICES others for long.
    first = waiting.values("practice_id").annotate(first=Min("completed_at")).order_by("first")
    settled = first.filter(first__lte=clock.now() - SETTLING)
    return sum(
        _announce(practice_id) for practice_id in list(settled.values_list("practice_id", flat=True)[:MAX_PRACTICES])
    )


def _unannounced() -> DocumentRequestQuerySet:
    """Returns what clients completed in the portal and staff have not reviewed."""
    rows = DocumentRequest.objects.unannounced().filter(submission__account__isnull=False)
    return rows.filter(completed_at__gt=clock.now() - LONGEST)


def _announce(practice_id: int) -> int:
    with transaction.atomic():
        practice = Practice.objects.locked().get(pk=practice_id)
        if DocumentRequest.objects.filter(clock.within("announced_at", PAUSE), practice=practice).exists():
            return 0
        requests = list(_unannounced().filter(practice=practice).select_related("client").order_by("id"))
        if not requests:
            return 0
        numbers = _numbers(practice, requests)
        for member, number in numbers.items():
            _queue(practice, member, number, key=requests[-1].ref)
        DocumentRequest.objects.filter(pk__in=[row.pk for row in requests]).update(announced_at=clock.now())
    return len(numbers)


def _numbers(practice: Practice, requests: Sequence[DocumentRequest]) -> Counter[StaffMember]:
    """Returns the number of documents for each staff member who gets an email."""
    members = {each.pk: each for each in StaffMember.objects.active().filter(practice=practice).order_by("id")}
    owners = [each for each in members.values() if each.role == Role.OWNER]
    editors = [each for each in members.values() if each.role in CLIENT_EDITORS]
    numbers = Counter[StaffMember]()
    for request in requests:
        clinician = members.get(request.client.clinician_id or 0)
        match practice.document_notices:
            case DocumentNotices.CLINICIAN:
                numbers.update([clinician] if clinician in editors else owners)
            case DocumentNotices.OWNERS:
                numbers.update(owners)
            case DocumentNotices.CLIENT_EDITORS:
                numbers.update(editors)
    return numbers


def _queue(practice: Practice, member: StaffMember, number: int, *, key: str) -> None:
    # Staff read English.
    with translation.override("en"):
        subject = ngettext("A document was completed", "%(number)s documents were completed", number)
    outbox.queue(
        practice=practice,
        kind=KIND,
        key=f"{KIND}:{key}:{member.ref}",
        to_address=member.email,
        to_name=member.name,
        subject=subject % {"number": number},
        content={"staff": member.ref, "number": number},
        by=Actor.system(),
    )


class DocumentsCompletedMail(MailComposer):
    """The notice: how many documents, and a link to the list; neither a title nor a client."""

    label = gettext_lazy("Notice about completed documents")
    is_to_staff = True

    def refuse(self, email: OutgoingEmail) -> str | None:
        member = StaffMember.objects.active().filter(practice=email.practice_id, ref=email.content["staff"]).first()
        notices = email.practice.document_notices
        roles = (Role.OWNER,) if notices == DocumentNotices.OWNERS else CLIENT_EDITORS
        if member is None or member.role not in roles or notices == DocumentNotices.NOT_SENT:
            return _("The staff member was deactivated or no longer gets these emails.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override("en"):
            context = {
                "heading": email.subject,
                "name": email.to_name,
                "number": email.content["number"],
                "href": f"{settings.PUBLIC_BASE_URL}/office/documents/?show=review",
                "why": _(
                    "You received this because of your role in this practice. An owner can change it in Settings."
                ),
            }
            return mail_frame.letter(email, "staff/documents_completed", context)
