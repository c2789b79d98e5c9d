"""The emulator as a process of its own, new for each run, and somebody else who uses it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from types import TracebackType
from typing import Any

from cases import Case

PORTS = ["--authorization-port", "0", "--portal-port", "0", "--control-port", "0"]


class Portal:
    """A portal as the case wants it."""

    def __init__(self, case: Case) -> None:
        flags = [
            *("--leads", str(case.leads), "--id-density", str(case.density)),
            *("--burst", str(case.burst), "--leak", str(case.leak)),
            *("--set", f"round_trip_ms={case.round_trip_ms}"),
            *("--set", f"count_ms={case.count_ms}"),
        ]
        self._process = subprocess.Popen(
            [
                os.environ["EVERGRANT_PROGRAM"],
                "emulator",
                "--until-stdin-closes",
                *PORTS,
                *flags,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self._process.stdout.readline())
        if case.fault:
            fault = {
                "at": "rest",
                "kind": "internal",
                "method": "crm.lead.list",
                "skip": 100,
            }
            self.control("POST", "/faults", fault)
        self._over = threading.Event()
        self.foreign_requests = self.foreign_refusals = 0
        if case.foreign:
            pause = 1 / (case.leak * case.foreign)
            self._foreigner = threading.Thread(target=self._foreign, args=(pause,))
            self._foreigner.start()

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Asks the control port."""
        return _ask(
            method,
            self.ready["control"] + path,
            None if body is None else json.dumps(body).encode(),
        )

    def counted(self) -> dict[str, float]:
        """What the portal saw of the client under test, and the bucket's own floor."""
        portal = self.control("GET", "/counters")["portal"]
        limits = self.control("GET", "/limits")
        floor = max((bucket["floor_seconds"] or 0.0 for bucket in limits), default=0.0)
        return {
            "requests": portal["requests"] - self.foreign_requests,
            "limited": portal["limited"] - self.foreign_refusals,
            "floor": floor,
        }

    def _foreign(self, pause: float) -> None:
        url = self.ready["webhook"] + "profile"
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due += pause
            self.foreign_requests += 1
            try:
                _ask("GET", url, None)
            except urllib.error.HTTPError:
                self.foreign_refusals += 1
            except OSError:
                continue

    def end_foreign(self) -> None:
        """Nobody else calls any more."""
        self._over.set()

    def __enter__(self) -> Portal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)


def _ask(method: str, url: str, body: bytes | None) -> Any:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, method=method, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or b"null")
