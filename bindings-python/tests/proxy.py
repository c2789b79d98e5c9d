"""A proxy that holds requests back until it is told to pass them on: a server as slow as wanted."""

from __future__ import annotations

import contextlib
import http.server
import select
import socket
import threading
import time
import urllib.request
from typing import Callable

PATIENCE = 20


def until(condition: Callable[[], bool]) -> bool:
    """Polls until `condition` holds; false if it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Proxy:
    """A proxy before `target`, an origin on loopback."""

    def __init__(self, target: str) -> None:
        self.release = threading.Event()
        """Set it to let the requests pass."""
        self.arrived = 0
        """How many requests have come."""
        self.dropped = 0
        """How many callers have gone away while their request was held back."""
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                proxy.arrived += 1
                while not proxy.release.wait(0.005):
                    if caller_left(self.connection):
                        proxy.dropped += 1
                        self.close_connection = True
                        return
                request = urllib.request.Request(
                    target + self.path,
                    body,
                    {"content-type": self.headers["content-type"]},
                )
                with direct.open(request, timeout=PATIENCE) as answer:
                    content = answer.read()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._server = Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def before(self, url: str) -> str:
        """`url` of the target, by way of this proxy."""
        return self.origin + "/" + url.split("/", 3)[3]

    def has(self, arrived: int) -> bool:
        """Waits for that many requests."""
        return until(lambda: self.arrived >= arrived)

    def stop(self) -> None:
        """Lets everything pass and closes the port."""
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Callers may go away at any moment."""


def caller_left(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:
        return True


class Sluggish:
    """A portal that says where a file goes and reads the beginning of it; the rest when it is asked
    for, as far as it comes.
    """

    def __init__(self, most: int) -> None:
        """Reads no more than `most` bytes."""
        self._most = most
        self._proceed = threading.Event()
        self._came = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self._origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.webhook = f"{self._origin}/rest/1/qwertyuiop123456/"
        """Its webhook, for one upload."""
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Sluggish:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()
        self._listener.close()

    def rest(self) -> int:
        """How much came in all, once the sender has gone."""
        self._proceed.set()
        self._thread.join()
        return self._came

    def _serve(self) -> None:
        call, _ = self._listener.accept()
        with call:
            call.recv(1 << 16)
            link = f'{{"result": {{"field": "file", "uploadUrl": "{self._origin}/upload"}}}}'
            head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(link)}\r\n\r\n"
            call.sendall((head + link).encode())
        upload, _ = self._listener.accept()
        with upload:
            upload.settimeout(PATIENCE)
            self._came = len(upload.recv(1 << 16))
            self._proceed.wait(PATIENCE)
            with contextlib.suppress(ConnectionError):
                while self._came < self._most and (part := upload.recv(1 << 16)):
                    self._came += len(part)
