"""Checks that a port is free: granian would start a second server on a port in use."""

import errno
import socket

from portico import hosts


def address_of(host: str) -> str:
    """Returns the IP address of a host, preferring IPv4: granian takes no names.

    Raises OSError for a name without an address, and hosts.MalformedHost.
    """
    name = hosts.normalized(host)
    if hosts.is_address(name):
        return hosts.without_brackets(name)
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return str(found[0][4][0])


def is_free(host: str, port: int) -> bool:
    """Returns False if another process listens on the port. Raises OSError if the host is not this machine's."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # With SO_REUSEADDR only a port with a listener counts as taken, not one in TIME_WAIT. SO_REUSEPORT allows both.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
