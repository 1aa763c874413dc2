"""Listening sockets."""

import errno
import socket

from portico import hosts


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on the port, on an IPv4 address if the host has one.

    Raises OSError if the port is taken or the host is not this machine's, and hosts.MalformedHost.
    """
    name = hosts.without_brackets(hosts.normalized(host))
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _name, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        # So that connections in TIME_WAIT of a server that has ended do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def is_free(host: str, port: int) -> bool:
    """Returns False if another process listens on the port. Raises OSError if the host is not this machine's."""
    try:
        listen(host, port).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True
