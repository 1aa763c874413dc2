"""Checks of the first steps, which access, address and consent decide: each returns what is found about its step."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from portico.domain.access.diagnosis import steps
from portico.domain.access.diagnosis.evidence import Evidence
from portico.domain.access.diagnosis.steps import REQUIREMENTS, Cause, Finding, StepName, StepState
from portico.domain.access.eligibility_steps import CheckedFact
from portico.domain.access.eligibility_steps import Step as EligibilityStep

type Check = Callable[[Evidence], Finding]

_CAUSES = {
    CheckedFact.NOT_ARCHIVED: Cause.ARCHIVED,
    CheckedFact.RELATIONSHIP_CURRENT: Cause.ACCESS_OFF,
    CheckedFact.ACCESS_ON: Cause.ACCESS_OFF,
    CheckedFact.ADDRESS_CHOSEN: Cause.NO_ADDRESS,
    CheckedFact.ADDRESS_OPEN: Cause.NO_ADDRESS,
    CheckedFact.EMAIL_OK: Cause.NO_EMAIL_OK,
}


def access_on(evidence: Evidence) -> Finding:
    if evidence.client.practice.is_suspended:
        title = _("The practice is suspended")
        words = _("No client can sign in until your system administrator reactivates the practice.")
        return Finding(StepState.BROKEN, title, words, cause=Cause.SUSPENDED)
    return _requirement_missing(evidence, StepName.ACCESS_ON) or Finding(
        StepState.OK,
        _("Access is on"),
        _by(_("Turned on by %(name)s"), evidence.access.enabled_by),
        at=evidence.access.enabled_at,
    )


def address_chosen(evidence: Evidence) -> Finding:
    missing = _requirement_missing(evidence, StepName.ADDRESS_CHOSEN)
    if missing is not None:
        return missing
    return Finding(StepState.OK, _("An address is chosen"), _address(evidence))


def email_ok(evidence: Evidence) -> Finding:
    missing = _requirement_missing(evidence, StepName.EMAIL_OK)
    address = evidence.access.address
    if missing is not None or address is None:
        return missing or Finding(StepState.UNKNOWN, _("Email ok"))
    words = _by(_("Recorded by %(name)s"), address.email_ok_by)
    return Finding(StepState.OK, _("Email ok"), words, at=address.email_ok_at)


def _requirement_missing(evidence: Evidence, name: StepName) -> Finding | None:
    """Returns the finding for the first requirement of the step that does not hold; None if all hold."""
    for step in REQUIREMENTS[name]:
        if not step.holds(evidence.access):
            return _broken(evidence, step)
    return None


def _broken(evidence: Evidence, step: EligibilityStep) -> Finding:
    called, fix = {"name": evidence.access.called}, step.fix
    match step.fact:
        case CheckedFact.NOT_ARCHIVED:
            restored = {"name": evidence.client.called}
            words = _("Restore %(name)s. Then turn on access and send an invitation.") % restored
        case CheckedFact.RELATIONSHIP_CURRENT:
            words = _("The relationship was ended, so %(name)s can’t sign in.") % called
        case CheckedFact.ACCESS_ON:
            words = _("%(name)s can’t sign in until you turn it on and send an invitation.") % called
        case CheckedFact.EMAIL_OK:
            words = _("No email can be sent to this address. Check Email ok when %(name)s agrees to receive email.")
            words = f"{words % called} {_('A PIN works without email.')}"
        case _ if evidence.has_addresses:
            words = _("Access is on, but %(name)s can’t sign in until an address is chosen.") % called
        case _:
            words = _("Add one, or generate a PIN: it works without email.")
            fix = steps.ADD_ADDRESS
    title = step.explain(evidence.client, evidence.access)
    return Finding(StepState.BROKEN, title, words, cause=_CAUSES[step.fact], fix=fix)


def _address(evidence: Evidence) -> str:
    return evidence.access.address.address if evidence.access.address is not None else ""


def _by(template: str, name: str) -> str:
    return template % {"name": name} if name else ""
