"""What all clients in Python share: the job from the command line, the clock, the checks.

What came of it is printed as one line of JSON.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

SELECT = {"select": ["ID", "TITLE"]}


@dataclasses.dataclass(frozen=True)
class Job:
    """What to do: the keys of the first argument."""

    task: str
    way: str
    count: int
    webhook: str
    burst: int
    leak: float
    settled: int


def run(tasks: Mapping[str, Callable[[Job], Any]]) -> None:
    """Does the job and prints what came of it.

    list answers with rows, stream with an iterator over them; calls, gather and add with one result
    or exception each.
    """
    job = Job(**json.loads(sys.argv[1]))
    found: dict[str, Any] = {}
    started = time.perf_counter()
    try:
        if job.task == "stream":
            found = _drain(tasks["stream"](job), job.settled)
        else:
            results = tasks[job.task](job)
    except Exception as error:  # whatever it is, it is a figure
        found = {"failed": job.count, "error": f"{type(error).__name__}: {error}"[:200]}
    found["wall"] = time.perf_counter() - started
    if job.task != "stream" and "error" not in found:
        found |= _rows(results) if job.task == "list" else _calls(results, job.count)
    found["peak_kib"] = _memory("VmHWM")
    print(json.dumps(found))


def _rows(rows: Any) -> dict[str, Any]:
    ids = [int(row["ID"]) for row in rows]
    return {
        "rows": len(ids),
        "unique": len(set(ids)),
        "ordered": all(a < b for a, b in itertools.pairwise(ids)),
    }


def _calls(results: Iterable[Any], count: int) -> dict[str, Any]:
    good = [result for result in results if not isinstance(result, BaseException)]
    return {"failed": count - len(good)}


def _drain(rows: Iterable[Any], settled: int) -> dict[str, Any]:
    number, last, ordered, base, most = 0, 0, True, 0, 0
    for row in rows:
        number += 1
        current = int(row["ID"])
        ordered = ordered and current > last
        last = current
        if number == settled:
            base = most = _memory("VmRSS")
        elif number > settled and number % 10_000 == 0:
            most = max(most, _memory("VmRSS"))
    # Strictly rising ids are unique.
    return {
        "rows": number,
        "unique": number if ordered else -1,
        "ordered": ordered,
        "growth_kib": most - base,
    }


def _memory(name: str) -> int:
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))
