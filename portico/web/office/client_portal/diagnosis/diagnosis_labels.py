"""The chain `Why can’t … sign in?` on the `Client Portal` tab: each step with its icon, and its fix as a button."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access.diagnosis.steps import Cause, DiagnosedStep, Diagnosis, StepName, StepState
from portico.domain.access.eligibility_steps import Fix
from portico.domain.clients.models import Client, Relationship
from portico.plumbing.models import OutgoingEmail
from portico.web.office.fix_urls import url_of


@dataclass(frozen=True)
class ShownFix:
    """The fix as a link, or as a button of the form with this id."""

    name: str
    label: str
    href: str = ""
    form: str = ""


@dataclass(frozen=True)
class StepLabel:
    """A step as shown. `style` is its class in the stylesheet, `spoken` what a screen reader says before the title."""

    name: str
    state: str
    style: str
    tone: str
    icon: str
    spoken: str
    title: str
    words: str
    at: datetime | None
    fix: ShownFix | None
    # The page of the email that the step is about; empty if there is none.
    email: str


@dataclass(frozen=True)
class ChainLabel:
    """The chain as shown; `first` is the step at which it stops, None if the client can sign in."""

    heading: str
    can_sign_in: bool
    is_by_pin: bool
    cause: Cause | None
    steps: tuple[StepLabel, ...]
    first: StepLabel | None


_STYLES = {
    StepState.OK: ("done", "", "check", gettext_lazy("Done:")),
    StepState.UNKNOWN: ("unknown", "", "minus", gettext_lazy("Not known:")),
    StepState.WAITING: ("stop", "wait", "hourglass", gettext_lazy("Waiting here:")),
    StepState.BROKEN: ("stop", "bad", "x", gettext_lazy("Stops here:")),
    StepState.AHEAD: ("ahead", "", "minus", gettext_lazy("Not reached yet:")),
}


# States that staff chose: no alarm, as in the notice at the top.
_CHOSEN = {Cause.ARCHIVED, Cause.ACCESS_OFF}


def chain(
    diagnosis: Diagnosis,
    client: Client,
    mail: OutgoingEmail | None,
    *,
    is_on_tab: bool,
    relationship: Relationship | None = None,
) -> ChainLabel:
    """Returns the chain of the client, or of a contact; `mail` is the email that it follows, if any.

    With `is_on_tab` a fix may be a form or a part of the `Client Portal` tab, without it each is a link to its page.
    """
    mail = None if diagnosis.is_by_pin else mail
    can_sign_in, broken = diagnosis.can_sign_in, diagnosis.first_broken
    called = {"name": client.called if relationship is None else relationship.contact.first_name}
    labels = tuple(_label(step, client, mail, relationship, is_on_tab=is_on_tab) for step in diagnosis.steps)
    return ChainLabel(
        heading=_("%(name)s can sign in") % called if can_sign_in else _("Why can’t %(name)s sign in?") % called,
        can_sign_in=can_sign_in,
        is_by_pin=diagnosis.is_by_pin,
        cause=broken.finding.cause if broken is not None else None,
        steps=labels,
        first=next((label for label, step in zip(labels, diagnosis.steps, strict=True) if step.is_marked), None),
    )


def _label(
    step: DiagnosedStep,
    client: Client,
    mail: OutgoingEmail | None,
    relationship: Relationship | None,
    *,
    is_on_tab: bool,
) -> StepLabel:
    style, tone, icon, spoken = _STYLES[step.state]
    finding = step.finding
    if step.is_marked and finding.cause in _CHOSEN:
        tone = "quiet"
    is_about_email = step.name is StepName.INVITATION_SENT and step.state is StepState.OK
    return StepLabel(
        name=step.name.value,
        state=step.state.value,
        style=style,
        tone=tone,
        icon=icon,
        spoken=str(spoken),
        title=finding.title,
        words=finding.words,
        at=finding.at,
        fix=_shown(finding.fix, client, mail, relationship, is_on_tab=is_on_tab) if finding.fix is not None else None,
        email=reverse("office:email", args=[mail.ref]) if is_about_email and mail is not None else "",
    )


def _shown(
    fix: Fix, client: Client, mail: OutgoingEmail | None, relationship: Relationship | None, *, is_on_tab: bool
) -> ShownFix:
    label, form = str(fix.label), ""
    match fix.name:
        case "restore":
            label, form = _("Restore %(name)s") % {"name": client.called}, "restoring-form"
        case "tries":
            form = "pin-tries-form"
        case "resend":
            # The control of this name is at the top of the page.
            label = _("Send it again")
        case "mail_stopped":
            label = _("Correct the address in Client Info") if relationship is None else _("Correct the address")
        case _:
            pass
    url = url_of(fix, client, mail, relationship=relationship)
    if not is_on_tab:
        return ShownFix(fix.name, label, url)
    if form:
        return ShownFix(fix.name, label, form=form)
    tab = reverse("office:client_portal", args=[client.ref])
    if relationship is not None:
        tab += f"?access={relationship.ref}"
    # A part of this page is reached without loading it again, which would discard what was typed.
    return ShownFix(fix.name, label, url.removeprefix(tab) if url.startswith(f"{tab}#") else url)
