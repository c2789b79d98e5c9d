from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Callable

import pytest

import evergrant
from emulator import Emulator
from proxy import Proxy

# The emulators of these tests hold nothing back: nor does anything here, children included.
os.environ["EVERGRANT_RATE_LIMIT"] = "off"


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator(leads=300, deals=10, contacts=10, tasks=20, burst=0) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    """The emulator, as fresh as just started."""
    running.control("POST", "/reset", {})
    return running


@pytest.fixture
def client(emulator: Emulator) -> evergrant.Client:
    return evergrant.Client.from_webhook(emulator["webhook"])


@pytest.fixture
def async_client(emulator: Emulator) -> evergrant.AsyncClient:
    return evergrant.AsyncClient.from_webhook(emulator["webhook"])


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    return "memory" if request.param == "memory" else f"sqlite:{tmp_path}/grants.db"


@pytest.fixture
def application(emulator: Emulator, store: str) -> evergrant.Application:
    return evergrant.Application(
        client_id=emulator["client_id"],
        client_secret=emulator["client_secret"],
        authorization_server=emulator["authorization"],
        store=store,
    )


@pytest.fixture
def grant(emulator: Emulator, application: evergrant.Application) -> evergrant.Grant:
    return application.exchange_code(emulator["portal"], emulator.consent()["code"])


@pytest.fixture
def hold() -> Iterator[Callable[[str], Proxy]]:
    """Puts a proxy that holds requests back before a server."""
    proxies: list[Proxy] = []

    def put(target: str) -> Proxy:
        proxies.append(Proxy(target))
        return proxies[-1]

    yield put
    for proxy in proxies:
        proxy.stop()
