from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Any, Callable

import pytest

import evergrant
from emulator import Emulator
from proxy import Proxy


def test_call(client: evergrant.Client) -> None:
    assert client.call("crm.lead.get", {"ID": 5})["ID"] == "5"
    assert client.call("profile")["ID"] == "1"


async def test_call_awaited(async_client: evergrant.AsyncClient) -> None:
    assert (await async_client.call("crm.lead.get", {"ID": 5}))["ID"] == "5"


def test_batch_answers_every_command_in_its_place(client: evergrant.Client) -> None:
    results = client.batch([("profile", None), ("no.such", {}), ("crm.lead.get", {"ID": 7})])
    assert [result.ok for result in results] == [True, False, True]
    assert results[2].value["ID"] == "7"
    assert isinstance(results[1].error, evergrant.RestError)
    assert results[1].error.kind == "method_not_found"
    assert client.batch([]) == []


async def test_batch_awaited(async_client: evergrant.AsyncClient) -> None:
    commands = (("crm.lead.get", {"ID": number}) for number in (3, 1, 2))
    results = await async_client.batch(commands)
    assert [result.value["ID"] for result in results] == ["3", "1", "2"]


def test_list_brings_every_row_once(client: evergrant.Client, emulator: Emulator) -> None:
    rows = client.list("crm.lead.list", {"order": {"ID": "ASC"}, "select": ["ID"]})
    assert [row["ID"] for row in rows] == [str(number) for number in range(1, 301)]
    assert next(rows, None) is None
    assert emulator.counters()["portal"]["requests"] == 2


def test_list_streams(client: evergrant.Client, emulator: Emulator) -> None:
    rows = client.list("crm.lead.list", {"order": {"ID": "ASC"}})
    assert emulator.counters()["portal"]["requests"] == 0
    assert len(list(itertools.islice(rows, 50))) == 50
    assert emulator.counters()["portal"]["requests"] == 1


async def test_list_awaited(async_client: evergrant.AsyncClient) -> None:
    rows = [row["ID"] async for row in async_client.list("crm.lead.list", {"select": ["ID"]})]
    assert len(rows) == len(set(rows)) == 300


async def test_two_readers_of_one_list_share_its_rows(async_client: evergrant.AsyncClient) -> None:
    rows = async_client.list("crm.lead.list", {"select": ["ID"]})

    async def read() -> list[str]:
        return [row["ID"] async for row in rows]

    first, second = await asyncio.gather(read(), read())
    assert len({*first, *second}) == len(first) + len(second) == 300


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [("../x", None, "method"), ("crm.lead.list", {"start": 50}, "start")],
)
def test_list_refuses_before_the_first_row(
    client: evergrant.Client, method: str, params: dict[str, int], field: str
) -> None:
    with pytest.raises(evergrant.InvalidInputError) as caught:
        client.list(method, params)
    assert caught.value.context["field"] == field


async def test_a_list_whose_reading_was_cancelled_is_taken_up_again(
    emulator: Emulator, hold: Callable[[str], Proxy]
) -> None:
    proxy = hold(emulator["portal"])
    client = evergrant.AsyncClient.from_webhook(proxy.before(emulator["webhook"]))
    rows = client.list("crm.lead.list")
    reading = asyncio.ensure_future(rows.__anext__())
    assert await asyncio.to_thread(proxy.has, 1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    proxy.release.set()
    assert len([row async for row in rows]) == 300


@pytest.mark.parametrize(
    "url", [None, "", "not a url", "https://example.bitrix24.com/", "http://[::1"]
)
def test_a_bad_webhook_is_refused(url: Any) -> None:
    for kind in (evergrant.Client, evergrant.AsyncClient):
        with pytest.raises(evergrant.InvalidInputError) as caught:
            kind.from_webhook(url)
        assert caught.value.context["field"] == "webhook"


def test_an_argument_of_a_wrong_type_is_refused(client: evergrant.Client) -> None:
    # Python before 3.11 has no notes, which is where the argument's name would be.
    named = "method" if sys.version_info >= (3, 11) else "int"
    with pytest.raises(TypeError, match=named):
        client.call(5)  # type: ignore[arg-type]
