"""What is measured: tasks, portals, and what evergrant has to reach."""

from __future__ import annotations

import dataclasses

PAGE = 50
# Rows behind which a stream should need no more memory.
SETTLED = 50_000


@dataclasses.dataclass(frozen=True)
class Case:
    """One task on one portal."""

    name: str
    title: str
    # list, stream: rows. calls: single calls one after the other; gather: all at once.
    # add: in batches.
    task: str
    count: int
    leads: int
    density: int = 100
    round_trip_ms: int = 0
    count_ms: int = 20
    # 0 is a portal without a bucket.
    burst: int = 0
    leak: float = 0.0
    # The part of the leak that somebody else behind the same address takes.
    foreign: float = 0.0
    # One page of the list fails, once.
    fault: bool = False

    @property
    def throttled(self) -> bool:
        """Whether the portal has a bucket."""
        return self.burst > 0

    @property
    def pages(self) -> int:
        """Pages of the list, or calls."""
        return -(-self.count // PAGE) if self.task in ("list", "stream") else self.count

    def made_quick(self) -> Case:
        """The same in seconds; its figures mean nothing."""
        leak = 100.0 if self.throttled else 0.0
        if self.task in ("list", "stream"):
            rows = min(self.count, 60_000 if self.task == "stream" else 10_000)
            title = f"{self.name}: {rows:,} rows will do"
            return dataclasses.replace(self, title=title, count=rows, leads=rows, leak=leak)
        calls = min(self.count, 100)
        title = f"{self.name}: {calls} will do"
        return dataclasses.replace(self, title=title, count=calls, leak=leak)


def _lists() -> list[Case]:
    cases = []
    for rows in (250_000, 10_000):
        for round_trip in (0, 25):
            for density, word in ((100, "dense"), (10, "sparse")):
                name = f"list-{rows // 1000}k-{word}" + ("-25ms" if round_trip else "")
                title = f"{rows:,} rows, ids {word}, round trip {round_trip} ms, no bucket"
                cases.append(Case(name, title, "list", rows, rows, density, round_trip))
    return cases


LISTS = _lists()
# The most telling first: a run that is stopped has those.
CASES = [
    LISTS[0],
    Case("calls-1000", "1,000 calls one after the other, no bucket", "calls", 1000, 1000),
    Case(
        "list-250k-bucket",
        "250,000 rows, bucket of 50 and 2/s",
        "list",
        250_000,
        250_000,
        burst=50,
        leak=2.0,
    ),
    Case("gather-1000", "1,000 calls at once, no bucket", "gather", 1000, 1000),
    Case("add-200", "200 adds, no bucket", "add", 200, 10),
    Case(
        "list-10k-fault",
        "10,000 rows, one page of 200 fails once",
        "list",
        10_000,
        10_000,
        fault=True,
    ),
    *LISTS[4:],
    Case(
        "gather-150-bucket",
        "150 calls at once, bucket of 50 and 2/s",
        "gather",
        150,
        150,
        burst=50,
        leak=2.0,
    ),
    Case(
        "gather-150-foreign",
        "the same beside somebody who takes a fifth of the leak",
        "gather",
        150,
        150,
        burst=50,
        leak=2.0,
        foreign=0.2,
    ),
    Case("stream-1m", "1,000,000 rows, streamed", "stream", 1_000_000, 1_000_000),
    *LISTS[1:4],
]
