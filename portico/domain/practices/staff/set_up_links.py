"""One-time links with which a staff member chooses a password: the first one, or a forgotten one."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import SetUpLink, SetUpPurpose, StaffMember, StaffSession
from portico.domain.practices.staff import security_notice_mail
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import outbox
from portico.plumbing.models import MailQueue
from portico.plumbing.refusals import Refused

INVITE, RESET = "staff_invite", "password_reset"
# A new request does not end the links in earlier mails, because people often open the oldest mail.
MAX_RESET_LINKS = 3
PURPOSE = "set-up-link"


class SetUpLinkUsed(Refused):
    """The link is used, expired or unknown."""

    def __init__(self) -> None:
        super().__init__(
            gettext_lazy("This set-up link has been used or has expired. Ask an owner of the practice for a new one.")
        )


def create_link(staff: StaffMember, *, by: Actor) -> str:
    """Creates a link (72 hours, once) and returns its token, which is stored only as a hash. Earlier links end."""
    token = tokens.new_token()
    with transaction.atomic():
        end_links(staff)
        SetUpLink.objects.create(practice=staff.practice, staff=staff, token_hash=tokens.digest(token))
        audit_log.record(AuditAction.SET_UP_LINK_MADE, practice=staff.practice, by=by, about=staff.ref)
    return token


def mail_set_up_link(staff: StaffMember, *, by: Actor) -> SetUpLink:
    """Mails the link to set up an account (72 hours, once). Earlier links end."""
    with transaction.atomic(), translation.override("en"):
        end_links(staff)
        subject = _("Your account at %(practice)s") % {"practice": staff.practice.name}
        link = _mail(staff, SetUpPurpose.BEGIN, INVITE, subject, queue=MailQueue.REST, by=by)
        audit_log.record(AuditAction.SET_UP_LINK_MADE, practice=staff.practice, by=by, about=staff.ref)
    return link


def mail_reset_link(staff: StaffMember) -> SetUpLink:
    """Mails the link to choose a new password (1 hour, once). A fourth link ends the oldest.

    In the caller's transaction, with the staff member locked.
    """
    visitor = Actor.anonymous()
    with translation.override("en"):
        link = _mail(staff, SetUpPurpose.RESET, RESET, _("Choose a new password"), queue=MailQueue.ENTRANCE, by=visitor)
    resets = staff.set_up_links.filter(used_at=None, purpose=SetUpPurpose.RESET)
    newest = resets.order_by("-id").values_list("pk", flat=True)[:MAX_RESET_LINKS]
    resets.exclude(pk__in=list(newest)).update(used_at=clock.now())
    audit_log.record(AuditAction.PASSWORD_RESET_ASKED, practice=staff.practice, by=visitor, about=staff.ref)
    return link


def _mail(
    staff: StaffMember, purpose: SetUpPurpose, kind: str, subject: str, *, queue: MailQueue, by: Actor
) -> SetUpLink:
    nonce = tokens.new_nonce()
    email = outbox.queue(
        practice=staff.practice,
        kind=kind,
        key=f"{kind}:{tokens.new_ref()}",
        to_address=staff.email,
        to_name=staff.name,
        subject=subject,
        content={},
        by=by,
        queue=queue,
        link_nonce=nonce,
    )
    token = tokens.derive(nonce, purpose=PURPOSE)
    return SetUpLink.objects.create(
        practice=staff.practice, staff=staff, purpose=purpose, email=email, token_hash=tokens.digest(token)
    )


def end_links(staff: StaffMember) -> None:
    """Ends all unused links of this person. In the caller's transaction."""
    SetUpLink.objects.unspent().filter(staff=staff).update(used_at=clock.now())


def url_of(token: str) -> str:
    """Returns the absolute URL of a set-up link."""
    return f"{settings.PUBLIC_BASE_URL}/office/set-up/{token}/"


def url_in_mail(link: SetUpLink) -> str:
    """Returns the absolute URL of a mailed link, derived from the mail's nonce. Raises tokens.KeyMissing."""
    nonce = bytes(link.email.link_nonce or b"") if link.email is not None else b""
    return url_of(tokens.derive_matching(nonce, purpose=PURPOSE, digest=link.token_hash))


def find(token: str) -> SetUpLink:
    """Returns the usable link of a token, with a staff member who may sign in. Raises SetUpLinkUsed."""
    links = SetUpLink.objects.unspent().select_related("staff__practice", "practice", "email")
    link = links.filter(token_hash=tokens.digest(token)).first()
    if link is None or link.has_expired(clock.now()) or not link.staff.may_sign_in:
        raise SetUpLinkUsed
    return link


def choose_password(token: str, password: str) -> StaffMember:
    """Uses the link, sets the password and ends all sessions and other links of that person.

    The second factor is unchanged. Raises SetUpLinkUsed, and ValidationError for a weak password.
    """
    link = find(token)
    staff = link.staff
    validate_password(password, staff)
    staff.set_password(password)
    was_forgotten = link.purpose == SetUpPurpose.RESET
    with transaction.atomic():
        # Under the lock: a deactivation is either visible here, or comes later and ends the new session too.
        if not StaffMember.objects.locked().select_related("practice").get(pk=staff.pk).may_sign_in:
            raise SetUpLinkUsed
        if not SetUpLink.objects.unspent().filter(pk=link.pk).update(used_at=clock.now()):
            raise SetUpLinkUsed
        staff.save(update_fields=["password"])
        end_links(staff)
        StaffSession.objects.filter(staff=staff).delete()
        action = AuditAction.PASSWORD_RESET if was_forgotten else AuditAction.PASSWORD_CHOSEN
        entry = audit_log.record(action, practice=staff.practice, by=staff.actor, about=staff.ref)
        if was_forgotten:
            security_notice_mail.notify(staff, entry, by=staff.actor)
    return staff
