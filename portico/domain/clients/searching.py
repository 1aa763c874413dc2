"""How a client is found: by the beginning of a name, an email address or a phone number."""

import re
import unicodedata
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from portico.domain.clients.models import Client, EmailAddress, SearchTerm
from portico.domain.practices.models import Practice
from portico.plumbing.cleaning import mailbox_key

_WORD = re.compile(r"[^\W_]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{3,}\Z")
_LONGEST = 320
MOST_WORDS = 6
# Up to so many clients are found by a word first and put in order afterwards.
_RARE = 2_000


def folded(text: str) -> str:
    """Lower case without accents, so that Zoe finds Zoë."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def refresh_terms(client: Client) -> None:
    """Makes the client's terms those of its present names, addresses and numbers. Inside the caller's transaction."""
    wanted = _terms_of(client)
    present = set(client.search_terms.values_list("term", flat=True))
    client.search_terms.filter(term__in=present - wanted).delete()
    SearchTerm.objects.bulk_create(
        [SearchTerm(practice_id=client.practice_id, client=client, term=term) for term in sorted(wanted - present)]
    )


def terms_of(*, names: Iterable[str], addresses: Iterable[str], numbers: Iterable[str]) -> set[str]:
    """The terms of somebody with these names, addresses (as typed and as compared) and E.164 numbers."""
    terms = {word for name in names for word in _WORD.findall(folded(name))}
    terms |= {folded(address)[:_LONGEST] for address in addresses}
    for number in numbers:
        digits = number.removeprefix("+")
        # The whole number, and what is left after a country code of one to three digits: people search for either.
        terms |= {digits, *(digits[skip:] for skip in (1, 2, 3) if len(digits) - skip >= 7)}
    return {term for term in terms if term}


def _terms_of(client: Client) -> set[str]:
    return terms_of(
        names=(client.first_name, client.last_name, client.preferred_name),
        addresses=[form for row in client.email_addresses.open() for form in (row.mailbox_key, row.address)],
        numbers=[phone.number for phone in client.phone_numbers.all()],
    )


def matching(practice: Practice, query: str) -> QuerySet[Client]:
    """The practice's clients whose terms begin with each word of the query, archived ones included."""
    beginnings = _beginnings(query.strip())
    if not beginnings:
        return Client.objects.none()
    known: set[int] | None = None
    common: list[QuerySet[SearchTerm]] = []
    for beginning in beginnings:
        terms = SearchTerm.objects.filter(practice=practice, term__begins_with=beginning[:_LONGEST])
        ids = set(terms.values_list("client_id", flat=True).distinct()[: _RARE + 1])
        if len(ids) > _RARE:
            common.append(terms.filter(client=OuterRef("pk")))
        else:
            known = ids if known is None else known & ids
    # Few are fetched by their ids. Among very many, any order soon comes upon enough of them.
    # Ids already are the practice's own; naming the practice again would send SQLite through all of its clients.
    clients = Client.objects.filter(practice=practice) if known is None else Client.objects.filter(pk__in=known)
    return clients.filter(*(Exists(terms) for terms in common))


def _beginnings(query: str) -> list[str]:
    """What terms must begin with: the digits of a phone number, an address, or each word."""
    if _PHONE.match(query):
        return [re.sub(r"\D", "", query)]
    if "@" in query:
        return [folded(_as_key(query))]
    return _WORD.findall(folded(query))[:MOST_WORDS]


def _as_key(query: str) -> str:
    try:
        return mailbox_key(query)
    except ValueError:
        return query


def ever_at(practice: Practice, address: str) -> QuerySet[Client]:
    """The practice's clients who have, or once had, exactly this mailbox."""
    rows = EmailAddress.objects.filter(practice=practice, mailbox_key=_as_key(address))
    return Client.objects.filter(practice=practice, pk__in=rows.values("client_id"))
