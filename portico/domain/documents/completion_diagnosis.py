"""The steps to a document's completion; the first that has not happened is marked: that is why it isn't done."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from portico.domain.documents.models import TemplateKind
from portico.plumbing.models.outgoing_emails import NOT_DELIVERED_STATES, TAKEN_STATES


@dataclass(frozen=True)
class CompletionFacts:
    """The facts about an open document. `email_state` is empty if no email announced it.

    `question` is the number of the question that was answered last, of `questions`; 0 if there is none.
    """

    kind: TemplateKind
    shared_at: datetime
    email_ref: str
    email_state: str
    last_seen_at: datetime | None
    opened_at: datetime | None
    started_at: datetime | None
    saved_at: datetime | None = None
    question: int = 0
    questions: int = 0


@dataclass(frozen=True)
class CompletionStep:
    """A step. `is_marked` for the first that has not happened; those after it have no time.

    `fix` is "email" if the email's page fixes it, "portal" if the Client Portal tab does.
    """

    title: str
    is_done: bool
    is_marked: bool = False
    at: datetime | None = None
    fix: str = ""


def steps_of(facts: CompletionFacts) -> list[CompletionStep]:
    """Returns the steps in order; the marked one is the only one with a fix."""
    steps, has_stopped = list[CompletionStep](), False
    for step in _steps(facts):
        is_marked = not step.is_done and not has_stopped
        has_stopped = has_stopped or not step.is_done
        steps.append(
            replace(step, is_marked=is_marked, fix=step.fix if is_marked else "")
            if not has_stopped or is_marked
            else replace(step, is_done=False, at=None, fix="")
        )
    return steps


def _steps(facts: CompletionFacts) -> Iterator[CompletionStep]:
    signed_in_at = facts.last_seen_at if facts.last_seen_at and facts.last_seen_at >= facts.shared_at else None
    # The last sign-in is unknown after a change of address, but a document is opened by a client who is signed in.
    was_there = bool(signed_in_at or facts.opened_at or facts.started_at)
    # A client who was there needed no email.
    if facts.email_state and not was_there:
        yield _mail_step(facts)
    yield CompletionStep(
        _("Signed in after it was shared") if was_there else _("Not signed in since it was shared"),
        is_done=was_there,
        at=signed_in_at,
        fix="portal",
    )
    opened_at = facts.opened_at or facts.started_at
    yield CompletionStep(_("Opened") if opened_at else _("Not opened yet"), is_done=opened_at is not None, at=opened_at)
    # A text to sign, or a file to read, has nothing to begin.
    if facts.kind in (TemplateKind.FORM, TemplateKind.UPLOAD):
        yield CompletionStep(
            _("Started") if facts.started_at else _("Not started yet"),
            is_done=facts.started_at is not None,
            at=facts.started_at,
        )
    yield CompletionStep(_stopped_at(facts), is_done=False, at=facts.saved_at)


def _mail_step(facts: CompletionFacts) -> CompletionStep:
    if facts.email_state in TAKEN_STATES:
        return CompletionStep(_("The email was accepted by the recipient’s mail server"), is_done=True)
    title = _("The email did not arrive") if facts.email_state in NOT_DELIVERED_STATES else _("The email is on its way")
    return CompletionStep(title, is_done=False, fix="email")


def _stopped_at(facts: CompletionFacts) -> str:
    if facts.question:
        return _("Stopped at question %(question)s of %(questions)s") % {
            "question": facts.question,
            "questions": facts.questions,
        }
    return _("Not signed yet") if facts.kind == TemplateKind.CONSENT else _("Not submitted yet")
