"""What the programs of a soak live in: the emulator, a time that runs fast, a folder, a store."""

from __future__ import annotations

import json
import os
import pathlib
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request
from typing import Any

from wire import Wire


def empty(kind: str, folder: pathlib.Path) -> str:
    """The address of a store that nobody has used; for the servers see tools/servers."""
    if kind == "sqlite":
        return f"sqlite:{folder}/grants.db"
    servers = pathlib.Path(__file__).resolve().parents[2] / "tools/servers"
    return subprocess.check_output([servers, kind, "fresh"], text=True).strip()


class World:
    """One emulator and one store. Time runs `speed` times as fast: leases are over sooner."""

    def __init__(self, programs: pathlib.Path, store: str, speed: int, machines: int) -> None:
        self.programs = programs
        self.speed = speed
        self.machines = machines
        self._folder = tempfile.TemporaryDirectory(prefix="soak-")
        self.folder = pathlib.Path(self._folder.name)
        self.store = empty(store, self.folder)
        self._clock = self.folder / "time"
        self._passed = 0
        self._begun = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._write_clock()
        command = [str(programs / "evergrant"), "emulator", "--until-stdin-closes", "--burst", "0"]
        for port in ("authorization", "portal", "control"):
            command += [f"--{port}-port", "0"]
        for rows in ("leads", "deals", "contacts"):
            command += [f"--{rows}", "1"]
        self._emulator = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._emulator.stdin
        assert self._emulator.stdout
        self._stdin = self._emulator.stdin
        self.ready: dict[str, Any] = json.loads(self._emulator.stdout.readline())
        # Whatever proxy the environment names, loopback is not behind it.
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._seen = 0
        self.started: list[subprocess.Popen[bytes]] = []
        self.cut: list[float] = []
        """When a token request got no answer, by the server's time."""
        self.wire = Wire(self.ready["authorization"], self.now, self._running)
        self._over = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self._ticking.start()

    def environment(self, machine: int) -> dict[str, str]:
        """What a program is started with. A spool of its own is all that makes a machine."""
        return {
            **os.environ,
            "EVERGRANT_CLOCK": str(self._clock),
            "EVERGRANT_SPOOL": str(self.folder / f"spool-{machine}"),
            "RUST_LOG": "off",
        }

    def settings(self) -> dict[str, Any]:
        """What an application is opened with."""
        return {
            "client_id": self.ready["client_id"],
            "client_secret": self.ready["client_secret"],
            "authorization": self.wire.address,
            "store": self.store,
            "key": "11" * 32,
        }

    def control(self, method: str, path: str, body: object = None) -> Any:
        """One request to the emulator's control port."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.ready["control"] + path,
            method=method,
            data=data,
            headers={"content-type": "application/json"},
        )
        with self._http.open(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def now(self) -> float:
        """The time that all programs see."""
        running = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - self._begun
        return time.time() + self._passed + running / 1e9 * (self.speed - 1)

    def turn(self, seconds: int) -> None:
        """So much time passes at once."""
        self._passed += seconds
        self._write_clock()
        self._set_server()

    def stop(self) -> None:
        """Ends every program, stopped ones too, and removes the folder."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.wire.stop()
        self._over.set()
        self._ticking.join()
        self._stdin.close()
        self._emulator.wait()
        self._folder.cleanup()

    def _running(self) -> list[int]:
        """The programs that may have something in hand."""
        return [process.pid for process in self.started if process.returncode is None]

    def _write_clock(self) -> None:
        numbers = struct.pack("<qqq", self._passed * 1000, self._begun, self.speed - 1)
        with open(os.open(self._clock, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(numbers)

    def _set_server(self) -> None:
        self.control("POST", "/clock", {"set": self.now()})

    def _tick(self) -> None:
        while not self._over.wait(0.25):
            self._set_server()
            self.read_log()

    def read_log(self) -> None:
        """Notes which token requests the server left without an answer."""
        for entry in self.control("GET", f"/log?after={self._seen}"):
            self._seen = max(self._seen, entry["n"])
            if entry["path"].startswith("/oauth/token") and entry["status"] is None:
                self.cut.append(entry["at"])
