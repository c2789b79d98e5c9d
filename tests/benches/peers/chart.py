"""The figures as bars, in one SVG that needs no font of its own."""

from __future__ import annotations

import dataclasses
from html import escape

from cases import CASES, Case
from peers import PEERS, Peer
from results import Results, Summary, summary

WIDTH, LABEL, RIGHT = 860, 250, 160
ROW, GAP, HEAD = 24, 34, 62
COLOURS = {"ours": "#1f7a5c", "peer": "#9aa7b4", "floor": "#d8b45a"}
# What is drawn: a case, its figure, and what stands above it.
PANELS = [
    ("list-250k-dense", "wall", "250,000 rows, no bucket: seconds"),
    ("list-250k-dense", "cpu", "250,000 rows, no bucket: seconds of CPU"),
    (
        "list-250k-bucket",
        "wall",
        "250,000 rows, bucket of 50 requests and 2 a second: seconds",
    ),
    ("calls-1000", "wall", "1,000 calls one after the other: seconds"),
]


@dataclasses.dataclass(frozen=True)
class Line:
    """One bar."""

    name: str
    value: float
    kind: str
    note: str = ""


def drawn(results: Results) -> str:
    """The chart; panels without figures are left out."""
    parts, y = [], 30
    parts.append(_text(20, y, "REST clients on the emulator", 18, "600"))
    y += 20
    subtitle = "medians; shorter is better; a bar with a gap is longer than drawn"
    parts.append(_text(20, y, subtitle, 12, "400", "#5a6672"))
    y += 12
    for name, figure, title in PANELS:
        case = next(case for case in CASES if case.name == name)
        lines = _lines(results, case, figure)
        if len(lines) > 1:
            panel, height = _panel(title, lines, y)
            parts += panel
            y += height
    height = y + 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, Segoe UI, Roboto, Helvetica, Arial, sans-serif">\n'
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _lines(results: Results, case: Case, figure: str) -> list[Line]:
    lines, floor = [], 0.0
    for peer in PEERS:
        found = summary(results, case, peer, PEERS[0])
        if found is None or (found.worked_out and figure == "cpu"):
            continue
        if not peer.language and figure == "cpu":
            continue
        if peer.ours:
            floor = found.median("floor") or floor
        lines.append(Line(peer.called(case), found.median(figure), _kind(peer), _note(found)))
    if case.throttled and figure == "wall" and lines:
        lines.insert(0, Line("floor of the bucket", floor, "floor"))
    return lines


def _kind(peer: Peer) -> str:
    if not peer.language:
        return "floor"
    return "ours" if peer.ours else "peer"


def _note(found: Summary) -> str:
    if found.worked_out:
        return "by arithmetic"
    if found.verdict == "out of order":
        return "unordered"
    return "incomplete" if found.verdict else ""


def _panel(title: str, lines: list[Line], top: int) -> tuple[list[str], int]:
    # Bars far beyond the others would leave nothing of those to see: they are cut.
    values = sorted(line.value for line in lines)
    edge = 5 * values[len(values) // 2]
    shown_whole = [value for value in values if value <= edge]
    most = shown_whole[-1] if len(shown_whole) == len(values) else shown_whole[-1] * 1.25
    room = WIDTH - LABEL - RIGHT - 20
    parts = [_text(20, top + GAP, title, 14, "600")]
    y = top + GAP + 12
    for line in lines:
        cut = line.value > most
        width = max(2.0, room * min(1.0, line.value / max(most, 1e-9)))
        colour = COLOURS[line.kind]
        weight = "600" if line.kind == "ours" else "400"
        parts.append(_text(LABEL + 10, y + 16, line.name, 12, weight, "#20262c", "end"))
        parts.append(
            f'<rect x="{LABEL + 20}" y="{y + 4}" width="{width:.1f}" height="16" '
            f'rx="2" fill="{colour}"/>'
        )
        end = LABEL + 20 + width
        if cut:
            parts.append(f'<path d="M{end - 26:.1f} {y + 22} l8 -20 h6 l-8 20 z" fill="#ffffff"/>')
        value = f"{line.value:,.0f}" if line.value >= 100 else f"{line.value:.3g}"
        shown = f"{value}  {line.note}" if line.note else value
        parts.append(_text(end + 6, y + 16, shown, 12, weight))
        y += ROW
    return parts, y - top


def _text(
    x: float,
    y: float,
    text: str,
    size: int,
    weight: str,
    colour: str = "#20262c",
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
    )
