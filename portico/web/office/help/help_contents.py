"""The pages of the guide for staff and the sections of each, in order."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class HelpSection:
    """A section of a page; `anchor` is its id there, unique in the guide, and never changed: bookmarks have it."""

    anchor: str
    heading: "_StrPromise"


@dataclass(frozen=True)
class HelpPage:
    """A page of the guide; `subject` is in its address and, with underscores, in the name of its template."""

    subject: str
    title: "_StrPromise"
    icon: str
    sections: tuple[HelpSection, ...]

    @property
    def template(self) -> str:
        return f"office/help/{self.subject.replace('-', '_')}.html"


PAGES = (
    HelpPage(
        "access",
        _("Access and invitations"),
        "door-open",
        (
            HelpSection("access", _("Giving access")),
            HelpSection("contacts", _("Parents, partners and payers")),
            HelpSection("minors", _("Minors, and parents who live apart")),
            HelpSection("couples", _("Couples")),
            HelpSection("invitation", _("Inviting")),
            HelpSection("address", _("Changing an address")),
            HelpSection("papers", _("Guides for clients")),
            HelpSection("family", _("Families")),
            HelpSection("ending", _("Ending access")),
        ),
    ),
    HelpPage(
        "signing-in",
        _("Signing in"),
        "key-round",
        (
            HelpSection("signing-in", _("How clients sign in")),
            HelpSection("pin", _("When email doesn’t work: a PIN")),
            HelpSection("view", _("Seeing what a client sees")),
        ),
    ),
    HelpPage(
        "problems",
        _("When something doesn’t work"),
        "circle-question-mark",
        (
            HelpSection("cannot", _("A client can’t sign in")),
            HelpSection("failed-email", _("When email comes back")),
            HelpSection("more", _("Getting help")),
        ),
    ),
    HelpPage(
        "documents",
        _("Documents"),
        "file-text",
        (
            HelpSection("sharing", _("Sharing documents")),
            HelpSection("client-documents", _("What clients see")),
            HelpSection("not-done", _("When a document isn’t done")),
            HelpSection("review", _("Reviewing what was completed")),
            HelpSection("files", _("Files from clients")),
        ),
    ),
    HelpPage(
        "billing",
        _("Billing"),
        "receipt-text",
        (
            HelpSection("bills", _("Invoices and payments")),
            HelpSection("paying", _("How clients pay")),
            HelpSection("refunds", _("Refunds and payments to review")),
        ),
    ),
    HelpPage(
        "setting-up",
        _("Setting up"),
        "settings",
        (
            HelpSection("stripe", _("Setting up Stripe")),
            HelpSection("shareable-documents", _("Making documents for clients")),
            HelpSection("sender", _("Checking the sender")),
        ),
    ),
)
BY_SUBJECT = {page.subject: page for page in PAGES}
