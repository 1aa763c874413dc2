"""Sign-in links: written beside their mail, derived again at hand-over, up to three live for a mailbox."""

from django.conf import settings

from portico.domain.access.models import LIVE_LINKS, PortalAccount, SignInLink
from portico.domain.clients.models import EmailAddress
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail

PURPOSE = "sign-in-link"


def write(account: PortalAccount, address: EmailAddress, email: OutgoingEmail, *, is_invitation: bool) -> SignInLink:
    """Writes the link of a mail that has a nonce; a fourth live link retires the oldest.

    Inside the caller's transaction, with the account locked.
    """
    token = tokens.derive(bytes(email.link_nonce or b""), purpose=PURPOSE)
    link = SignInLink.objects.create(
        practice_id=account.practice_id,
        account=account,
        email=email,
        address=address,
        is_invitation=is_invitation,
        token_hash=tokens.digest(token),
        number=account.counter,
    )
    newest = account.links.unspent().order_by("-id").values_list("pk", flat=True)[:LIVE_LINKS]
    account.links.unspent().exclude(pk__in=list(newest)).update(voided_at=clock.now())
    return link


def address_of(link: SignInLink) -> str:
    """The absolute address of the link: built at hand-over from the mail's nonce. Raises tokens.KeyLost."""
    token = tokens.derive_matching(bytes(link.email.link_nonce or b""), purpose=PURPOSE, digest=link.token_hash)
    return f"{settings.PUBLIC_BASE_URL}/portal/{link.practice.slug}/link/{token}/"
