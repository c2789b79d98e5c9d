"""Plays the scenarios in `tests/scenarios` through the package, blocking and with asyncio."""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

import stores
from emulator import ROOT, Emulator
from faces import FACES
from pattern import mismatch
from stage import Stage

SCENARIOS = [
    json.loads(path.read_text()) for path in sorted((ROOT / "tests/scenarios").glob("*.json"))
]
CASES = [
    pytest.param(language, scenario, store, id=f"{language}-{scenario['name']}-{store}")
    for language in FACES
    for scenario in SCENARIOS
    for store in scenario["stores"]
    if stores.is_here(store)
]


@pytest.fixture(scope="module")
def passed() -> Iterator[dict[str, set[str]]]:
    """What passed, by language; written down at the end for the comparison of all languages."""
    names: dict[str, set[str]] = {language: set() for language in FACES}
    yield names
    folder = ROOT / "target/scenarios"
    folder.mkdir(parents=True, exist_ok=True)
    for language, done in names.items():
        (folder / f"{language}.json").write_text(json.dumps(sorted(done), indent=2))


@pytest.mark.parametrize(("language", "scenario", "store"), CASES)
def test_scenario(
    language: str,
    scenario: dict[str, Any],
    store: str,
    passed: dict[str, set[str]],
    tmp_path: pathlib.Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    with Emulator(**scenario["emulator"]) as emulator:
        stage = Stage(FACES[language](), emulator, tmp_path, store)
        asyncio.run(stage.play(scenario["steps"]))
        printed = capfd.readouterr()
        shown = "\n".join([*stage.shown, caplog.text, printed.out, printed.err])
        seen = [secret[:4] for secret in emulator.secrets() if secret in shown]
    assert not seen, "secrets that begin so were shown"
    passed[language].add(f"{scenario['name']}/{store}")


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 2}),
        ({"a": True}, {"a": True}, {"a": 1}),
        (["$any", 2], [1, 2], [1, 2, 3]),
        ({"$contains": "lo"}, "hello", "help"),
        ({"$contains": "lo"}, "lo", None),
        ({"$min": 3}, 3, 2),
        ({"$min_length": 2}, "ab", "a"),
        ({"$not": {"a": 1}}, {"a": 2}, {"a": 1}),
        ({"errors": 0}, {}, {"errors": 1}),
    ],
)
def test_a_pattern_can_fail(pattern: object, good: object, bad: object) -> None:
    assert mismatch(pattern, good) is None
    assert mismatch(pattern, bad) is not None
