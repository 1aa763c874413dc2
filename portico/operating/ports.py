"""Whether a port is free. Without asking, a second web server would start happily beside the first."""

import errno
import socket

from portico import hosts


def address_of(host: str) -> str:
    """Returns the IP address that a host stands for, an IPv4 one if it has both: granian takes no names.

    Raises OSError for a name without an address, and hosts.MalformedHost.
    """
    name = hosts.normalized(host)
    if hosts.is_address(name):
        return hosts.without_brackets(name)
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return str(found[0][4][0])


def is_free(host: str, port: int) -> bool:
    """Tries to listen there for a moment. Raises OSError when the host is not this machine's."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # A port that was left a moment ago is free; one with a listener is not. Not SO_REUSEPORT: that allows both.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
