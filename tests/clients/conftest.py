"""Public clients that know nothing of the emulator talk to it as they would to a portal.

They run in a venv of their own: what they need has no place beside ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

FLAGS = ["--leads", "300", "--deals", "10", "--contacts", "10"]


class Portal:
    """An emulator in a process of its own; this venv has no evergrant to start it with.

    Under `with_tls.py` there is one already: it is used, as good as new.
    """

    def __init__(self, *flags: str) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any]
        if "CLIENTS_READY" in os.environ:
            self.ready = json.loads(os.environ["CLIENTS_READY"])
            self.control("POST", "/reset", {})
            return
        ports = [
            "--authorization-port",
            "0",
            "--portal-port",
            "0",
            "--control-port",
            "0",
        ]
        self._process = subprocess.Popen(
            [
                os.environ["EVERGRANT_PROGRAM"],
                "emulator",
                "--until-stdin-closes",
                *ports,
                *flags,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        self.ready = json.loads(self._process.stdout.readline())

    @property
    def is_tls(self) -> bool:
        return str(self.ready["portal"]).startswith("https:")

    def control(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.ready["control"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def count(self, part: str, name: str) -> int:
        return int(self.control("GET", "/counters")[part][name])

    def stop(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture
def portal() -> Iterator[Portal]:
    running = Portal(*FLAGS)
    yield running
    running.stop()
