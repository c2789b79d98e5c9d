"""Histories that are made up: the check of the order must tell them apart."""

from __future__ import annotations

from order import History, Order, Row, inspect
from spool import Attempt, Stop
from wire import Request

SLACK = 1.0
GRANT = 1


def audit(*entries: tuple[float, str, str]) -> list[Row]:
    """What happened to one chain: when, what, by which attempt."""
    return [
        {"at": int(at * 1000), "event": event, "attempt": attempt, "chain": 1}
        for at, event, attempt in entries
    ]


CONFIRMED = [(1000, "intent", "a"), (1001, "sent", "a")]
TAKEN_OVER = audit(*CONFIRMED, (1800, "taken_over", "b"), (1801, "sent", "b"))
SENT_AGAIN = audit(*CONFIRMED, (1060, "ambiguous", "a"), (1181, "intent", "b"), (1182, "sent", "b"))
COMMITTED = audit(*CONFIRMED, (1002, "committed", "a"), (1002, "intent", "b"), (1003, "sent", "b"))
UNCONFIRMED = audit((1000, "intent", "a"), (1181, "taken_over", "b"), (1182, "sent", "b"))


def stop(since: float, until: float, attempt: str = "a") -> Stop:
    """A program stood still."""
    return Stop(since, frozenset({attempt}), until)


CASES: list[tuple[str, list[Row], list[Stop], list[tuple[float, str]], list[Order]]] = [
    ("one after the other", COMMITTED, [], [(1001.1, "a"), (1003.1, "b")], []),
    ("a silent holder", TAKEN_OVER, [], [(1001.1, "a"), (1801.1, "b")], []),
    ("sent late, before anybody else came", TAKEN_OVER, [], [(1140, "a"), (1801.1, "b")], []),
    ("after a takeover, no stop", TAKEN_OVER, [], [(1801, "b"), (1810, "a")], [Order.LATE]),
    ("after a new intent, no stop", SENT_AGAIN, [], [(1182, "b"), (1185, "a")], [Order.LATE]),
    (
        "thawed between its last look at the clock and its write",
        TAKEN_OVER,
        [stop(1001.2, 1900)],
        [(1801, "b"), (1900.1, "a")],
        [Order.THAWED],
    ),
    ("thawed long before", TAKEN_OVER, [stop(1001.2, 1850)], [(1900, "a")], [Order.LATE]),
    ("thawed before the takeover", TAKEN_OVER, [stop(1001.2, 1700)], [(1900, "a")], [Order.LATE]),
    ("stopped too late to matter", TAKEN_OVER, [stop(1160, 1900)], [(1900, "a")], [Order.LATE]),
    ("stopped before it confirmed", TAKEN_OVER, [stop(990, 1900)], [(1900, "a")], [Order.LATE]),
    ("another stood still", TAKEN_OVER, [stop(1001.2, 1900, "b")], [(1900, "a")], [Order.LATE]),
    ("never confirmed", UNCONFIRMED, [], [(1003, "a")], [Order.UNCONFIRMED]),
    ("not confirmed yet", COMMITTED, [], [(995, "a")], [Order.UNCONFIRMED]),
    ("written twice", COMMITTED, [], [(1001.1, "a"), (1001.2, "a")], [Order.TWICE]),
    ("of nobody", COMMITTED, [], [(1001.1, "c")], [Order.UNKNOWN]),
]


def prove() -> list[str]:
    """The histories that the check gets wrong."""
    wrong = []
    for name, entries, stops, sent, expected in CASES:
        history = History(entries, stops, SLACK)
        requests = [Request(at, "", (Attempt(GRANT, one, answered=False),)) for at, one in sent]
        found = [finding.order for finding in inspect(history, requests, [], GRANT)]
        if found != expected:
            wrong.append(f"made up, {name}: {found} instead of {expected}")
    # A sender that was killed at once: any attempt that was killed may have been its.
    gone = [Attempt(GRANT, "a", answered=False)]
    for at, expected in [(1001.1, []), (1810.0, [Order.LATE])]:
        history = History(TAKEN_OVER, [], SLACK)
        found = [one.order for one in inspect(history, [Request(at, "", ())], gone, GRANT)]
        if found != expected:
            wrong.append(f"made up, a killed sender at {at}: {found} instead of {expected}")
    return wrong
