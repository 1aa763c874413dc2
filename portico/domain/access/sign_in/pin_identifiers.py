"""The identifier that a client enters with a PIN: an email address, a phone number or the client number.

Each has one canonical form: a mailbox key contains "@", a phone number (E.164) begins with "+", a client number is
seven digits. Rate limits count by this form, known or not.
"""

import re
from collections.abc import Iterable

from portico.domain.access.models import PortalAccess
from portico.domain.access.models.accounts import PortalAccessQuerySet
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client, PhoneNumber
from portico.domain.practices.models import Practice
from portico.plumbing.text import phone_number_display
from portico.plumbing.text.folding import ascii_forms
from portico.plumbing.text.mailboxes import mailbox_key

_SEPARATORS = re.compile(r"[\W_]+")


def canonical(typed: str, practice: Practice) -> str:
    """Returns the canonical form of the identifier, with digits of every script as ASCII. Raises ValueError.

    A phone number without a country code is one of the practice's country.
    """
    typed = typed.strip()
    if "@" in typed:
        return mailbox_key(typed)
    number = ascii_forms(typed)
    digits = _SEPARATORS.sub("", number)
    if len(digits) == client_numbers.LENGTH and digits.isascii() and digits.isdecimal() and "+" not in number:
        return digits
    return phone_number_display.e164(number, practice.country)


def accesses_of(practice: Practice, identifier: str) -> PortalAccessQuerySet:
    """Returns the practice's accesses that an identifier in canonical form names; there may be several."""
    rows = PortalAccess.objects.filter(practice=practice)
    if "@" in identifier:
        return rows.filter(account__mailbox_key=identifier)
    if identifier.startswith("+"):
        phones = PhoneNumber.objects.filter(practice=practice, number=identifier)
        # A number is that of a client or of a contact; two subqueries, each of which uses an index.
        own = PortalAccess.objects.filter(own_client__in=phones.values("client"))
        of_contacts = PortalAccess.objects.filter(relationship__contact__in=phones.values("contact"))
        return rows.filter(pk__in=own.values("pk").union(of_contacts.values("pk"), all=True))
    # Also for contacts of the client: each has a PIN of their own.
    return rows.filter(client=client_numbers.id_of(identifier))


def identifiers_of(client: Client, access: PortalAccess | None, phones: Iterable[str] | None = None) -> list[str]:
    """Returns every identifier for a PIN of the access, in canonical form. `phones` are the holder's, if loaded."""
    if phones is None:
        holder = access.holder if access is not None else client
        phones = holder.phone_numbers.values_list("number", flat=True)
    mailbox = access.account.email if access is not None and access.account is not None else ""
    return list(dict.fromkeys(each for each in (client_numbers.digits_of(client), *phones, mailbox) if each))
