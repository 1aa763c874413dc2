"""Signatures: the typed name, the sentences beside it, and the evidence of the session."""

from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.access.models import PortalAccount, PortalSession
from portico.domain.documents.models import Submission, TemplateKind
from portico.domain.documents.refusals import SignatureMissing


@dataclass(frozen=True)
class Signature:
    """The name and relationship that the client typed at `Sign here`. `agrees` is the consent to sign electronically.

    It is False if the page did not ask for it: the statement has the sentences that were shown.
    """

    name: str
    relationship: str
    agrees: bool


@dataclass(frozen=True)
class Signer:
    """The session that completes a document. `mailbox` is masked; `network_address` is None if it is not known."""

    session: PortalSession
    mailbox: str
    network_address: str | None


def is_needed(kind: str) -> bool:
    """Returns True if a document of this kind is completed by a signature."""
    return kind == TemplateKind.CONSENT


def is_first(account: PortalAccount) -> bool:
    """Returns True if the mailbox has not signed anything yet: then it is asked to agree to sign electronically."""
    return not Submission.objects.filter(account=account).exclude(signer_name="").exists()


def intent() -> str:
    """Returns the sentence above the button, in the active language."""
    return _("I have read this document and agree to it. My typed name is my signature.")


def agreement() -> str:
    """Returns the sentence of the first signature, in the active language."""
    return _("I agree to sign electronically. I know that I can ask for a paper copy instead.")


def statement(language: str, *, with_agreement: bool) -> str:
    """Returns the sentences that a signature is stored with, as the page showed them."""
    with translation.override(language):
        return f"{intent()} {agreement()}" if with_agreement else intent()


def refuse_incomplete(signature: Signature, *, is_first: bool) -> None:
    """Raises SignatureMissing with the field to fill in."""
    if not any(character.isalpha() for character in signature.name):
        raise SignatureMissing(_("Enter your full name."), field="name")
    if not signature.relationship:
        raise SignatureMissing(_("Enter your relationship to the client."), field="relationship")
    if is_first and not signature.agrees:
        raise SignatureMissing(_("Check the box to sign electronically, or ask us for a paper copy."), field="agrees")
