"""Starts the program `evergrant emulator` and stops it by its process id."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program() -> pathlib.Path:
    """The program under test: `EVERGRANT_PROGRAM`, else the one that cargo built last."""
    named = os.environ.get("EVERGRANT_PROGRAM")
    if named:
        return pathlib.Path(named)
    built = [path for path in ROOT.glob("target/**/debug/evergrant") if path.is_file()]
    if not built:
        raise FileNotFoundError("run `cargo build -p evergrant-cli` first")
    return max(built, key=lambda path: path.stat().st_mtime)


class Emulator:
    """A running emulator; a context manager. It also ends when this process does."""

    def __init__(self, **flags: object) -> None:
        """Starts one on free ports. `leads=10` is the flag `--leads 10`."""
        command = [str(program()), "emulator", "--until-stdin-closes"]
        for port in ("authorization", "portal", "control"):
            command += [f"--{port}-port", "0"]
        for name, value in flags.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr
        )
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._stderr.seek(0)
            raise RuntimeError(f"no emulator: {self._stderr.read().decode()}")
        self.ready: dict[str, Any] = json.loads(line)

    def __getitem__(self, field: str) -> Any:
        """A field of the ready line."""
        return self.ready[field]

    def control(self, method: str, path: str, body: object = None) -> Any:
        """One request to the control port; its JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.ready["control"] + path,
            method=method,
            data=data,
            headers={"content-type": "application/json"},
        )
        with self._http.open(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def counters(self) -> Any:
        """What the servers have counted."""
        return self.control("GET", "/counters")

    def consent(self, **body: object) -> Mapping[str, Any]:
        """A person's consent, without a browser."""
        consent: Mapping[str, Any] = self.control("POST", "/consent", {"user_id": 1, **body})
        return consent

    def secrets(self) -> set[str]:
        """Everything that nothing may ever show."""
        webhook = self.ready["webhook"].rstrip("/").rsplit("/", 1)[1]
        tokens = {token["token"] for token in self.control("GET", "/tokens")}
        return tokens | {self.ready["client_secret"], webhook}

    def stop(self) -> None:
        """Ends the process and waits for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
