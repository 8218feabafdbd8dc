"""Slow and stuck clients: every connection in hand must get on, or it is cut off.

gunicorn's threaded worker waits without end for a request's next byte, and the few threads there
are would soon all wait. Here each step of a request (its head, a block of its body, a block of the
answer) has a time of its own; `Headway.cut_off_the_stuck`, called every second, shuts the sockets
of those whose time is over, and the thread that waits there finds its client gone.
"""

import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

HEAD_SECONDS = 20.0  # for a whole request line with its headers
WORK_SECONDS = 180.0  # for what the gateway itself does: a database that is held, gpg
BLOCK_SECONDS = 30.0  # for a block of `BLOCK` bytes, either way
BLOCK = 32 * 1024


class Headway:
    """Until when each connection in hand has time. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[socket.socket, float] = {}

    def give(self, connection: socket.socket | None, seconds: float) -> None:
        """The connection's next step may take so long from now; None is no real connection."""
        if connection is not None:
            with self._lock:
                self._until[connection] = time.monotonic() + seconds

    def done(self, connection: socket.socket) -> None:
        """Nothing is in hand on the connection any more."""
        with self._lock:
            self._until.pop(connection, None)

    def cut_off_the_stuck(self) -> int:
        """Shut the connections whose time is over; how many there were."""
        now = time.monotonic()
        with self._lock:
            over = [connection for connection, until in self._until.items() if until < now]
            for connection in over:
                del self._until[connection]
        for connection in over:
            try:
                # The socket's own: that of TLS would take its state from the thread that waits.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue  # it has gone by itself
        return len(over)


def connection_of(environ: Mapping[str, Any]) -> socket.socket | None:
    """The socket of a request, by its WSGI environment; None in a test client."""
    found = environ.get("gunicorn.socket")
    return found if isinstance(found, socket.socket) else None


HEADWAY = Headway()  # of this process: its threads share it
