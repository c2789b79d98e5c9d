"""What the synchronous read of a fresh token costs in Python: python read.py [quick]."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import evergrant
from evergrant.testing import Emulator


def nanoseconds(reads: int, read: Callable[[], object]) -> float:
    started = time.perf_counter_ns()
    for _ in range(reads):
        read()
    return (time.perf_counter_ns() - started) / reads


def main() -> None:
    rounds, reads = (1, 10_000) if "quick" in sys.argv else (9, 500_000)
    with Emulator(leads=1) as portal:
        application = evergrant.Application(
            client_id=portal["client_id"],
            client_secret=portal["client_secret"],
            authorization_server=portal["authorization"],
        )
        grant = application.exchange_code(portal["portal"], portal.consent()["code"]).id
        if application.token_sync(grant) is None:
            sys.exit("the process has no token that it just got")

        def nothing() -> None:
            pass

        found = sorted(
            nanoseconds(reads, lambda: application.token_sync(grant))
            for _ in range(rounds)
        )
        floor = sorted(nanoseconds(reads, nothing) for _ in range(rounds))
    best, median = found[0], found[len(found) // 2]
    verdict = "met" if median < 500 else "MISSED"
    print(
        f"{'a fresh token, in Python':<58} {best:>9.1f} ns {median:>9.1f} ns  < 500 {verdict}"
    )
    print(
        f"{'  of it an empty call':<58} {floor[0]:>9.1f} ns {floor[len(floor) // 2]:>9.1f} ns"
    )


if __name__ == "__main__":
    main()
