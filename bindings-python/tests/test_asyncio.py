from __future__ import annotations

import asyncio
import json
from typing import Callable

import pytest

import evergrant
from emulator import Emulator
from proxy import Proxy, until
from script import finish, start


async def waiting(proxy: Proxy, arrived: int = 1) -> None:
    assert await asyncio.to_thread(proxy.has, arrived)


@pytest.fixture
def proxy(emulator: Emulator, hold: Callable[[str], Proxy]) -> Proxy:
    return hold(emulator["portal"])


@pytest.fixture
def slow(emulator: Emulator, proxy: Proxy) -> evergrant.AsyncClient:
    return evergrant.AsyncClient.from_webhook(proxy.before(emulator["webhook"]))


async def test_cancelling_a_call_drops_it(slow: evergrant.AsyncClient, proxy: Proxy) -> None:
    call = asyncio.create_task(slow.call("profile"))
    await waiting(proxy)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(until, lambda: proxy.dropped == 1)


async def test_a_timeout_drops_the_call(slow: evergrant.AsyncClient, proxy: Proxy) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(slow.call("profile"), 0.2)
    assert await asyncio.to_thread(until, lambda: proxy.dropped == proxy.arrived)


async def test_the_loop_runs_on_during_a_call(slow: evergrant.AsyncClient, proxy: Proxy) -> None:
    call = asyncio.create_task(slow.call("profile"))
    await waiting(proxy)
    assert not call.done()
    proxy.release.set()
    assert (await call)["ID"] == "1"


async def test_cancelling_never_loses_a_rotation(
    emulator: Emulator, hold: Callable[[str], Proxy], store: str
) -> None:
    authorization = hold(emulator["authorization"])
    authorization.release.set()
    application = await evergrant.AsyncApplication.open(
        client_id=emulator["client_id"],
        client_secret=emulator["client_secret"],
        authorization_server=authorization.origin,
        store=store,
    )
    consent = emulator.consent()
    grant = await application.exchange_code(emulator["portal"], consent["code"])
    authorization.release.clear()
    renewal = asyncio.create_task(application.renew_token(grant.id, grant.generation))
    await waiting(authorization, 2)
    renewal.cancel()
    with pytest.raises(asyncio.CancelledError):
        await renewal
    authorization.release.set()
    # The answer to the abandoned request is kept: nobody has to rotate again.
    token = await application.renew_token(grant.id, grant.generation)
    assert token.generation == grant.generation + 1
    assert authorization.dropped == 0
    assert emulator.counters()["authorization"]["refreshes"] == 1
    assert (await application.client(grant.id).call("profile"))["ID"] == "1"


async def test_many_callers_of_an_expired_token_rotate_once(
    emulator: Emulator, application: evergrant.Application, grant: evergrant.Grant
) -> None:
    emulator.control("POST", "/clock", {"advance": 3600})
    call = application.client(grant.id).call
    calls = (asyncio.to_thread(call, "profile") for _ in range(20))
    assert {profile["ID"] for profile in await asyncio.gather(*calls)} == {"1"}
    assert emulator.counters()["authorization"]["refreshes"] == 1


def test_a_hundred_calls_at_once_need_few_threads(emulator: Emulator, proxy: Proxy) -> None:
    program = start(
        """
        import asyncio, json, os, sys
        import evergrant

        def threads():
            return len(os.listdir("/proc/self/task"))

        async def call(client):
            await client.call("profile")
            return threads()

        async def main():
            client = evergrant.AsyncClient.from_webhook(sys.argv[1])
            return await asyncio.gather(*(call(client) for _ in range(100)))

        before = threads()
        counts = asyncio.run(main())
        print(json.dumps([before, len(counts), max(counts)]))
        """,
        proxy.before(emulator["webhook"]),
    )
    assert proxy.has(100)
    proxy.release.set()
    before, calls, most = json.loads(finish(program))
    assert calls == 100
    # Two workers and the lane.
    assert most <= before + 3


def test_loops_one_after_another(emulator: Emulator) -> None:
    client = evergrant.AsyncClient.from_webhook(emulator["webhook"])
    for _ in range(3):
        assert asyncio.run(client.call("profile"))["ID"] == "1"


async def test_without_a_loop_nothing_is_started(emulator: Emulator) -> None:
    work = evergrant.AsyncClient.from_webhook(emulator["webhook"]).call("profile")
    with pytest.raises(RuntimeError, match="no running event loop"):
        await asyncio.to_thread(work.send, None)
    assert emulator.counters()["portal"]["requests"] == 0
