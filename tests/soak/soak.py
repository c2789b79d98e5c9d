"""Programs in Rust, Python and Node share one store while they are killed and stopped at random.

Their server loses answers meanwhile. In the end every refresh token that lives must be in the store
or the spool, unless its answer was on its way to a program that was killed, or was cut off by the
server. Anything else fails the run.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import sys
import time

from chaos import Chaos
from made_up import prove
from players import Player, Steward
from verdict import Verdict
from world import World

STORES = ["sqlite", "postgres", "redis"]
SPARES = 2
"""Every so many grants have a spare chain."""


def main() -> int:
    """The exit code: 0 if nothing was lost that could have been kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--speed", type=int, default=20)
    parser.add_argument("--grants", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--store", action="append", choices=STORES)
    parser.add_argument("--machines", type=int, default=3, help="that share a server's store")
    parser.add_argument("--languages", default="rust,rust,rust,python,python,node,node")
    parser.add_argument("--forget", action="store_true", help="a program throws an answer away")
    arguments = parser.parse_args()
    failed = 0
    for line in prove():
        failed = 1
        print(f"WRONG  {line}")
    for store in arguments.store or STORES:
        if store != "sqlite" and f"EVERGRANT_TEST_{store.upper()}" not in os.environ:
            print(f"{store}: skipped; tools/servers {store} start says how to have one")
            continue
        print(f"{store}: {arguments.seconds:g} s, seed {arguments.seed}", flush=True)
        failed |= run(store, arguments)
    return failed


def run(store: str, arguments: argparse.Namespace) -> int:
    """One store."""
    # A file is on one machine.
    machines = 1 if store == "sqlite" else arguments.machines
    world = World(arguments.programs, store, arguments.speed, machines)
    try:
        steward = Steward(world, 0)
        users = range(1, arguments.grants + 1)
        grants = [steward.consent(user)["id"] for user in users]
        for user in users[::SPARES]:
            steward.consent(user)
        reading = {"grants": grants, "tasks": 4, "pause_ms": 40, "stale": 80}
        players = [
            Player(world, language, number, reading)
            for number, language in enumerate(arguments.languages.split(","))
        ]
        if arguments.forget:
            forgetful = Player(world, "rust", 0, reading, "forgetful")
            forgetful.faults = {
                "EVERGRANT_FAULT": "answered=wait:3600",
                "EVERGRANT_FAULT_ONCE": str(world.folder / "forgotten"),
            }
            forgetful.start()
        for player in players:
            player.start()
        chaos = Chaos(world, players, steward, arguments.seed)
        if arguments.forget:
            # Nothing else may happen that could excuse the loss.
            time.sleep(arguments.seconds)
        else:
            chaos.rage(arguments.seconds)
        wrong = chaos.wrong
        for player in players:
            if player.language != "rust":
                player.kill()
            elif trouble := player.drain(180):
                wrong.append(f"{player.name}, asked to stop: {trouble}")
        if arguments.forget:
            forgetful.drop()
        steward.end()
        # One that nothing happens to, on each machine.
        stewards = [Steward(world, machine) for machine in range(world.machines)]
        started = time.monotonic()
        verdict = Verdict(world, stewards, players)
        for steward in stewards:
            steward.end()
        show(world, verdict, chaos, time.monotonic() - started)
        for line in wrong + verdict.wrong[:20]:
            print(f"  WRONG  {line}")
        return 1 if wrong or verdict.wrong else 0
    finally:
        world.stop()


def show(world: World, verdict: Verdict, chaos: Chaos, settled: float) -> None:
    """The table."""
    figures = {
        "machines": world.machines,
        **chaos.counts,
        **verdict.figures,
        "settled in, s": round(settled, 1),
    }
    for name, figure in figures.items():
        if isinstance(figure, dict):
            figure = ", ".join(f"{word} {count}" for word, count in figure.items()) or "none"
        print(f"  {name:<30} {figure}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
