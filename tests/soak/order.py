"""Whether nobody sends a refresh token after somebody else acquired its chain."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterable
from typing import Any

from spool import Attempt, Stop
from wire import Request

Row = dict[str, Any]
ACQUIRED = {"intent", "taken_over"}
LEASE = 180
LEAST = 30
"""What is left of a lease when a write begins, in the programs' seconds."""


class Order(enum.IntEnum):
    """What a request was; the kinder the lower."""

    IN_TIME = 0
    THAWED = 1
    """Its program stood still where nothing can help: after the last look at the clock."""
    LATE = 2
    """Somebody else had the chain, and nothing explains it."""
    TWICE = 3
    """Its attempt had sent a token before."""
    UNCONFIRMED = 4
    """The store had not confirmed the lease yet."""
    UNKNOWN = 5
    """No attempt of its sender is in the audit."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong with one request."""

    order: Order
    request: Request
    attempts: tuple[str, ...]

    def __str__(self) -> str:
        said = self.order.name.lower().replace("_", " ")
        tried = ", ".join(self.attempts) or "no attempt"
        return f"a token request at {int(self.request.at * 1000)} is {said}: {tried}"


class History:
    """One grant's audit, and who stood still when."""

    def __init__(self, audit: list[Row], stops: Iterable[Stop], slack: float) -> None:
        # How far two looks at the same time may differ.
        self._slack = slack
        self._stops = collections.defaultdict(list)
        for stop in stops:
            for attempt in stop.attempts:
                self._stops[attempt].append(stop)
        self._sent: dict[str, float] = {}
        self._acquired: dict[str, float] = {}
        self._followed: dict[str, float] = {}
        """When the next attempt acquired the chain of one."""
        holders: dict[int, str] = {}
        for entry in audit:
            at, attempt = entry["at"] / 1000, entry["attempt"]
            if entry["event"] in ACQUIRED:
                before = holders.get(entry["chain"])
                if before and before != attempt:
                    self._followed[before] = at
                holders[entry["chain"]] = attempt
                self._acquired[attempt] = at
            elif entry["event"] == "sent":
                self._sent[attempt] = at

    def judge(self, at: float, attempt: str) -> Order:
        """What a request at a moment was, if it was an attempt's."""
        if attempt not in self._acquired:
            return Order.UNKNOWN
        if self._sent.get(attempt, float("inf")) > at + self._slack:
            return Order.UNCONFIRMED
        if at <= self._followed.get(attempt, float("inf")) + self._slack:
            return Order.IN_TIME
        if any(self._explains(stop, at, attempt) for stop in self._stops[attempt]):
            return Order.THAWED
        return Order.LATE

    def _explains(self, stop: Stop, at: float, attempt: str) -> bool:
        """Whether a program may have written at once when it went on: if it came to stand still
        after the confirmation and while it might still write.
        """
        last_write = self._acquired[attempt] + LEASE - LEAST
        began = self._sent[attempt] - self._slack <= stop.since <= last_write + self._slack
        return began and -self._slack <= at - stop.until <= self._slack


def inspect(
    history: History, requests: Iterable[Request], killed: Iterable[Attempt], grant: int
) -> list[Finding]:
    """The requests of one grant that were not in time, or sent twice by one attempt. Who was killed
    as soon as it had written is any of those that were.
    """
    found = []
    known: collections.Counter[str] = collections.Counter()
    gone = [one.attempt for one in killed if one.grant == grant]
    for request in requests:
        own = [one.attempt for one in request.attempts if one.grant == grant and not one.answered]
        tried = own or gone
        order = min((history.judge(request.at, one) for one in tried), default=Order.UNKNOWN)
        if len(own) == 1:
            known[own[0]] += 1
            if known[own[0]] > 1:
                order = max(order, Order.TWICE)
        if order != Order.IN_TIME:
            found.append(Finding(order, request, tuple(tried)))
    return found
