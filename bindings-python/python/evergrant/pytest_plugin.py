"""Fixtures for pytest: `pytest_plugins = ["evergrant.pytest_plugin"]` in a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evergrant.testing import Emulator


@pytest.fixture(scope="session")
def bitrix24_emulator_process() -> Iterator[Emulator]:
    """One emulator for the whole run. Override it to start one with other flags."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def bitrix24_emulator(bitrix24_emulator_process: Emulator) -> Emulator:
    """The emulator, as fresh as just started."""
    bitrix24_emulator_process.reset()
    return bitrix24_emulator_process
