"""Compares what each language passed with what there is: no language may miss a scenario."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def is_here(store: str) -> bool:
    """Whether the store's server was started for this run."""
    servers = {"postgres": "EVERGRANT_TEST_POSTGRES", "redis": "EVERGRANT_TEST_REDIS"}
    return store not in servers or servers[store] in os.environ


def expected() -> set[str]:
    """Every scenario on every store it names."""
    names = set()
    for path in sorted((ROOT / "tests" / "scenarios").glob("*.json")):
        scenario = json.loads(path.read_text())
        names.update(
            f"{scenario['name']}/{store}"
            for store in scenario["stores"]
            if is_here(store)
        )
    return names


def main(languages: list[str]) -> int:
    """Prints a line per language; 1 if one of them misses a scenario."""
    wanted = expected()
    missed = 0
    for language in languages:
        path = ROOT / "target" / "scenarios" / f"{language}.json"
        passed = set(json.loads(path.read_text())) if path.exists() else set()
        missing = sorted(wanted - passed)
        print(f"{language}: {len(wanted & passed)} of {len(wanted)} scenarios")
        for name in missing:
            print(f"  missing: {name}")
        missed += len(missing)
    return 1 if missed or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
