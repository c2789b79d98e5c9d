"""The figures as tables, and the bars beside what was reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cases import CASES, Case
from peers import PEERS, Peer
from results import Results, Summary, summary

BARE = PEERS[0]
HEAD = (
    "| client | seconds | over floor | requests | 503 | CPU s | peak MiB | runs | |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|---|"
)


def of_all(results: Results, cases: Iterable[Case] = CASES) -> str:
    """Everything, as Markdown."""
    chosen = list(cases)
    parts = [
        f"### {case.title[0].upper()}{case.title[1:]}\n\n{of_case(results, case)}"
        for case in chosen
        if any(results.of(case, peer) for peer in PEERS)
    ]
    return "\n\n".join([*parts, f"### Bars\n\n{of_bars(results, chosen)}"]) + "\n"


def of_case(results: Results, case: Case) -> str:
    """One line for each client."""
    lines = [HEAD]
    for peer in PEERS:
        found = summary(results, case, peer, BARE)
        if found is not None:
            lines.append(_line(case, peer, found))
    return "\n".join(lines)


def _line(case: Case, peer: Peer, found: Summary) -> str:
    wall = _seconds(found.median("wall"))
    if found.worked_out:
        requests = f"{found.median('requests'):,.0f}"
        note = "by arithmetic, not run"
        return f"| {peer.called(case)} | {wall} | | {requests} | | | | 0 | {note} |"
    low, high = found.span("wall")
    ratio = found.floor_ratio
    bare = peer is BARE
    cells = [
        f"**{peer.name}**" if peer.ours else peer.called(case),
        wall if low == high else f"{wall} ({_seconds(low)} to {_seconds(high)})",
        "" if ratio is None else f"{ratio:.2f}",
        "" if bare else f"{found.median('requests'):,.0f}",
        "" if bare else f"{found.median('limited'):,.0f}",
        "" if bare else f"{found.median('cpu'):.2f}",
        "" if bare else f"{found.median('peak_kib') / 1024:.0f}",
        str(len(found.runs)),
        found.verdict,
    ]
    if case.task == "stream":
        grown = f"grows by {found.most('growth_kib') / 1024:.1f} MiB"
        cells[-1] = f"{grown}; {cells[-1]}" if cells[-1] else grown
    return f"| {' | '.join(cells)} |"


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.3g}"


def of_bars(results: Results, cases: Iterable[Case] = CASES) -> str:
    """What has to be reached, and what was."""
    lines = ["| case | client | bar | measured | |", "|---|---|---|---|---|"]
    for case in cases:
        for peer in (peer for peer in PEERS if peer.ours):
            found = summary(results, case, peer, BARE)
            if found is None:
                continue
            for bar, measured, met in _bars(results, case, peer, found):
                verdict = "met" if met else "**missed**"
                lines.append(f"| {case.title} | {peer.name} | {bar} | {measured} | {verdict} |")
    return "\n".join(lines)


Bar = tuple[str, str, bool]


def _bars(results: Results, case: Case, peer: Peer, found: Summary) -> list[Bar]:
    bars = [("all there, once, in order", found.verdict or "yes", not found.verdict)]
    if case.throttled:
        ratio, refused = found.floor_ratio or 0.0, found.most("limited")
        bars.append(("at most 1.04 of the floor", f"{ratio:.3f}", ratio <= 1.04))
        bars.append(("at most one 503", f"{refused:.0f}", refused <= 1))
    elif case.task == "list" and case.name.startswith("list-250k"):
        for name, what in (("wall", "time"), ("cpu", "CPU")):
            bars += _against_best(results, case, peer, found, name, what, 3.0)
    elif case.task == "calls":
        bars += _against_best(results, case, peer, found, "wall", "time", 2.0)
    elif case.task == "stream":
        grown = found.most("growth_kib") / 1024
        bars.append(("grows by at most 40 MiB", f"{grown:.1f} MiB", grown <= 40))
    return bars


def _against_best(
    results: Results,
    case: Case,
    peer: Peer,
    found: Summary,
    figure: str,
    what: str,
    times: float,
) -> list[Bar]:
    best = best_of(results, case, peer.language, lambda other: other.median(figure))
    if best is None:
        return []
    other, least = best
    ratio = least / found.median(figure)
    bar = f"{what}: {times:g} times the best of its language"
    return [(bar, f"{ratio:.2f} ({other.called(case)})", ratio >= times)]


def best_of(
    results: Results,
    case: Case,
    language: str,
    figure: Callable[[Summary], float],
) -> tuple[Peer, float] | None:
    """The best peer of a language that ran and brought everything; order is no condition."""
    found = []
    for peer in PEERS:
        if peer.ours or peer.language != language:
            continue
        runs = summary(results, case, peer, BARE)
        if runs is None or runs.worked_out:
            continue
        if runs.verdict in ("", "out of order"):
            found.append((figure(runs), peer.name, peer))
    if not found:
        return None
    least, _, peer = min(found)
    return peer, least
