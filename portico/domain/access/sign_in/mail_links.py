"""The sign-in link in a mail about a page of the portal: created with the mail, derived again when it is sent."""

from collections.abc import Sequence

from portico.domain.access.models import PortalAccess, SignInLink
from portico.domain.access.sign_in import sign_in_links
from portico.plumbing.mail.outbox import MailComposer
from portico.plumbing.models import OutgoingEmail


def create(mails: Sequence[tuple[OutgoingEmail, PortalAccess]]) -> None:
    """Creates the links of new mails, each with a nonce and `goes_to`; the caller has locked the accounts."""
    links = [
        sign_in_links.build(access.account, access.address, email)
        for email, access in mails
        if access.account is not None and access.address is not None
    ]
    if links:
        sign_in_links.create_all(links)


class LinkedMail(MailComposer):
    """A mail with such a link. One that was queued by a version without links has no nonce."""

    def look_up(self, emails: Sequence[OutgoingEmail]) -> None:
        mails = {email.pk: email for email in emails if email.link_nonce}
        for link in SignInLink.objects.filter(email__in=mails) if mails else ():
            email = mails[link.email_id]
            link.practice, email.sign_in_link = email.practice, link

    def link(self, email: OutgoingEmail) -> str | None:
        """Returns the sign-in link, even if it has ended: its page then offers a new one that leads to the page."""
        return sign_in_links.url_of(email.sign_in_link) if email.link_nonce else None
