"""What was measured, kept as lines of JSON: a run that is there is not done again."""

from __future__ import annotations

import json
import pathlib
import statistics
from collections.abc import Iterable
from typing import Any

from cases import Case
from peers import Peer

Figures = dict[str, Any]


class Results:
    """The runs of all cases in one file, or in memory alone."""

    def __init__(self, folder: pathlib.Path | None) -> None:
        self._file = None if folder is None else folder / "runs.jsonl"
        self._runs: list[Figures] = []
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        if self._file is not None and self._file.exists():
            lines = self._file.read_text().splitlines()
            self._runs = [json.loads(line) for line in lines]

    def keep(self, figures: Figures) -> None:
        """One more run, on the disk before the next begins."""
        self._runs.append(figures)
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(json.dumps(figures) + "\n")

    def of(self, case: Case, peer: Peer) -> list[Figures]:
        """The runs of a peer in a case."""
        wanted = (case.name, peer.name)
        return [run for run in self._runs if (run["case"], run["peer"]) == wanted]


class Summary:
    """Some runs of one peer in one case."""

    def __init__(self, runs: Iterable[Figures], floor: float | None) -> None:
        self.runs = list(runs)
        self._floor = floor

    def median(self, name: str) -> float:
        """Of one figure."""
        return float(statistics.median(run.get(name, 0) for run in self.runs))

    def most(self, name: str) -> float:
        """Of one figure."""
        return max(float(run.get(name, 0)) for run in self.runs)

    def span(self, name: str) -> tuple[float, float]:
        """The least and the most of one figure."""
        found = [float(run.get(name, 0)) for run in self.runs]
        return min(found), max(found)

    @property
    def worked_out(self) -> bool:
        """Arithmetic instead of a run."""
        return any(run.get("arithmetic") for run in self.runs)

    @property
    def floor_ratio(self) -> float | None:
        """Wall time over the floor: that of the bucket for what it took in, or bare requests."""
        floor = self.median("floor") or self._floor
        return self.median("wall") / floor if floor else None

    @property
    def verdict(self) -> str:
        """What is wrong with the outcome; empty if all is there, once and in order."""
        for run in self.runs:
            if wrong := _wrong(run):
                return wrong
        return ""


def _wrong(run: Figures) -> str:
    if run.get("error"):
        return f"error: {run['error']}"
    if run.get("failed"):
        return f"{run['failed']:,} of {run['count']:,} failed"
    if run.get("rows") is None:
        return ""
    if run["rows"] != run["count"]:
        return f"{run['rows']:,} of {run['count']:,} rows, and no error"
    if run["unique"] != run["rows"] and run["unique"] >= 0:
        return "rows twice"
    return "" if run["ordered"] else "out of order"


def summary(results: Results, case: Case, peer: Peer, bare: Peer) -> Summary | None:
    """All of a peer's runs in a case; nothing if there are none."""
    runs = results.of(case, peer)
    if not runs:
        return None
    floors = [] if case.throttled else [run["wall"] for run in results.of(case, bare)]
    return Summary(runs, statistics.median(floors) if floors else None)
