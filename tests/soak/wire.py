"""The way of the programs to the authorization server: notes which refresh token came when.

The server's own log tells neither: it cuts tokens out, and its clock is set four times a second.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import select
import socket
import struct
import threading
import urllib.parse
from collections.abc import Callable

from spool import Attempt, attempts_of, owner_of

TOKEN = re.compile(rb"[&?]refresh_token=([0-9a-f]{70})(?:&|$)")
PIECE = 1 << 16


@dataclasses.dataclass(frozen=True)
class Request:
    """A refresh token on its way to the server."""

    at: float
    """When it came, by the time of the programs."""
    mark: str
    """The token, unreadable."""
    attempts: tuple[Attempt, ...]
    """What its sender had in hand; nothing where it was killed meanwhile."""


class Wire:
    """Stands before a server and passes everything on, broken connections too."""

    def __init__(
        self, server: str, now: Callable[[], float], pids: Callable[[], list[int]]
    ) -> None:
        self.requests: list[Request] = []
        self._now = now
        self._pids = pids
        address = urllib.parse.urlsplit(server)
        self._server = (address.hostname, address.port or 80)
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._port: int = self._door.getsockname()[1]
        self.address = f"{address.scheme}://127.0.0.1:{self._port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Lets nobody in any more."""
        # Closing alone would not wake who waits for the next connection.
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, (_, port) = self._door.accept()
                threading.Thread(target=self._carry, args=(client, port), daemon=True).start()

    def _carry(self, client: socket.socket, port: int) -> None:
        with client, socket.create_connection(self._server) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._pass_on(client, server, port)
            except OSError:
                # Whoever broke it off, the other end sees the same.
                for end in (client, server):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _pass_on(self, client: socket.socket, server: socket.socket, port: int) -> None:
        said, noted = b"", False
        while True:
            ready, _, _ = select.select([client, server], [], [])
            for end in ready:
                at = self._now()
                piece = end.recv(PIECE)
                if not piece:
                    return
                if end is server:
                    client.sendall(piece)
                    continue
                said += piece
                if not noted and (found := TOKEN.search(said)):
                    noted = True
                    # Before the server sees it: its sender cannot have moved on.
                    self._note(at, found[1], port)
                server.sendall(piece)

    def _note(self, at: float, token: bytes, port: int) -> None:
        pid = owner_of(port, self._port, self._pids())
        attempts = tuple(attempts_of(pid)) if pid else ()
        mark = hashlib.sha256(token).hexdigest()[:16]
        self.requests.append(Request(at, mark, attempts))
