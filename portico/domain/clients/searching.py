"""How a client is found: by the beginning of a name, an email address or a phone number."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import batched

from django.db.models import Exists, OuterRef, QuerySet

from portico.domain.clients.models import Client, ClientQuerySet, EmailAddress, SearchTerm
from portico.domain.practices.models import Practice
from portico.plumbing.mailboxes import mailbox_key

_WORD = re.compile(r"[^\W_]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{3,}\Z")
_LONGEST = 320
MOST_WORDS = 6
# A word that begins so many terms at most is rare: the clients who have it are fetched by their ids.
_RARE = 2_000
_BATCH = 500


def folded(text: str) -> str:
    """Lower case without accents, so that Zoe finds Zoë."""
    # Twice: some signs turn out to be capitals only when they are taken apart.
    return _without_accents(_without_accents(text.casefold()).casefold())


def _without_accents(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


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


@dataclass(frozen=True)
class Matches:
    """Whom a query finds: clients with certain ids, as far as they have its common words too.

    When `are_many`, all of its words are common and `at_hand` are merely some of the clients who have the first.
    """

    at_hand: frozenset[int]
    common: tuple[QuerySet[SearchTerm], ...]
    are_many: bool

    def batches(self) -> Iterator[ClientQuerySet]:
        """All who match, by their ids, some at a time: of very many ids PostgreSQL would rather read the whole table.

        Ids are the practice's own. To name it again would send SQLite through all of its clients.
        """
        for batch in _by_ids(self.at_hand):
            yield _having(batch, self.common)
        if self.are_many:
            yield from _by_ids(self._everyone - self.at_hand)

    def along(self, clients: ClientQuerySet) -> ClientQuerySet:
        """Those of the clients who match, asking each in turn: for many matches, in an order that an index has."""
        return _having(clients, self.common)

    @cached_property
    def _everyone(self) -> frozenset[int]:
        """Who has all of the common words: kept, since the page and the total may both come to need it."""
        return frozenset.intersection(*(frozenset(terms.values_list("client_id", flat=True)) for terms in self.common))


def look_up(practice: Practice, query: str) -> Matches:
    """Whose terms begin with each word of the query, archived clients included; nobody for an empty query."""
    rare: list[frozenset[int]] = []
    common: list[QuerySet[SearchTerm]] = []
    first = frozenset[int]()
    # The longest first: of common words it is likely to be the rarest.
    for beginning in sorted(_beginnings(query.strip()), key=len, reverse=True):
        terms = SearchTerm.objects.filter(practice=practice, term__begins_with=beginning[:_LONGEST])
        # Terms, not distinct clients: to have those SQLite would walk the whole index that is in their order.
        ids = list(terms.values_list("client_id", flat=True)[: _RARE + 1])
        if len(ids) <= _RARE:
            rare.append(frozenset(ids))
            continue
        first = first or frozenset(ids)
        common.append(terms)
    if rare:
        return Matches(frozenset.intersection(*rare), tuple(common), are_many=False)
    return Matches(first, tuple(common), are_many=bool(common))


def matching(practice: Practice, query: str) -> ClientQuerySet:
    """The practice's clients who match, as one queryset."""
    matches = look_up(practice, query)
    if matches.are_many:
        return matches.along(Client.objects.filter(pk__in=matches.common[0].values("client_id")))
    return matches.along(Client.objects.filter(pk__in=matches.at_hand))


def _by_ids(ids: Iterable[int]) -> Iterator[ClientQuerySet]:
    for some in batched(sorted(ids), _BATCH, strict=False):
        yield Client.objects.filter(pk__in=some)


def _having(clients: ClientQuerySet, words: Iterable[QuerySet[SearchTerm]]) -> ClientQuerySet:
    return clients.filter(*(Exists(terms.filter(client=OuterRef("pk"))) for terms in words))


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
