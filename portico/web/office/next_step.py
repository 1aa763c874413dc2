"""The one thing to do now so that a client gets in, as the Overview names it."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.access.models import PortalAccess
from portico.domain.access.states import Reason
from portico.domain.clients.models import Client, PortalState
from portico.plumbing import clock
from portico.web import formats


@dataclass(frozen=True)
class NextStep:
    """What stands, what to do, and the button that goes where it is done."""

    tone: str
    heading: str
    words: str
    button: str
    address: str


def for_client(client: Client, access: PortalAccess | None, *, has_addresses: bool) -> NextStep | None:
    """None when nobody waits for anything: signed in, or archived."""
    if client.is_archived_now:
        return None
    match client.portal_state:
        case PortalState.NO_ACCESS:
            return NextStep(
                "quiet",
                _("Client Portal Access is off"),
                _("%(name)s can’t sign in until you turn it on and send an invitation.") % {"name": client.called},
                _("Turn on access"),
                _portal(client),
            )
        case PortalState.INVITED:
            return _invited(client, access)
        case PortalState.NEEDS_ATTENTION:
            return _broken(client, access, has_addresses=has_addresses)
        case _:
            return None


def _invited(client: Client, access: PortalAccess | None) -> NextStep:
    invited_at = access.invited_at if access is not None else None
    heading = _("%(name)s hasn’t signed in yet") % {"name": client.called}
    words = _("You can send the invitation again at any time; the earlier one keeps working.")
    if invited_at is not None:
        since = formats.ago(invited_at, now=clock.now(), language=get_language())
        words = _("Invited %(ago)s. You can send it again at any time; the earlier email keeps working.") % {
            "ago": since
        }
    return NextStep("wait", heading, words, _("Resend the invitation"), f"{_portal(client)}#invitation")


def _broken(client: Client, access: PortalAccess | None, *, has_addresses: bool) -> NextStep:
    name = {"name": client.called}
    address = access.address.address if access is not None and access.address is not None else ""
    match client.portal_reason:
        case Reason.NO_ADDRESS if has_addresses:
            words = _("Access is on, but %(name)s can’t sign in until an address is chosen.") % name
            return NextStep("bad", _("No email address is chosen"), words, _("Choose an address"), _portal(client))
        case Reason.NO_ADDRESS:
            words = _("Access is on, but there is no address that %(name)s could sign in with.") % name
            return NextStep("bad", _("No email address"), words, _("Add an address"), _info(client))
        case Reason.NO_EMAIL_OK:
            heading = _("Email ok is not ticked for %(address)s") % {"address": address}
            words = _("Nothing can be mailed to it. Tick it when %(name)s has said yes.") % name
            return NextStep("bad", heading, words, _("Record consent"), _info(client))
        case Reason.MAIL_STOPPED:
            heading = access.mail_stopped_reason if access is not None else ""
            words = _("Ask %(name)s to spell the address. Once it’s corrected, you can send a new invitation.") % name
            heading = heading or _("The last email was refused")
            return NextStep("bad", heading, words, _("Correct the address"), _info(client))
        case _:
            words = _("Access is on. %(name)s doesn’t know it yet.") % name
            button = _("Send an invitation")
            return NextStep("wait", _("Not invited yet"), words, button, f"{_portal(client)}#invitation")


def _portal(client: Client) -> str:
    return reverse("office:client_portal", args=[client.ref])


def _info(client: Client) -> str:
    return reverse("office:client_info", args=[client.ref])
