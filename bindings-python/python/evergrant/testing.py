"""A portal and its authorization server on loopback, for tests that have no portal.

    from evergrant.testing import Emulator

    with Emulator(leads=200) as portal:
        b24 = evergrant.Client.from_webhook(portal["webhook"])
        assert b24.call("profile")["ID"] == "1"

It runs the program `evergrant emulator` in a process of its own. The program is the one that the
variable `EVERGRANT_PROGRAM` names, else the one of the package `evergrant[cli]`, else the one on
the PATH. With pytest, `pytest_plugins = ["evergrant.pytest_plugin"]` gives the fixture
`bitrix24_emulator`.

`Clock` is a clock to turn: `Application(..., clock=clock)` sees an hour pass at
`clock.turn(3600)`. The portal has a clock of its own: `portal.advance(3600)`.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from evergrant._native import Clock

__all__ = ["Clock", "Emulator", "program"]


def program() -> pathlib.Path:
    """The program `evergrant`; FileNotFoundError says how to get it."""
    named = os.environ.get("EVERGRANT_PROGRAM")
    if named:
        return pathlib.Path(named)
    try:
        return pathlib.Path(importlib.import_module("evergrant_cli").program())
    except ModuleNotFoundError:
        pass
    found = shutil.which("evergrant")
    if found is None:
        raise FileNotFoundError(
            "the program `evergrant` is not on the PATH: install it (`cargo install --path cli`),"
            " or name it in EVERGRANT_PROGRAM"
        )
    return pathlib.Path(found)


def _flag(name: str, value: object) -> list[str]:
    """A flag as the program takes it: once, not at all, or once for each value of a list."""
    if name == "set" and isinstance(value, Mapping):
        value = [f"{setting}={json.dumps(to)}" for setting, to in value.items()]
    command: list[str] = []
    for one in value if isinstance(value, (list, tuple)) else [value]:
        if one is None or one is False:
            continue
        command.append(f"--{name.replace('_', '-')}")
        if one is not True:
            command.append(json.dumps(one) if isinstance(one, Mapping) else str(one))
    return command


class Emulator:
    """A running emulator; a context manager. It also ends when this process does.

    The fields of its first line are read like a mapping's: `portal["webhook"]`, `portal["portal"]`,
    `portal["authorization"]`, `portal["client_id"]` and so on.
    """

    def __init__(self, **flags: object) -> None:
        """Starts one, on free ports unless they are given.

        `leads=10` is the flag `--leads 10`, `tls=True` is `--tls`; `False` and `None` are no flag.
        A list repeats its flag, a dict is JSON: `portal=[{"leads": 5}, {"seed": 9}]` are two more
        portals. `set={"rotation": "family", "refresh_days": 180}` are two settings.
        """
        command = [str(program()), "emulator", "--until-stdin-closes"]
        for port in ("authorization_port", "portal_port", "control_port"):
            if flags.get(port) is None:
                flags[port] = 0
        for name, value in flags.items():
            command += _flag(name, value)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(  # noqa: S603 - the program is named by the caller
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr
        )
        # Whatever proxy the environment names, loopback is not behind it.
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.ready: dict[str, Any] = self._wait_until_ready()

    def _wait_until_ready(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self._process.wait()
            self._stderr.seek(0)
            reason = self._stderr.read().decode(errors="replace").strip()
            raise RuntimeError(f"the emulator did not start: {reason}")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def __getitem__(self, field: str) -> Any:
        """A field of the ready line."""
        return self.ready[field]

    def control(self, method: str, path: str, body: object = None) -> Any:
        """One request to the control port; its JSON. RuntimeError has the words of a refusal."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - always loopback
            self.ready["control"] + path,
            method=method,
            data=data,
            headers={"content-type": "application/json"},
        )
        try:
            with self._http.open(request, timeout=20) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                reason = refusal.read().decode(errors="replace")
            raise RuntimeError(f"control {method} {path}: {refusal.code} {reason}") from None
        return json.loads(text) if text else None

    def advance(self, seconds: int) -> None:
        """Turns the portal's clock forward."""
        self.control("POST", "/clock", {"advance": seconds})

    def consent(self, user_id: int = 1, state: str | None = None) -> Mapping[str, Any]:
        """A person's consent, without a browser: `redirect_url`, `code`, `state`."""
        body: dict[str, object] = {"user_id": user_id}
        if state is not None:
            body["state"] = state
        consent: Mapping[str, Any] = self.control("POST", "/consent", body)
        return consent

    def counters(self) -> Any:
        """What the servers have counted."""
        return self.control("GET", "/counters")

    def secrets(self) -> set[str]:
        """Everything that nothing may ever show."""
        webhook = self.ready["webhook"].rstrip("/").rsplit("/", 1)[1]
        tokens = {token["token"] for token in self.control("GET", "/tokens")}
        return tokens | {self.ready["client_secret"], webhook}

    def reset(self) -> None:
        """As just started."""
        self.control("POST", "/reset", {})

    def stop(self) -> None:
        """Ends the process and waits for its end."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def __enter__(self) -> Emulator:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stops it."""
        self.stop()
