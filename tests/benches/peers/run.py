"""Clients of the REST API side by side on the emulator: python run.py [quick] [--runs N] [case...].

Figures are kept below target/peers/ (EVERGRANT_PEERS names another folder): a run that is there is
not done again. `quick` keeps nothing, and its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import chart
import table
from cases import CASES, SETTLED, Case
from peers import PATIENCE, PEERS, ROOT, Peer
from portal import Portal
from results import Results

# Seven runs of what is short, three of what is long.
SHORT, LONG, BRIEF = 7, 3, 10.0
# A short run in which the host of a virtual machine took more of the processors is made again, so
# often.
ROBBED, AGAIN = 0.05, 3
# Runs at once of what hardly does anything but wait: for the portal's counting, for its bucket.
ABREAST = 6
LANGUAGES = ["Rust", "Python", "Node"]


def main() -> int:
    """The exit code: 1 if a client could not be run at all."""
    arguments = _arguments()
    chosen = [case for case in CASES if not arguments.case or case.name in arguments.case]
    folder = None
    if arguments.quick:
        chosen = [case.made_quick() for case in chosen]
    else:
        folder = pathlib.Path(os.environ.get("EVERGRANT_PEERS", ROOT / "target" / "peers"))
    results = Results(folder)
    peers = [peer for peer in PEERS if peer.language in ("", *arguments.language)]
    broken = False
    for case in chosen:
        print(f"== {case.title}", flush=True)
        runs = 1 if arguments.quick else arguments.runs
        broken |= not _measure(results, case, [p for p in peers if case.task in p.tasks], runs)
        print(table.of_case(results, case), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = folder or pathlib.Path(scratch)
        (place / "peers.svg").write_text(chart.drawn(results))
        (place / "peers.md").write_text(
            table.of_all(results, chosen) if arguments.quick else table.of_all(results)
        )
    print(table.of_bars(results, chosen))
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="*", help=", ".join(case.name for case in CASES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=SHORT, help="at most so many")
    parser.add_argument("--language", action="append", choices=LANGUAGES)
    words = ["--quick" if word == "quick" else word for word in sys.argv[1:]]
    arguments = parser.parse_args(words)
    unknown = set(arguments.case) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no case is called {', '.join(sorted(unknown))}")
    arguments.language = arguments.language or LANGUAGES
    return arguments


def _measure(results: Results, case: Case, peers: list[Peer], runs: int) -> bool:
    """Runs what is missing, in another order each time; false if a client is broken."""
    # The bucket tells its own floor.
    peers = [peer for peer in peers if peer.language or not case.throttled]
    waiting = [peer for peer in peers if peer.seconds(case) >= BRIEF]
    busy = [peer for peer in peers if peer not in waiting]
    whole = True
    for number in range(runs):
        for peer in random.sample(busy, len(busy)):
            done = results.of(case, peer)
            if len(done) <= number and not _enough(done):
                whole &= _keep(results, case, peer, _undisturbed(case, peer))
    for peer, figures in _side_by_side(results, case, waiting, min(runs, LONG)):
        whole &= _keep(results, case, peer, figures)
    return whole


def _side_by_side(
    results: Results, case: Case, peers: list[Peer], runs: int
) -> Iterator[tuple[Peer, dict[str, Any]]]:
    """The missing runs of those who mostly wait, and what would take too long by arithmetic."""
    missing: list[Peer] = []
    for peer in peers:
        done = results.of(case, peer)
        if peer.seconds(case) <= PATIENCE:
            missing += [] if _enough(done) else [peer] * (runs - len(done))
        elif not done:
            figures = {"wall": peer.seconds(case), "requests": peer.requests(case)}
            yield peer, {**figures, "arithmetic": True}
    with ThreadPoolExecutor(ABREAST) as pool:
        shuffled = random.sample(missing, len(missing))
        running = {pool.submit(_run, case, peer): peer for peer in shuffled}
        for run in as_completed(running):
            yield running[run], run.result()


def _keep(results: Results, case: Case, peer: Peer, figures: dict[str, Any]) -> bool:
    """On the disk before the next; false if the client is broken."""
    results.keep(
        {
            "case": case.name,
            "peer": peer.name,
            "count": case.count,
            "load": os.getloadavg()[0],
            "at": time.strftime("%Y-%m-%d %H:%M:%S"),
            **figures,
        }
    )
    print(f"   {peer.name}: {figures['wall']:.2f} s", flush=True)
    return not figures.get("broken")


def _enough(done: list[dict[str, Any]]) -> bool:
    if not done:
        return False
    if done[0].get("broken"):
        return True
    return len(done) >= LONG and done[0]["wall"] >= BRIEF


def _undisturbed(case: Case, peer: Peer) -> dict[str, Any]:
    """The run of which least was stolen, out of as few as will do."""
    runs: list[dict[str, Any]] = []
    while not runs or (_was_robbed(runs[-1]) and len(runs) < AGAIN):
        before = _processors()
        figures = _run(case, peer)
        stolen, all_time = (now - then for now, then in zip(_processors(), before, strict=True))
        runs.append({**figures, "stolen": round(stolen / max(1, all_time), 3)})
    return min(runs, key=lambda figures: float(figures["stolen"]))


def _was_robbed(figures: dict[str, Any]) -> bool:
    return bool(figures["stolen"] > ROBBED and figures["wall"] < BRIEF)


def _processors() -> tuple[int, int]:
    """Ticks that the host of a virtual machine kept for itself, and all."""
    with open("/proc/stat") as lines:
        ticks = [int(field) for field in next(lines).split()[1:9]]
    return ticks[7], sum(ticks)


def _run(case: Case, peer: Peer) -> dict[str, Any]:
    with Portal(case) as portal:
        job = {
            "task": case.task,
            "way": peer.way,
            "count": case.count,
            "webhook": portal.ready["webhook"],
            "burst": case.burst,
            "leak": case.leak,
            "settled": min(SETTLED, case.count // 2),
        }
        figures = _child(peer, [*peer.command(), json.dumps(job)], _pace(case))
        portal.end_foreign()
        return {**portal.counted(), **figures}


def _pace(case: Case) -> str:
    if not case.throttled:
        return "off"
    known = (case.burst, case.leak) == (50, 2.0)
    return "standard" if known else f"{case.burst},{case.leak:g}"


def _child(peer: Peer, command: list[str], pace: str) -> dict[str, Any]:
    """What a client printed, with the processor time of its whole process."""
    environment = {**os.environ, "EVERGRANT_RATE_LIMIT": pace}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    out, err = process.stdout, process.stderr
    assert out is not None
    assert err is not None
    late = threading.Timer(PATIENCE, process.send_signal, [signal.SIGKILL])
    late.start()
    errors: list[bytes] = []
    reader = threading.Thread(target=lambda: errors.append(err.read()))
    reader.start()
    printed = out.read().decode().splitlines()
    reader.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if late.finished.is_set():
        return {"wall": PATIENCE, "error": "not done in five minutes"}
    late.cancel()
    cpu = usage.ru_utime + usage.ru_stime
    try:
        return {**json.loads(printed[-1]), "cpu": cpu}
    except (IndexError, ValueError):
        said = b"".join(errors).decode(errors="replace")[-600:]
        print(f"{peer.name} cannot be run: {said}", file=sys.stderr)
        return {"wall": 0.0, "error": "cannot be run", "broken": True}


if __name__ == "__main__":
    sys.exit(main())
