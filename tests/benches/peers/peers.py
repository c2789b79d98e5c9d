"""Who is measured, and what their way of reading a list costs by arithmetic."""

from __future__ import annotations

import dataclasses
import os
import pathlib

from cases import Case

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Longer runs are worked out instead of waited for.
PATIENCE = 300.0


@dataclasses.dataclass(frozen=True)
class Peer:
    """One client, in one of the ways its interface offers."""

    name: str
    language: str
    program: str
    tasks: tuple[str, ...]
    way: str = ""
    pages_per_request: int = 50
    # Whether its pages make the portal count.
    counts: bool = False
    # Requests under way at once.
    abreast: int = 1

    @property
    def ours(self) -> bool:
        """Whether it is evergrant."""
        return self.name.startswith("evergrant")

    def called(self, case: Case) -> str:
        """Its name; its way matters to lists alone."""
        return self.name if case.task in ("list", "stream") else self.name.split(",")[0]

    def command(self) -> list[str]:
        """How it is started."""
        path = str(HERE / "clients" / self.program)
        if self.program.endswith(".rs"):
            return [os.environ["EVERGRANT_PEER"]]
        if self.program.endswith(".mjs"):
            return [os.environ.get("NODE", "node"), path]
        if self.name == "bare requests":
            return [_python("CLIENTS_PYTHON", "clients"), path]
        if self.ours:
            return [_python("EVERGRANT_PYTHON", "python"), path]
        return [_python("CLIENTS_PYTHON", "clients"), path]

    def requests(self, case: Case) -> int:
        """How many it needs."""
        if case.task in ("list", "stream"):
            return -(-case.pages // self.pages_per_request)
        return -(-case.count // 50) if case.task == "add" else case.count

    def seconds(self, case: Case) -> float:
        """The least that its way takes: round trips, counting, the bucket; nothing for work."""
        requests = self.requests(case)
        abreast = min(requests, 50) if case.task == "gather" else min(requests, self.abreast) or 1
        waits = requests * case.round_trip_ms
        if self.counts and case.task in ("list", "stream"):
            waits += case.pages * case.count_ms
        bucket = max(0.0, (requests - case.burst) / case.leak) if case.throttled else 0.0
        return max(waits / 1000 / abreast, bucket)


def _python(variable: str, folder: str) -> str:
    return os.environ.get(variable, str(ROOT / ".env" / folder / "bin" / "python"))


EVERYTHING = ("list", "calls", "gather", "add", "stream")
PEERS = [
    # What the others are compared with: the requests themselves, answers unread.
    Peer("bare requests", "", "bare.py", ("list", "calls", "gather"), abreast=4),
    Peer("evergrant (Rust)", "Rust", "evergrant.rs", EVERYTHING, abreast=4),
    Peer("evergrant (Python)", "Python", "evergrant_client.py", EVERYTHING, abreast=4),
    Peer(
        "fast-bitrix24",
        "Python",
        "fast_bitrix24_client.py",
        ("list", "calls", "gather", "add"),
        counts=True,
        abreast=50,
    ),
    Peer(
        "b24pysdk, as_list_fast",
        "Python",
        "b24pysdk_client.py",
        EVERYTHING,
        way="fast",
    ),
    Peer(
        "b24pysdk, as_list",
        "Python",
        "b24pysdk_client.py",
        ("list",),
        way="pages",
        counts=True,
    ),
    Peer("evergrant (Node)", "Node", "evergrant.mjs", EVERYTHING, abreast=4),
    Peer(
        "b24jssdk, fetchList",
        "Node",
        "b24jssdk.mjs",
        EVERYTHING,
        way="fetch",
        pages_per_request=1,
    ),
    Peer(
        "b24jssdk, pages in batches by hand",
        "Node",
        "b24jssdk.mjs",
        ("list",),
        way="hand",
        counts=True,
    ),
]
