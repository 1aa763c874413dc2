"""The next step toward a client's first sign-in, shown on the Overview."""

from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.access import eligibility, eligibility_steps, portal_states
from portico.domain.access.diagnosis import steps
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import CheckedFact
from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, PortalState
from portico.plumbing import clock
from portico.web import formatting
from portico.web.office.fix_urls import url_of


@dataclass(frozen=True)
class NextStep:
    """The current problem, what to do, and a button that links to it. `address` is a URL path."""

    tone: str
    heading: str
    words: str
    button: str
    address: str


def next_step_for(client: Client, access: PortalAccess | None, *, has_addresses: bool) -> NextStep | None:
    """Returns the next step; None if the client has signed in or is archived, or only contacts have access."""
    own = portal_states.state_of(access).state
    if client.is_archived_now or (own is PortalState.NO_ACCESS and client.portal_state != PortalState.NO_ACCESS):
        return None
    match own:
        case PortalState.NO_ACCESS:
            return NextStep(
                "quiet",
                str(eligibility_steps.ACCESS_ON.problem),
                _("%(name)s can’t sign in until you turn it on and send an invitation.") % {"name": client.called},
                str(eligibility_steps.ACCESS_ON.fix.label),
                url_of(eligibility_steps.ACCESS_ON.fix, client),
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
    if invited_at is None:
        text = _("A PIN was generated. If it hasn’t been used, generate a new one.")
        return NextStep("wait", heading, text, _("Generate PIN"), url_of(steps.GENERATE_PIN, client))
    since = formatting.time_ago(invited_at, now=clock.now(), language=get_language())
    text = _("Invited %(ago)s. You can resend the invitation at any time. The earlier email keeps working.") % {
        "ago": since
    }
    return NextStep("wait", heading, text, _("Resend email invitation"), url_of(steps.RESEND, client))


def _broken(client: Client, access: PortalAccess | None, *, has_addresses: bool) -> NextStep:
    name = {"name": client.called}
    broken = eligibility.first_broken(access, Purpose.PORTAL_STATE)
    if broken is None:
        text = _("Access is on, but %(name)s has not been invited yet.") % name
        button = _("Send an invitation")
        return NextStep("wait", _("Not invited yet"), text, button, url_of(steps.SEND_INVITATION, client))
    heading, address = broken.explain(client, access), url_of(broken.fix, client)
    match broken.fact:
        case CheckedFact.EMAIL_OK:
            text = (
                _("No email can be sent to this address. Check Email ok when %(name)s agrees to receive email.") % name
            )
        case CheckedFact.MAIL_NOT_STOPPED:
            text = _("Ask %(name)s to spell the address. After you correct it, send a new invitation.") % name
            heading = (access.mail_stopped_reason if access is not None else "") or heading
        case _ if has_addresses:
            text = _("Access is on, but %(name)s can’t sign in until an address is chosen.") % name
        case _:
            text = _("Add one, or generate a PIN under Client Portal so that %(name)s can sign in.") % name
            add = steps.ADD_ADDRESS
            return NextStep("bad", _("No email address"), text, str(add.label), url_of(add, client))
    return NextStep("bad", heading, text, str(broken.fix.label), address)
