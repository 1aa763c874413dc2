"""Sign-in links and codes: creating them for a mail, and deriving their secrets again when the mail is sent."""

from collections import Counter
from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q

from portico.domain.access.models import MAX_LIVE_LINKS, PortalAccount, SignInLink, SignInRequest
from portico.domain.clients.models import EmailAddress
from portico.plumbing import clock, tokens
from portico.plumbing.database import insertion
from portico.plumbing.models import OutgoingEmail

PURPOSE = "sign-in-link"
CODE_PURPOSE = "sign-in-code"
# Without 0 O 1 I L, which are easily confused when a code is read from one screen and typed on another.
CODE_CHARACTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 6


def create(
    account: PortalAccount, address: EmailAddress, email: OutgoingEmail, *, request: SignInRequest | None = None
) -> SignInLink:
    """Builds and saves the link of one mail, as `create_all` does."""
    link = build(account, address, email, request=request)
    create_all([link])
    return link


def create_all(links: Sequence[SignInLink]) -> None:
    """Saves links made by `build`, and voids the oldest of an account beyond `MAX_LIVE_LINKS`.

    Links to documents are counted apart: mails about several bills leave an invitation and a requested link as they
    are. Runs in the caller's transaction, with the accounts locked.
    """
    insertion.insert_all(links)
    unspent = SignInLink.objects.unspent().filter(account__in={link.account_id for link in links})
    numbers, surplus = Counter[tuple[int, bool]](), []
    newest_first = unspent.order_by("-id").annotate(is_to_document=Q(request=None, is_invitation=False))
    for pk, account, is_to_document in newest_first.values_list("pk", "account_id", "is_to_document"):
        numbers[account, is_to_document] += 1
        if numbers[account, is_to_document] > MAX_LIVE_LINKS:
            surplus.append(pk)
    if surplus:
        unspent.filter(pk__in=surplus).update(voided_at=clock.now())


def build(
    account: PortalAccount, address: EmailAddress, email: OutgoingEmail, *, request: SignInRequest | None = None
) -> SignInLink:
    """Returns the unsaved link of a mail that has a nonce.

    With a sign-in request, the mail also contains a code for the requesting browser. Without one, the mail is about a
    page if its content has `goes_to`, else an invitation.
    """
    nonce = bytes(email.link_nonce or b"")
    code = _code(tokens.derive(nonce, purpose=CODE_PURPOSE))
    return SignInLink(
        practice_id=account.practice_id,
        account=account,
        email=email,
        address=address,
        is_invitation=request is None and "goes_to" not in email.content,
        request=request,
        token_hash=tokens.digest(tokens.derive(nonce, purpose=PURPOSE)),
        code_hash=tokens.keyed_digest(code_digest_input(request, code), purpose=CODE_PURPOSE) if request else "",
        epoch=account.epoch,
    )


def url_of(link: SignInLink) -> str:
    """Returns the absolute URL of the link, derived from the mail's nonce. Raises tokens.KeyMissing."""
    token = tokens.derive_matching(bytes(link.email.link_nonce or b""), purpose=PURPOSE, digest=link.token_hash)
    return f"{settings.PUBLIC_BASE_URL}/portal/{link.practice.slug}/link/{token}/"


def code_of(link: SignInLink) -> str:
    """Returns the code in the link's mail as displayed, such as "K7M 4QX". Raises tokens.KeyMissing."""
    for derived in tokens.derive_each(bytes(link.email.link_nonce or b""), purpose=CODE_PURPOSE):
        code = _code(derived)
        if tokens.matches(code_digest_input(link.request, code), purpose=CODE_PURPOSE, digest=link.code_hash):
            return f"{code[:3]} {code[3:]}"
    raise tokens.KeyMissing(CODE_PURPOSE)


def code_digest_input(request: SignInRequest | None, code: str) -> str:
    """Returns the text that a code's stored digest is made of: the same code has another digest in every row."""
    return f"{request.ref if request is not None else ''} {code}"


def _code(derived: str) -> str:
    number = int.from_bytes(derived.encode())
    characters = []
    for _ in range(CODE_LENGTH):
        number, index = divmod(number, len(CODE_CHARACTERS))
        characters.append(CODE_CHARACTERS[index])
    return "".join(characters)
