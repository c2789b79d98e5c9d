"""The programs that share a store, in three languages; what they had in hand when killed."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Optional

from spool import Attempt, Stop, attempts_of
from world import World

HERE = pathlib.Path(__file__).resolve().parent


class Player:
    """A program that reads tokens; killed and started again, it is the same player."""

    def __init__(
        self, world: World, language: str, number: int, reading: dict[str, Any], name: str = ""
    ) -> None:
        self.language = language
        self.name = name or f"{language}-{number}"
        self.machine = number % world.machines
        self.files: list[pathlib.Path] = []
        """What it noted, a file for each of its lives."""
        self.killed: list[Attempt] = []
        self.stops: list[Stop] = []
        self.stopped_until: Optional[float] = None
        self.faults: dict[str, str] = {}
        self._world = world
        self._reading = reading
        self._in_hand: list[Attempt] = []
        self._trap: Optional[pathlib.Path] = None
        """A file that it makes when it stops itself."""
        self._process: subprocess.Popen[bytes]
        self._errors = world.folder / f"{self.name}.err"

    def start(self, stopping_at: str = "") -> None:
        """Begins a life; it may stop itself once, at a place of the keeper's code."""
        world = self._world
        file = world.folder / f"{self.name}-{len(self.files)}.jsonl"
        self.files.append(file)
        environment = world.environment(self.machine) | self.faults
        self._trap = file.with_suffix(".trap") if stopping_at else None
        if self._trap:
            environment["EVERGRANT_FAULT"] = f"{stopping_at}=stop"
            environment["EVERGRANT_FAULT_ONCE"] = str(self._trap)
        reading = {**self._reading, "file": str(file)}
        if self.language == "rust":
            command = [str(world.programs / "evergrant-worker")]
            orders = [
                {"id": 1, "do": "open", **world.settings()},
                {"id": 2, "do": "read", **reading},
            ]
        else:
            orders = [{"open": world.settings(), **reading}]
            if self.language == "python":
                command = [sys.executable, str(HERE / "reader.py")]
                environment["PYTHONPATH"] = str(world.programs / "soak")
            else:
                command = ["node", str(HERE / "reader.mjs")]
                environment["NAPI_RS_NATIVE_LIBRARY_PATH"] = str(
                    world.programs / "soak/evergrant.node"
                )
        if self.files[1:]:
            let_go(self._process)
        with open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )
        world.started.append(self._process)
        for order in orders:
            tell(self._process, order)

    def failure(self) -> str | None:
        """Why it does not read any more; None while it does."""
        if self.language != "rust":
            code = self._process.poll()
            return None if code is None else f"it ended with {code}: {self._last_word()}"
        # A worker that cannot open its store says so and waits for other orders.
        while self._process.stdout and select.select([self._process.stdout], [], [], 0)[0]:
            line = self._process.stdout.readline()
            if not line:
                return "it ended without a word"
            if b'"error"' in line:
                self._process.kill()
                self._process.wait()
                return line.decode()
        return None

    def stop(self) -> None:
        """SIGSTOP; returns when it stands still. Notes what it has in hand."""
        os.kill(self._process.pid, signal.SIGSTOP)
        self._wait_until_it_stands()
        if self._trap and self._trap.exists():
            self._trap = None
        since = self._world.now()
        self._in_hand = attempts_of(self._process.pid)
        unanswered = frozenset(one.attempt for one in self._in_hand if not one.answered)
        self.stops.append(Stop(since, unanswered))

    def go_on(self) -> None:
        """SIGCONT."""
        if self.stops:
            self.stops[-1].until = min(self.stops[-1].until, self._world.now())
        os.kill(self._process.pid, signal.SIGCONT)
        self.stopped_until = None

    def has_stopped_itself(self) -> bool:
        """Whether it does; said once. That is no `Stop`: before a write it looks at the clock when
        it goes on, so that nothing is explained by it.
        """
        if self._trap is None or not self._trap.exists():
            return False
        self._trap = None
        self._wait_until_it_stands()
        return True

    def disarm(self) -> None:
        """From now on it does not stop itself; if it did just now, it goes on."""
        if self._trap is None:
            return
        try:
            self._trap.touch(exist_ok=False)
            self._trap = None
        except FileExistsError:
            if self.has_stopped_itself():
                self.go_on()

    def _wait_until_it_stands(self) -> None:
        stat = pathlib.Path(f"/proc/{self._process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] not in "TZX":
            time.sleep(0.001)

    def kill(self) -> None:
        """SIGKILL; notes first what it has in hand."""
        if self._process.poll() is not None:
            return
        self.stop()
        self.killed += self._in_hand
        self.stops[-1].until = self._world.now()
        self._process.kill()
        self._process.wait()
        self.stopped_until = None

    def drain(self, seconds: float) -> str | None:
        """SIGTERM to a program that ends when its exchanges have; None if it did, else why not."""
        # One that began just now does not listen to signals yet; its first note shows that it does.
        deadline = time.monotonic() + seconds
        while not self.files[-1].exists():
            if failure := self.failure():
                return failure
            if self._process.poll() is not None or time.monotonic() > deadline:
                return f"it never began to read, exit code {self._process.poll()}"
            time.sleep(0.01)
        self._process.terminate()
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"it was at work {seconds:g} s after it was asked to stop"
        return None if code == 0 else f"it ended with {code}: {self._last_word()}"

    def _last_word(self) -> str:
        written = self._errors.read_text().strip().splitlines()
        return written[-1] if written else "without a word"

    def drop(self) -> None:
        """Lets it end at once, in whatever it is doing, and takes no note."""
        hang_up(self._process)


def tell(process: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    """One line to a program."""
    assert process.stdin
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[bytes]) -> Any:
    """One line from it."""
    assert process.stdout
    return json.loads(process.stdout.readline())


def let_go(process: subprocess.Popen[bytes]) -> None:
    """Closes this side's ends of the pipes to a program that has ended."""
    assert process.poll() is not None
    for pipe in (process.stdin, process.stdout):
        if pipe:
            # What was not sent to it is gone with it.
            with contextlib.suppress(OSError):
                pipe.close()


def hang_up(process: subprocess.Popen[bytes]) -> None:
    """Closes what it listens to, and waits for its end."""
    assert process.stdin
    process.stdin.close()
    process.wait()


class Steward:
    """A worker that nothing happens to: it takes consents in, and looks at the store in the end."""

    def __init__(self, world: World, machine: int) -> None:
        self._world = world
        self._process = subprocess.Popen(
            [str(world.programs / "evergrant-worker")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(world.folder / "steward.err", "ab"),  # noqa: SIM115 - the program's
            env=world.environment(machine),
        )
        world.started.append(self._process)
        self.ok("open", **world.settings(), background=False)

    def ask(self, do: str, **arguments: Any) -> Any:
        """The answer to one command."""
        tell(self._process, {"id": 1, "do": do, **arguments})
        return hear(self._process)

    def ok(self, do: str, **arguments: Any) -> Any:
        """As `ask`, for what must succeed; a store that is busy is asked again."""
        for _ in range(20):
            answer = self.ask(do, **arguments)
            if "ok" in answer:
                return answer["ok"]
            if answer["error"]["kind"] != "store":
                break
        raise RuntimeError(f"{do}: {answer}")

    def consent(self, user_id: int, first: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """A person consents; the grant. A code lives thirty seconds of a time that runs fast.
        `first` is done before each try.
        """
        portal = self._world.ready["portal"]
        for _ in range(50):
            first()
            code = self._world.control("POST", "/consent", {"user_id": user_id})["code"]
            answer = self.ask("exchange", portal=portal, code=code)
            if "ok" in answer:
                grant: dict[str, Any] = answer["ok"]
                return grant
        raise RuntimeError(f"no consent: {answer}")

    def end(self) -> None:
        """Ends it."""
        hang_up(self._process)
