"""What programs have in hand: the attempts in their slots of the spool."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable, Iterator

LABEL = 1024
"""Bytes of a spool slot that say whose answer it is for."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """An exchange that a program is in."""

    grant: int
    attempt: str
    answered: bool
    """Whether the answer is in the spool already."""


@dataclasses.dataclass
class Stop:
    """A program stood still; both times are the programs' own."""

    since: float
    attempts: frozenset[str]
    """What it had in hand and no answer to."""
    until: float = float("inf")


def attempts_of(pid: int) -> list[Attempt]:
    """The attempts whose slots in the spool a process holds."""
    found = []
    for link, target in open_files(pid):
        if not target.endswith(".slot"):
            continue
        try:
            if "lock:" not in pathlib.Path(f"/proc/{pid}/fdinfo/{link.name}").read_text():
                # It only looks into the slot of another program.
                continue
            with open(link, "rb") as slot:
                label = slot.read(LABEL).strip()
            said = json.loads(label) if label else None
        except (OSError, ValueError):
            # Closed meanwhile, or its label is being written: that attempt has not begun.
            continue
        if said and said["rotation"]:
            answered = said["status"] is not None
            found.append(Attempt(said["rotation"]["grant"], said["attempt"], answered))
    return found


def owner_of(port: int, server: int, pids: Iterable[int]) -> int | None:
    """Which of some processes has the connection from a port of this machine to a server's."""
    ends = f": 0100007F:{port:04X} 0100007F:{server:04X} "
    with open("/proc/net/tcp") as table:
        inode = next((line.split()[9] for line in table if ends in line), None)
    for pid in pids:
        if any(target == f"socket:[{inode}]" for _, target in open_files(pid)):
            return pid
    return None


def open_files(pid: int) -> Iterator[tuple[pathlib.Path, str]]:
    """What a process has open, and under which link; nothing of one that has ended."""
    with contextlib.suppress(OSError):
        for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                yield link, os.readlink(link)
