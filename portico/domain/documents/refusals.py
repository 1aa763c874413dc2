"""Refusals of operations on documents, with sentences for clients and staff."""

from collections.abc import Collection, Mapping

from django.utils.translation import gettext_lazy as _

from portico.plumbing.refusals import Refused


class NotShareable(Refused):
    """The access may not sign documents, or a version belongs to an archived document."""


class NoRecipientEligible(Refused):
    message = _("None of these people can get the documents now.")


class DocumentCompleted(Refused):
    message = _("This document has already been completed.")


class DocumentWithdrawn(Refused):
    """The message is for clients; operations of staff give their own."""

    message = _("This document was withdrawn. You don’t need to do anything.")


class DocumentDeclined(Refused):
    """The message is for clients; operations of staff give their own."""

    message = _("You declined this document. If you changed your mind, ask us to send it again.")


class NotDeclinable(Refused):
    message = _("This document can’t be declined here. If you have questions, ask us.")


class SigningNotAllowed(Refused):
    """The session ended, or the access may no longer sign, between the page and its form."""

    message = _("You can’t complete this document right now. Sign in again, or ask us.")
    status = 403


class DraftChanged(Refused):
    """The answers were saved from another window after this page was opened.

    `link_ids` has the questions that were answered differently; it is empty if a whole form was refused.
    """

    message = _("Your answers have changed in another window since you opened this page.")

    def __init__(self, link_ids: Collection[str] = ()) -> None:
        super().__init__()
        self.link_ids = frozenset(link_ids)


class DocumentUpdated(Refused):
    """Staff moved the request to a later version after the page was shown."""

    message = _("This document was updated since you opened this page. Check your answers, then send them.")


class DraftTooLarge(Refused):
    message = _("These answers are too long to save. Please shorten them.")
    status = 422


class FileNotReadable(Refused):
    """The file to read cannot be opened: it is being checked, had a virus, or the version has none."""

    message = _("This file can’t be opened right now. Try again later, or ask us.")


class AnswersIncomplete(Refused):
    """Required answers are missing or answers are not valid; `errors` maps linkIds to sentences."""

    message = _("Some questions still need an answer.")
    status = 422

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = errors
        super().__init__()


class SignatureMissing(Refused):
    status = 422


class DocumentNotCompleted(Refused):
    message = _("The client has not completed this document yet.")


class NotCountersignable(Refused):
    message = _("Only consent forms are countersigned.")


class NotSignedOnPaper(Refused):
    message = _("Only consent forms are recorded as signed on paper.")


class PaperOutOfDate(Refused):
    """Staff moved the request to a later version after the page for the paper was shown."""

    message = _(
        "This document was updated since you opened this page. Check that the paper has the current text, then "
        "record it."
    )


class PaperRecorded(Refused):
    """Another paper was recorded for the document after the page for the paper was shown."""

    def __init__(self, signer: str, recorded_by: str) -> None:
        message = _(
            "%(staff)s already recorded a paper of this document, signed by %(name)s. Yours was not recorded. To add "
            "it as well, use “Signed on paper” above the list of documents."
        )
        super().__init__(message % {"staff": recorded_by, "name": signer})


class DigestOfSeveral(Refused):
    """Several people completed the same text, or gave the same answers: the digest names no single document."""

    message = _("More than one completed document has this code. Enter the document number.")
    status = 422


class StillOpen(Refused):
    """A request for the document is open for the person: the paper is recorded for that one."""

    status = 422

    def __init__(self, name: str) -> None:
        message = _("%(name)s still has to complete this document. Record the paper in its row under Documents.")
        super().__init__(message % {"name": name}, field="document")
