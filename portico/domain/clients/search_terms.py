"""Client search by prefixes of names, of parts of email addresses, and of phone numbers' digits; also of contacts'.

Terms are written and queries are parsed with the same folding: see docs/decisions/0017.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, chain

from django.db.models import Exists, OuterRef, Q, QuerySet

from portico.domain.clients.models import (
    Client,
    ClientQuerySet,
    Contact,
    EmailAddress,
    PhoneNumber,
    Relationship,
    SearchTerm,
)
from portico.domain.practices.models import Practice
from portico.plumbing.text.folding import folded, folded_with_two_letters
from portico.plumbing.text.mailboxes import mailbox_key
from portico.plumbing.text.phone_number_display import formatted

_WORD = re.compile(r"[^\W_]+")
_WORD_OR_AT = re.compile(r"[^\W_]+|@")
# Separators of words in a query. Apostrophes, hyphens and periods are none: o'brien is one word.
_BETWEEN_WORDS = re.compile(r"[\s,;:/|&+()\[\]\"“”]+")
_PHONE = re.compile(r"(?:tel:)?\+?[\d\s().\-/]{3,}\Z")
# Dialled before the country code of an international number.
_INTERNATIONAL_PREFIX = re.compile(r"\A(?:00|011)(?=\d{8})")
_MIN_DIGITS = 4
_MAX_TERM_LENGTH = 320
MAX_WORDS = 6
# A prefix of at most this many terms is rare: its clients are fetched by their ids.
_MAX_RARE = 2_000
_BATCH = 500


def refresh_terms(client: Client) -> None:
    """Rewrites the client's terms from its current names, addresses and numbers, and those of its contacts.

    In the caller's transaction, with the client locked.
    """
    wanted = _terms_of(client, client.email_addresses.open(), client.phone_numbers.all())
    contacts = [each.contact for each in _relationships([client])]
    wanted = wanted.union(*_terms_of_people([], contacts).values())
    # With the practice, by which their index begins.
    terms = SearchTerm.objects.filter(practice=client.practice_id, client=client)
    present = set(terms.values_list("term", flat=True))
    terms.filter(term__in=present - wanted).delete()
    SearchTerm.objects.bulk_create(
        [SearchTerm(practice_id=client.practice_id, client=client, term=term) for term in sorted(wanted - present)]
    )


def refresh_terms_with_contact(contact: Contact) -> None:
    """Rewrites the terms of the clients who have the contact now, under their lock in the caller's transaction."""
    of_contact = Relationship.objects.current().filter(contact=contact)
    for client in Client.objects.filter(pk__in=of_contact.values("client")).order_by("pk"):
        refresh_terms(client)


def new_terms(client: Client, addresses: Iterable[EmailAddress], phones: Iterable[PhoneNumber]) -> Iterator[SearchTerm]:
    """Builds the terms of a new client with these addresses and numbers, unsaved."""
    for term in sorted(_terms_of(client, addresses, phones)):
        yield SearchTerm(practice_id=client.practice_id, client=client, term=term)


def terms_of(*, names: Iterable[str], addresses: Iterable[str], numbers: Iterable[str]) -> set[str]:
    """Return the search terms of a client with these whole names, email addresses and E.164 numbers."""
    terms = set[str]()
    for fold in (folded, folded_with_two_letters):
        for name in names:
            terms |= _suffixes(fold(name))
        for address in addresses:
            terms |= _address_suffixes(fold(address))
    for number in numbers:
        digits = number.removeprefix("+")
        terms |= {digits[start:] for start in range(len(digits) - _MIN_DIGITS + 1)}
        # As dialed at home, which in many countries begins with a 0 that is not part of the number.
        terms.add(re.sub(r"\D", "", formatted(number)))
    return {term[:_MAX_TERM_LENGTH] for term in terms if term}


def contacts_found(clients: Collection[Client], query: str) -> dict[int, list[str]]:
    """Returns the names of the contacts by whom clients were found, by the client's id; none if their own terms match.

    Three queries if one of the clients has contacts, otherwise one.
    """
    contacts = defaultdict[int, list[Contact]](list)
    for each in _relationships(clients):
        contacts[each.client_id].append(each.contact)
    of_people = _terms_of_people(
        [client for client in clients if client.pk in contacts],
        [contact for of_client in contacts.values() for contact in of_client],
    )
    prefixes, found = _prefixes(query.strip()), dict[int, list[str]]()
    for client in (each for each in clients if each.pk in contacts):
        foreign = [prefix for prefix in prefixes if not _has_any(of_people[client], [prefix])]
        found[client.pk] = [each.name for each in contacts[client.pk] if _has_any(of_people[each], foreign)]
    return found


def names_of(client: Client) -> tuple[str, str]:
    """Return the client's whole name, with the given and with the preferred first name."""
    return f"{client.first_name} {client.last_name}", f"{client.preferred_name} {client.last_name}"


def _suffixes(name: str) -> set[str]:
    """Returns the joined words of the name, starting from each word.

    "jean-luc o'brien" gives "jeanlucobrien", "lucobrien", "obrien" and "brien", so that a query finds it whether it
    writes them as one word or as several.
    """
    words = _WORD.findall(name)
    return {"".join(words[start:]) for start in range(len(words))}


def _address_suffixes(address: str) -> set[str]:
    """Returns the same for an address, including its @; the top-level domain alone is not a term."""
    name, _at, domain = address.rpartition("@")
    words, rest = _WORD.findall(name), "".join(_WORD.findall(domain))
    labels = [_WORD.findall(label) for label in domain.split(".")]
    of_domain = {"".join(chain.from_iterable(labels[start:])) for start in range(len(labels) - 1)}
    return {f"{''.join(words[start:])}@{rest}" for start in range(len(words))} | of_domain


def _terms_of(client: Client, addresses: Iterable[EmailAddress], phones: Iterable[PhoneNumber]) -> set[str]:
    return terms_of(
        names=names_of(client),
        addresses=[form for row in addresses for form in (row.mailbox_key, row.address)],
        numbers=[phone.number for phone in phones],
    )


def _relationships(clients: Collection[Client]) -> list[Relationship]:
    """Returns the relationships that the clients have now, with their contacts."""
    rows = Relationship.objects.current().filter(client__in=clients)
    return list(rows.select_related("contact").order_by("id"))


def _terms_of_people(clients: Sequence[Client], contacts: Sequence[Contact]) -> dict[Client | Contact, set[str]]:
    """Returns the terms of each of these people from their own names, addresses and numbers."""
    if not clients and not contacts:
        return {}
    theirs = Q(client__in=clients) | Q(contact__in=contacts)
    addresses, numbers = defaultdict[object, list[str]](list), defaultdict[object, list[str]](list)
    for row in EmailAddress.objects.open().filter(theirs):
        addresses[row.client_id, row.contact_id] += (row.mailbox_key, row.address)
    for phone in PhoneNumber.objects.filter(theirs):
        numbers[phone.client_id, phone.contact_id].append(phone.number)
    terms = dict[Client | Contact, set[str]]()
    for client in clients:
        key: tuple[int | None, int | None] = client.pk, None
        terms[client] = terms_of(names=names_of(client), addresses=addresses[key], numbers=numbers[key])
    for contact in contacts:
        key = None, contact.pk
        terms[contact] = terms_of(names=[contact.name], addresses=addresses[key], numbers=numbers[key])
    return terms


def _has_any(terms: Iterable[str], prefixes: Collection[str]) -> bool:
    return any(term.startswith(prefix) for term in terms for prefix in prefixes)


@dataclass(frozen=True)
class Matches:
    """The result of a search: the clients with the ids `at_hand` that also have all of the common prefixes.

    If `are_many`, all prefixes are common, and `at_hand` are only some of the clients: reading all takes too long.
    """

    at_hand: frozenset[int]
    common: tuple[QuerySet[SearchTerm], ...]
    are_many: bool

    def batches(self) -> Iterator[ClientQuerySet]:
        """Yields the clients at hand by id, in batches: with very many ids PostgreSQL would scan the whole table.

        The ids belong to the practice. Filtering by practice again would make SQLite scan all of its clients.
        """
        for some in batched(sorted(self.at_hand), _BATCH, strict=False):
            yield _with_all_terms(Client.objects.filter(pk__in=some), self.common)

    def along(self, clients: ClientQuerySet) -> ClientQuerySet:
        """Filters the clients by a subquery for each; fast for many matches, in an order that has an index."""
        return _with_all_terms(clients, self.common)


def look_up(practice: Practice, query: str) -> Matches:
    """Finds clients with a term for each prefix in the query, including archived ones; none for an empty query."""
    rare: list[frozenset[int]] = []
    common: list[QuerySet[SearchTerm]] = []
    first = frozenset[int]()
    prefixes = _prefixes(query.strip())
    # The longest first, because it is likely to be the rarest.
    for prefix in sorted(prefixes, key=len, reverse=True):
        # Terms, not distinct clients: for those SQLite would scan a whole index.
        ids = list(clients_with_term(practice, prefix)[: _MAX_RARE + 1])
        if len(ids) <= _MAX_RARE:
            rare.append(frozenset(ids))
            continue
        first = first or frozenset(ids)
        common.append(_terms(practice, prefix))
    if rare:
        return Matches(frozenset.intersection(*rare), tuple(common), are_many=False)
    if len(common) > 1:
        # Of the very many, those who have exactly the words that were typed.
        first |= frozenset(clients_with_term(practice, "".join(prefixes))[:_MAX_RARE])
    return Matches(first, tuple(common), are_many=bool(common))


def matching(practice: Practice, query: str) -> ClientQuerySet:
    """Returns the practice's matching clients as one queryset."""
    matches = look_up(practice, query)
    if matches.are_many:
        return matches.along(Client.objects.filter(pk__in=matches.common[0].values("client_id")))
    return matches.along(Client.objects.filter(pk__in=matches.at_hand))


def clients_with_term(practice: Practice, prefix: str) -> QuerySet[SearchTerm, int]:
    """Returns the ids of clients with a term that begins with the prefix, for a subquery: one for each term."""
    return _terms(practice, prefix).values_list("client_id", flat=True)


def _terms(practice: Practice, prefix: str) -> QuerySet[SearchTerm]:
    return SearchTerm.objects.filter(practice=practice, term__begins_with=prefix[:_MAX_TERM_LENGTH])


def _with_all_terms(clients: ClientQuerySet, words: Iterable[QuerySet[SearchTerm]]) -> ClientQuerySet:
    return clients.filter(*(Exists(terms.filter(client=OuterRef("pk"))) for terms in words))


def _prefixes(query: str) -> list[str]:
    """Return what terms must begin with: the digits of a phone number, part of an address, or each word."""
    plain = folded(query)
    if _PHONE.match(plain):
        # "(0)" is written after the country code, but not dialed there.
        prefixes = [_INTERNATIONAL_PREFIX.sub("", re.sub(r"\(0\)|\D", "", plain))]
    elif "@" in query:
        # As the terms of addresses are written; of "@example.com", the domain.
        prefixes = ["".join(_WORD_OR_AT.findall(folded(_as_key(query)))).lstrip("@")]
    else:
        prefixes = ["".join(_WORD.findall(folded(part))) for part in _BETWEEN_WORDS.split(query)]
    return [prefix for prefix in prefixes if prefix][:MAX_WORDS]


def _as_key(query: str) -> str:
    try:
        return mailbox_key(query)
    except ValueError:
        return query


def clients_ever_with_address(practice: Practice, address: str) -> QuerySet[Client]:
    """Returns the practice's clients who have, or once had, exactly this mailbox."""
    rows = EmailAddress.objects.filter(practice=practice, mailbox_key=_as_key(address))
    return Client.objects.filter(practice=practice, pk__in=rows.values("client_id"))
