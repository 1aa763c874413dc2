"""Whether a port is free. Without asking, a second web server would start happily beside the first."""

import errno
import socket


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
