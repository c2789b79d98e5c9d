"""Settings of the keeper, tokens without waiting, changes, shutdown."""

from __future__ import annotations

import asyncio
import logging
import queue
import signal
from typing import Any

import pytest

import evergrant
from emulator import Emulator
from evergrant.testing import Clock
from proxy import until
from script import finish, run, start


def open_settings(emulator: Emulator, **changed: Any) -> dict[str, Any]:
    return {
        "client_id": emulator["client_id"],
        "client_secret": emulator["client_secret"],
        "authorization_server": emulator["authorization"],
        **changed,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rotations_per_hour", -1),
        ("rotations_per_day", 1 << 40),
        ("application_rotations_per_hour", -(1 << 90)),
        ("in_flight", -5),
        ("retry_spent", "sometimes"),
        ("fixed_interval", -1.0),
        ("fixed_interval", 0),
        ("fixed_interval", float("nan")),
        ("fixed_interval", 1e300),
        ("rate_limit", "fast"),
        ("reserve", 0.95),
        ("reserve", float("nan")),
    ],
)
def test_a_bad_setting_is_named(field: str, value: object) -> None:
    settings: dict[str, Any] = {"client_id": "a", "client_secret": "b", field: value}
    with pytest.raises(evergrant.InvalidInputError) as caught:
        evergrant.Application(**settings)
    assert caught.value.context["field"] == field


def test_a_setting_of_another_type_is_a_type_error() -> None:
    settings: dict[str, Any] = {"client_id": "a", "client_secret": "b", "in_flight": "many"}
    with pytest.raises(TypeError, match="in_flight"):
        evergrant.Application(**settings)


def test_a_budget_that_is_used_up_says_when(emulator: Emulator) -> None:
    clock = Clock()
    application = evergrant.Application(
        **open_settings(emulator, rotations_per_hour=1, clock=clock)
    )
    grant = application.exchange_code(emulator["portal"], emulator.consent()["code"])
    application.renew_token(grant.id, 1)
    with pytest.raises(evergrant.RateLimitError) as caught:
        application.renew_token(grant.id, 2)
    assert 3500 < (caught.value.retry_after or 0) <= 3600
    clock.turn(3601)
    assert application.renew_token(grant.id, 2).generation == 3


def test_a_token_in_memory_is_one_object(
    application: evergrant.Application, grant: evergrant.Grant
) -> None:
    assert application.token_sync(grant.id + 1) is None
    first = application.token(grant.id)
    known = application.token_sync(grant.id)
    assert known == first
    assert application.token(grant.id) is known
    renewed = application.renew_token(grant.id, first.generation)
    assert application.token_sync(grant.id) == renewed
    assert application.token_sync(grant.id, min_ttl=100_000) is None
    with pytest.raises(evergrant.InvalidInputError):
        application.token(grant.id, min_ttl=-1)


def test_changes_are_told_and_told_again_where_the_function_raises(
    application: evergrant.Application, grant: evergrant.Grant, caplog: pytest.LogCaptureFixture
) -> None:
    told: queue.Queue[tuple[evergrant.Change, int]] = queue.Queue()

    def listen(change: evergrant.Change) -> None:
        durable = application.grant(change.grant).generation
        told.put((change, durable))
        if told.qsize() == 1:
            raise ValueError("not yet")

    with application.on_change(listen):
        application.renew_token(grant.id, 1)
        assert until(lambda: told.qsize() == 2)
    first, second = told.get(), told.get()
    assert first == second == (evergrant.Change(grant.id, 2, "active"), 2)
    assert "ValueError: not yet" in caplog.text
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.ERROR]
    application.renew_token(grant.id, 2)
    assert told.empty(), "nobody listens any more"


async def test_changes_are_awaited_and_a_cancelled_wait_loses_none(emulator: Emulator) -> None:
    async with await evergrant.AsyncApplication.open(**open_settings(emulator)) as application:
        code = emulator.consent()["code"]
        grant = await application.exchange_code(emulator["portal"], code)
        changes = application.changes()
        waits = [asyncio.ensure_future(changes.__anext__()) for _ in range(20)]
        await asyncio.sleep(0)
        renewing = asyncio.ensure_future(application.renew_token(grant.id, 1))
        for wait in waits:
            wait.cancel()
        await renewing
        seen = {change.result() for change in waits if change.done() and not change.cancelled()}
        if not seen:
            seen = {await asyncio.wait_for(changes.__anext__(), 10)}
        assert {change.generation for change in seen} == {2}
        changes.close()
        assert [change async for change in changes] == []


async def test_a_coroutine_that_raises_is_called_again(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    async with await evergrant.AsyncApplication.open(**open_settings(emulator)) as application:
        code = emulator.consent()["code"]
        grant = await application.exchange_code(emulator["portal"], code)
        told: asyncio.Queue[int] = asyncio.Queue()
        calls: list[int] = []

        async def listen(change: evergrant.Change) -> None:
            calls.append(change.generation)
            await told.put(change.generation)
            if len(calls) == 1:
                raise ValueError("not yet")

        listening = application.on_change(listen)
        await application.renew_token(grant.id, 1)
        for _ in range(2):
            assert await asyncio.wait_for(told.get(), 10) == 2
        assert "ValueError: not yet" in caplog.text
    with pytest.raises(asyncio.CancelledError):
        await listening


LISTEN = """
import asyncio, sys, threading, time
import evergrant

client_id, client_secret, server, portal, code = sys.argv[1:]
settings = dict(client_id=client_id, client_secret=client_secret, authorization_server=server)
application = evergrant.Application(**settings)
grant = application.exchange_code(portal, code)
"""


def listening(emulator: Emulator, code: str) -> str:
    values = [emulator[name] for name in ("client_id", "client_secret", "authorization", "portal")]
    return run(LISTEN + code, *values, emulator.consent()["code"])


def test_listeners_hold_no_program_back(emulator: Emulator) -> None:
    code = """
listeners = [application.on_change(print) for _ in range(8)]
print("bye")
"""
    for _ in range(5):
        assert listening(emulator, code) == "bye\n"


def test_a_program_may_end_while_its_function_is_called(emulator: Emulator) -> None:
    code = """
called = threading.Event()

def listen(change):
    called.set()
    application.token(change.grant)
    time.sleep(0.3)
    application.renew_token(change.grant, 2)

application.on_change(listen)
application.renew_token(grant.id, 1)
assert called.wait(10)
print("bye")
"""
    assert listening(emulator, code) == "bye\n"


def test_a_function_may_wait_for_an_event_loop(emulator: Emulator) -> None:
    code = """
done = threading.Event()

async def read(id):
    other = await evergrant.AsyncApplication.open(**settings)
    await other.grants()

def listen(change):
    asyncio.run(read(change.grant))
    done.set()

application.on_change(listen)
application.renew_token(grant.id, 1)
assert done.wait(10)
print("bye")
"""
    assert listening(emulator, code) == "bye\n"


def test_shutting_down_waits_for_the_exchange_and_begins_none(emulator: Emulator) -> None:
    emulator.control(
        "POST", "/faults", {"at": "token", "kind": "delay", "delay_ms": 700, "skip": 1}
    )
    program = start(
        LISTEN
        + """
import signal
def stop(*_):
    print(application.shut_down(), flush=True)
    try:
        application.renew_token(grant.id, 2)
    except evergrant.OperationCancelledError as error:
        print(error.message)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
threading.Thread(target=application.renew_token, args=(grant.id, 1), daemon=True).start()
while not any(entry.event == "sent" for entry in application.audit(grant.id)):
    time.sleep(0.01)
print("sent", flush=True)
time.sleep(20)
""",
        *(emulator[name] for name in ("client_id", "client_secret", "authorization", "portal")),
        emulator.consent()["code"],
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "sent\n"
    program.send_signal(signal.SIGTERM)
    assert finish(program) == "True\nthe keeper is shutting down\n"
    assert emulator.counters()["authorization"]["refreshes"] == 1
