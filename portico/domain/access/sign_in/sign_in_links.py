"""Sign-in links and codes: written beside their mail, derived again at hand-over, up to three live for a mailbox."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from django.conf import settings

from portico.domain.access.models import MAX_LIVE_LINKS, PortalAccount, SignInLink, SignInRequest
from portico.domain.clients.models import EmailAddress
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail

PURPOSE = "sign-in-link"
CODE_PURPOSE = "sign-in-code"
# No 0 O 1 I L: a code is read from one screen and typed at another.
CODE_CHARACTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 6


def create(
    account: PortalAccount, address: EmailAddress, email: OutgoingEmail, *, ask: SignInRequest | None = None
) -> SignInLink:
    """Writes the link of one mail, as `write_all` does."""
    link = build(account, address, email, ask=ask)
    create_all([link])
    return link


def create_all(drawn: Sequence[SignInLink]) -> None:
    """Writes links made by `draw`; a fourth live link of an account retires its oldest.

    Inside the caller's transaction, with the accounts locked.
    """
    SignInLink.objects.bulk_create(drawn)
    unspent = SignInLink.objects.unspent().filter(account__in={link.account_id for link in drawn})
    retired = []
    pairs = unspent.order_by("account_id", "-id").values_list("account_id", "pk")
    for _account, newest_first in groupby(pairs, key=itemgetter(0)):
        retired += [pk for _account, pk in newest_first][MAX_LIVE_LINKS:]
    if retired:
        unspent.filter(pk__in=retired).update(voided_at=clock.now())


def build(
    account: PortalAccount, address: EmailAddress, email: OutgoingEmail, *, ask: SignInRequest | None = None
) -> SignInLink:
    """The link of a mail that has a nonce, not yet written.

    With `ask` the mail also holds a code for the browser that asked; without, it is an invitation.
    """
    nonce = bytes(email.link_nonce or b"")
    code = _code(tokens.derive(nonce, purpose=CODE_PURPOSE))
    return SignInLink(
        practice_id=account.practice_id,
        account=account,
        email=email,
        address=address,
        is_invitation=ask is None,
        ask=ask,
        token_hash=tokens.digest(tokens.derive(nonce, purpose=PURPOSE)),
        code_hash=tokens.keyed_digest(code_text(ask, code), purpose=CODE_PURPOSE) if ask else "",
        epoch=account.epoch,
    )


def url_of(link: SignInLink) -> str:
    """The absolute address of the link: built at hand-over from the mail's nonce. Raises tokens.KeyLost."""
    token = tokens.derive_matching(bytes(link.email.link_nonce or b""), purpose=PURPOSE, digest=link.token_hash)
    return f"{settings.PUBLIC_BASE_URL}/portal/{link.practice.slug}/link/{token}/"


def code_of(link: SignInLink) -> str:
    """The code in the link's mail, as it is shown: "K7M 4QX". Raises tokens.KeyLost."""
    for derived in tokens.derive_each(bytes(link.email.link_nonce or b""), purpose=CODE_PURPOSE):
        code = _code(derived)
        if tokens.matches(code_text(link.ask, code), purpose=CODE_PURPOSE, digest=link.code_hash):
            return f"{code[:3]} {code[3:]}"
    raise tokens.KeyMissing(CODE_PURPOSE)


def code_text(ask: SignInRequest | None, code: str) -> str:
    """What the stored digest of a code is made of: the same six signs look different in every row."""
    return f"{ask.ref if ask is not None else ''} {code}"


def _code(derived: str) -> str:
    number = int.from_bytes(derived.encode())
    signs = []
    for _ in range(CODE_LENGTH):
        number, place = divmod(number, len(CODE_CHARACTERS))
        signs.append(CODE_CHARACTERS[place])
    return "".join(signs)
