"""Client numbers: seven digits with which a client who has no email identifies themselves beside a PIN.

A number is no secret and opens nothing. It is computed from the client's id, so that every client has one from the
moment it is created, it never changes, and consecutive clients have numbers that are far apart.
"""

from portico.domain.clients.models import Client

LENGTH = 7
# The largest prime below 10**7: multiplying modulo a prime maps each id below it to another number.
_PRIME = 9_999_991
_FACTOR = 6_180_337
_INVERSE = pow(_FACTOR, -1, _PRIME)


def digits_of(client: Client) -> str:
    """Returns the client's number without separators, such as "4821374"."""
    return f"{client.pk * _FACTOR % _PRIME:0{LENGTH}}"


def number_of(client: Client) -> str:
    """Returns the client's number for people, such as "482-1374"."""
    digits = digits_of(client)
    return f"{digits[:3]}-{digits[3:]}"


def id_of(digits: str) -> int:
    """Returns the id of the client with this number, whether or not there is one."""
    return int(digits) * _INVERSE % _PRIME
