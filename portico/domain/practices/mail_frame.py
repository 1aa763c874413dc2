"""The frame of every mail of a practice: its name, how to answer or call, its postal address, and the sender."""

from collections.abc import Mapping
from typing import Any

from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.plumbing.mail import rendering
from portico.plumbing.mail.outbox import Attachment, ComposedMail
from portico.plumbing.models import OutgoingEmail


def letter(
    email: OutgoingEmail,
    template: str,
    context: Mapping[str, Any],  # Any: what templates take.
    *,
    attachments: tuple[Attachment, ...] = (),
) -> ComposedMail:
    """Renders `emails/<template>/` in the practice's frame, in the active language.

    The frame invites a reply only if there is an address to reply to, and a call only if there is a number.
    """
    practice: Practice = email.practice
    text, html = rendering.render(template, {"practice": _frame(practice)} | dict(context))
    return ComposedMail(email.subject, text, html, practice.reply_address, practice.shown_sender, attachments)


def _frame(practice: Practice) -> dict[str, Any]:  # Any: as above.
    return {
        "name": practice.name,
        "takes_replies": bool(practice.reply_address),
        "phone": letterhead.phone(practice),
        "address": ", ".join(practice.postal_address.splitlines()),
    }
