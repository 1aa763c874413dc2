"""The steps of signing in, what is found about each, and the fix of one that is broken."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portico.domain.access import eligibility_steps
from portico.domain.access.eligibility_steps import Fix, Page
from portico.domain.access.eligibility_steps import Step as EligibilityStep


class StepName(StrEnum):
    """The ten steps, in their order."""

    ACCESS_ON = "access_on"
    ADDRESS_CHOSEN = "address_chosen"
    EMAIL_OK = "email_ok"
    INVITATION_SENT = "invitation_sent"
    ACCEPTED = "accepted"
    NOT_BOUNCED = "not_bounced"
    LINK_OPENED = "link_opened"
    PRESSED = "pressed"
    SIGNED_IN = "signed_in"
    SESSION_KEPT = "session_kept"


class StepState(StrEnum):
    OK = "ok"
    BROKEN = "broken"
    # Someone else has to act, or time has to pass.
    WAITING = "waiting"
    UNKNOWN = "unknown"
    # After the step that is broken or waiting.
    AHEAD = "ahead"


STOPS = (StepState.BROKEN, StepState.WAITING)


class Cause(StrEnum):
    """The reason that a step is broken or waiting; pages choose what to say on the phone by it."""

    SUSPENDED = "suspended"
    ARCHIVED = "archived"
    ACCESS_OFF = "access_off"
    NO_ADDRESS = "no_address"
    NO_EMAIL_OK = "no_email_ok"
    NOT_INVITED = "not_invited"
    MAIL_ON_ITS_WAY = "mail_on_its_way"
    MAIL_DELAYED = "mail_delayed"
    MAIL_NOT_SENT = "mail_not_sent"
    MAIL_BOUNCED = "mail_bounced"
    MARKED_AS_SPAM = "marked_as_spam"
    # The mailbox exists, but did not take the email.
    MAIL_REJECTED = "mail_rejected"
    LINK_NOT_OPENED = "link_not_opened"
    LINK_NOT_USED = "link_not_used"
    LINK_EXPIRED = "link_expired"
    # The client needs a new PIN for the next sign-in.
    PIN_NEEDED = "pin_needed"
    PIN_NOT_ENTERED = "pin_not_entered"
    PIN_EXPIRED = "pin_expired"
    TOO_MANY_PINS = "too_many_pins"
    # Entered from one network, which clients share.
    TOO_MANY_PINS_NEARBY = "too_many_pins_nearby"
    NOT_INCLUDED = "not_included"
    # The link of the newest email still works.
    LAST_ATTEMPT_FAILED = "last_attempt_failed"
    # It does not.
    NEW_LINK_NEEDED = "new_link_needed"
    # Of a client who signs in with a PIN.
    LAST_PIN_FAILED = "last_pin_failed"


SEND_INVITATION = Fix("invite", Page.CLIENT_PORTAL, _("Send an invitation"))
RESEND = Fix("resend", Page.CLIENT_PORTAL, _("Resend email invitation"))
GENERATE_PIN = Fix("pin", Page.CLIENT_PORTAL, _("Generate a PIN"))
GENERATE_NEW_PIN = Fix("pin", Page.CLIENT_PORTAL, _("Generate a new PIN"))
ALLOW_MORE_TRIES = Fix("tries", Page.CLIENT_PORTAL, _("Allow more tries"))
ADD_ADDRESS = Fix("add_address", Page.CLIENT_INFO, _("Add an address"))
OPEN_EMAIL = Fix("open_email", Page.EMAIL, _("Open the email to try again"))

# The requirements that a step consists of. What else a step needs is in `mail_checks`.
REQUIREMENTS: dict[StepName, tuple[EligibilityStep, ...]] = {
    StepName.ACCESS_ON: (
        eligibility_steps.NOT_ARCHIVED,
        eligibility_steps.RELATIONSHIP_CURRENT,
        eligibility_steps.ACCESS_ON,
    ),
    StepName.ADDRESS_CHOSEN: (eligibility_steps.ADDRESS_CHOSEN, eligibility_steps.ADDRESS_OPEN),
    StepName.EMAIL_OK: (eligibility_steps.EMAIL_OK,),
    StepName.NOT_BOUNCED: (eligibility_steps.MAIL_NOT_STOPPED,),
}
# The name of a step that is not reached yet.
TITLES = {
    StepName.ACCESS_ON: _("Access is on"),
    StepName.ADDRESS_CHOSEN: _("An address is chosen"),
    StepName.EMAIL_OK: _("Email ok"),
    StepName.INVITATION_SENT: _("Invitation sent"),
    StepName.ACCEPTED: _("Accepted by the recipient’s mail server"),
    StepName.NOT_BOUNCED: _("Not bounced"),
    StepName.LINK_OPENED: _("Link opened"),
    StepName.PRESSED: _("Link used or code entered"),
    StepName.SIGNED_IN: _("Signed in"),
    StepName.SESSION_KEPT: _("Stays signed in"),
}
TITLES_BY_PIN = TITLES | {
    StepName.INVITATION_SENT: _("PIN generated"),
    StepName.PRESSED: _("PIN entered"),
}


@dataclass(frozen=True)
class Finding:
    """The state of a step: `title` and `words` are for staff, `at` is the time since which it holds, if known.

    `cause` is set if the step is broken or waiting; `fix` then, if there is something to do.
    """

    state: StepState
    title: str
    words: str = ""
    at: datetime | None = None
    cause: Cause | None = None
    fix: Fix | None = None


@dataclass(frozen=True)
class DiagnosedStep:
    """A step of a client's chain."""

    name: StepName
    finding: Finding

    @property
    def state(self) -> StepState:
        return self.finding.state

    @property
    def is_marked(self) -> bool:
        """Returns True for the step at which the chain stops."""
        return self.state in STOPS


@dataclass(frozen=True)
class Diagnosis:
    """The steps in order. `first_broken` is the only one that is broken or waiting; None if the client can sign in.

    `can_request_mail`: an email requested on the portal's sign-in page would be sent.
    """

    steps: tuple[DiagnosedStep, ...]
    is_by_pin: bool
    can_request_mail: bool

    @property
    def first_broken(self) -> DiagnosedStep | None:
        return next((step for step in self.steps if step.is_marked), None)

    @property
    def can_sign_in(self) -> bool:
        return self.first_broken is None
