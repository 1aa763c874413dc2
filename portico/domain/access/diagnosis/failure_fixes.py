"""The fix of a mailbox whose last mail failed."""

from portico.domain.access import eligibility_steps
from portico.domain.access.diagnosis import steps
from portico.domain.access.eligibility_steps import Fix
from portico.domain.access.models import PortalAccess
from portico.plumbing.models.outgoing_emails import REJECTED_STATES, EmailState, FailureCause


def fix_of(state: str, cause: str, access: PortalAccess, *, has_stop: bool) -> Fix:
    """Returns the fix for a mail with this state and cause; `has_stop` is True while its mailbox is stopped.

    The address may be marked as stopped without a stop, and the stop may be lifted although no later mail was sent.
    """
    is_stopped = has_stop or not eligibility_steps.MAIL_NOT_STOPPED.holds(access)
    if cause and state in REJECTED_STATES and not is_stopped:
        return invite_again(access)
    match cause:
        case FailureCause.COMPLAINED | FailureCause.PROVIDER_LIST:
            return eligibility_steps.LIFT_STOP if has_stop else invite_again(access)
        case FailureCause.NO_MAILBOX | "":
            return eligibility_steps.MAIL_NOT_STOPPED.fix
        case _:
            # A stop is made for these causes only if the mailbox rejects mail again and again.
            is_bounced = has_stop or state == EmailState.BOUNCED
            return eligibility_steps.MAIL_NOT_STOPPED.fix if is_bounced else steps.GENERATE_PIN


def invite_again(access: PortalAccess) -> Fix:
    return steps.SEND_INVITATION if access.invited_at is None else steps.RESEND
