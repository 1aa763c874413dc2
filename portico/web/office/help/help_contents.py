"""The pages of the guide for staff and the sections of each, in order."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class Section:
    """A section of a page; `anchor` is its id there, unique in the guide, and never changed: bookmarks have it."""

    anchor: str
    heading: "_StrPromise"


@dataclass(frozen=True)
class HelpPage:
    """A page of the guide; `subject` is in its address and, with underscores, in the name of its template."""

    subject: str
    title: "_StrPromise"
    icon: str
    sections: tuple[Section, ...]

    @property
    def template(self) -> str:
        return f"office/help/{self.subject.replace('-', '_')}.html"


PAGES = (
    HelpPage(
        "access",
        _("Access and invitations"),
        "door-open",
        (
            Section("access", _("Giving access")),
            Section("contacts", _("Parents, partners and payers")),
            Section("minors", _("Minors, and parents who live apart")),
            Section("couples", _("Couples")),
            Section("invitation", _("Inviting")),
            Section("address", _("Changing an address")),
            Section("papers", _("Guides for clients")),
            Section("family", _("Families")),
            Section("ending", _("Ending access")),
        ),
    ),
    HelpPage(
        "signing-in",
        _("Signing in"),
        "key-round",
        (
            Section("signing-in", _("How clients sign in")),
            Section("pin", _("When email doesn’t work: a PIN")),
            Section("view", _("Seeing what a client sees")),
        ),
    ),
    HelpPage(
        "problems",
        _("When something doesn’t work"),
        "circle-question-mark",
        (
            Section("cannot", _("A client can’t sign in")),
            Section("failed-email", _("When email comes back")),
            Section("more", _("Getting help")),
        ),
    ),
    HelpPage(
        "documents",
        _("Documents"),
        "file-text",
        (
            Section("sharing", _("Sharing documents")),
            Section("client-documents", _("What clients see")),
            Section("not-done", _("When a document isn’t done")),
            Section("review", _("Reviewing what was completed")),
            Section("files", _("Files from clients")),
        ),
    ),
    HelpPage(
        "billing",
        _("Billing"),
        "receipt-text",
        (
            Section("bills", _("Invoices and payments")),
            Section("paying", _("How clients pay")),
            Section("refunds", _("Refunds and payments to review")),
        ),
    ),
    HelpPage(
        "setting-up",
        _("Setting up"),
        "settings",
        (
            Section("stripe", _("Setting up Stripe")),
            Section("shareable-documents", _("Making documents for clients")),
            Section("sender", _("Checking the sender")),
        ),
    ),
)
BY_SUBJECT = {page.subject: page for page in PAGES}
