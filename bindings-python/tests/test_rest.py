from __future__ import annotations

import asyncio
import io
import math
import pathlib
from typing import Any, Optional

import pytest

import evergrant
from emulator import Emulator
from evergrant import ref
from proxy import Sluggish


def commands() -> list[Any]:
    found: list[Any] = []
    for number in range(60):
        fields = {"fields": {"TITLE": f"company {number}"}}
        found.append(("crm.company.add", fields, f"company{number}"))
        found.append(("crm.company.get", {"ID": ref(f"company{number}")}))
    found.append(("crm.lead.list", {"order": {"ID": "ASC"}, "select": ["ID"]}, "found"))
    found.append(("crm.lead.get", {"ID": ref("found")[6]["ID"]}))
    found.append(("crm.lead.get", {"ID": 999_999}, "missing"))
    found.append(("crm.lead.add", {"fields": {"TITLE": ref("missing")["TITLE"]}}))
    return found


def check(results: list[evergrant.BatchResult]) -> None:
    titles = [result.value["TITLE"] for result in results[1:120:2]]
    assert titles == [f"company {number}" for number in range(60)]
    assert results[121].value["ID"] == "7"
    assert not results[122].ok
    assert isinstance(results[123].error, evergrant.OperationCancelledError)


def test_commands_use_what_others_brought(client: evergrant.Client) -> None:
    check(client.batch(commands()))


async def test_commands_use_what_others_brought_awaited(
    async_client: evergrant.AsyncClient,
) -> None:
    check(await async_client.batch(commands()))


def test_a_command_runs_on_where_that_is_wished(client: evergrant.Client) -> None:
    assert [result.ok for result in client.batch(commands()[-2:], halt=False)] == [False, True]


SLOW = {"at": "rest", "method": "batch", "kind": "delay", "delay_ms": 5000}


def test_a_batch_ends_at_its_timeout(client: evergrant.Client, emulator: Emulator) -> None:
    profiles = [("profile", None)] * 60
    results = client.batch(profiles, timeout=20, priority="interactive")
    assert all(result.ok for result in results)
    emulator.control("POST", "/faults", SLOW)
    results = client.batch(profiles, timeout=0.5)
    late = [result.error.kind for result in results if result.error is not None]
    assert len(late) in (10, 50)
    assert set(late) == {"timeout"}


async def test_a_batch_ends_at_its_timeout_awaited(
    async_client: evergrant.AsyncClient, emulator: Emulator
) -> None:
    emulator.control("POST", "/faults", SLOW)
    with pytest.raises(evergrant.EvergrantError) as caught:
        await async_client.batch([("profile", None)], timeout=0.5, priority="bulk")
    assert caught.value.kind == "timeout"


def test_a_webhook_follows_where_a_person_says_so() -> None:
    with Emulator(leads=1, deals=1, contacts=1, burst=0) as emulator:
        moved = emulator.control("POST", "/domain", {})["portal"]
        with pytest.raises(evergrant.EvergrantError, match="moved_to"):
            evergrant.Client.from_webhook(emulator["webhook"]).call("profile")
        confirmed = evergrant.Client.from_webhook(emulator["webhook"], moved_to=moved)
        assert confirmed.call("profile")["ID"] == "1"


def test_a_reference_is_no_sequence() -> None:
    with pytest.raises(TypeError):
        list(ref("lead"))  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        ref("lead")[None]  # type: ignore[index]


EVERY = [str(number) for number in range(1, 301)]
SELECT = {"select": ["ID"]}


def test_a_list_goes_on_behind_its_cursor(client: evergrant.Client) -> None:
    heard: list[Any] = []
    rows = client.list(
        "crm.lead.list", SELECT, total=True, progress=lambda *seen: heard.append(seen)
    )
    kept = next(rows.pages())
    assert rows.total == 300
    assert heard == [(len(kept), 300)]
    kept += client.list("crm.lead.list", SELECT, after=rows.cursor)
    assert [row["ID"] for row in kept] == EVERY


async def test_a_list_goes_on_behind_its_cursor_awaited(
    async_client: evergrant.AsyncClient,
) -> None:
    rows = async_client.list("crm.lead.list", SELECT, strategy="after_id")
    kept = []
    async for page in rows.pages():
        kept += page
        break
    rest = async_client.list("crm.lead.list", SELECT, after=rows.cursor)
    kept += [row async for row in rest]
    assert [row["ID"] for row in kept] == EVERY


def test_among_the_rows_of_a_page_the_cursor_stands_before_it(client: evergrant.Client) -> None:
    rows = client.list("crm.lead.list", SELECT)
    before = rows.cursor
    next(rows)
    assert rows.cursor == before
    assert [row["ID"] for row in rows] == EVERY[1:]
    assert rows.cursor != before


def test_rows_outlive_a_progress_that_raises(client: evergrant.Client) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    rows = client.list("crm.lead.list", SELECT, limit=10, progress=fail)
    with pytest.raises(ValueError):  # noqa: PT011
        next(rows)
    assert len(list(rows)) == 10


@pytest.mark.parametrize("strategy", ["auto", "pages", "after_id"])
def test_limits_and_orders(client: evergrant.Client, strategy: Any) -> None:
    rows = client.list("crm.lead.list", SELECT, limit=60, order={"ID": "DESC"}, strategy=strategy)
    assert [row["ID"] for row in rows] == EVERY[:-61:-1]


def test_counts_and_ids(client: evergrant.Client) -> None:
    assert client.count("crm.lead.list", {"filter": {"<=ID": 7}}) == 7
    found = client.get_by_ids("crm.lead.list", (5, "3", 999_999, 5), SELECT)
    assert [row and row["ID"] for row in found] == ["5", "3", None, "5"]


async def test_counts_and_ids_awaited(async_client: evergrant.AsyncClient) -> None:
    assert await async_client.count("crm.lead.list") == 300
    assert await async_client.get_by_ids("crm.lead.list", [7], SELECT) == [{"ID": "7"}]


def test_v3(client: evergrant.Client) -> None:
    v3 = client.v3
    assert len(list(v3.list("main.eventlog.list", {"select": ["id"]}))) == 600
    assert len(list(v3.tail("main.eventlog.tail", {"select": ["id"]}))) == 600
    assert len(list(v3.list("main.eventlog.tail", paging="tail"))) == 600
    below = [["id", "<=", 100]]
    totals = v3.aggregate("main.eventlog.aggregate", {"count": ["id"]}, below)
    assert totals["count"]["id"] == 100
    first, one, some = v3.batch(V3_CALLS)
    assert one["item"]["id"] == first["items"][2]["id"]
    assert len(some["items"]) == 3


V3_CALLS: list[Any] = [
    ("tasks.task.list", {"select": ["id"], "pagination": {"limit": 3}}, "many"),
    ("tasks.task.get", {"id": ref("many")[2]["id"], "select": ["id"]}),
    ("tasks.task.list", {"filter": [["id", "in", ref("many").each("id")]], "select": ["id"]}),
]


async def test_v3_awaited(async_client: evergrant.AsyncClient) -> None:
    v3 = async_client.v3
    assert len([item async for item in v3.list("main.eventlog.list")]) == 600
    assert len([item async for item in v3.tail("main.eventlog.tail")]) == 600
    assert (await v3.aggregate("main.eventlog.aggregate", {"count": ["id"]}))["count"]["id"] == 600
    assert len(await v3.batch(V3_CALLS)) == 3
    task = await v3.call("tasks.task.get", {"id": 1, "select": ["id"]}, idempotency_key="a-1")
    assert task["item"]["id"] == 1


CONTENT = bytes(range(256)) * 2000


def test_a_file_goes_there_and_back(client: evergrant.Client, tmp_path: pathlib.Path) -> None:
    there, back = tmp_path / "there.bin", tmp_path / "back.bin"
    there.write_bytes(CONTENT)
    heard: list[int] = []
    told: list[tuple[int, Optional[int]]] = []
    kept = client.upload(
        "disk.folder.uploadfile", {"id": 5}, there, progress=lambda *far: told.append(far)
    )
    assert told[-1] == (len(CONTENT), len(CONTENT))
    link = kept["DOWNLOAD_URL"]
    size = client.download(link, back, progress=lambda received, _: heard.append(received))
    assert (size, heard[-1]) == (len(CONTENT), len(CONTENT))
    assert back.read_bytes() == CONTENT
    with pytest.raises(evergrant.EvergrantError):
        client.download(f"{link}x", tmp_path / "forged.bin")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.bin", "there.bin"]


def test_a_listener_that_raises_ends_the_upload() -> None:
    def give_up(sent: int, size: int) -> None:
        raise RuntimeError(f"{sent} of {size}")

    much = 64 << 20
    with Sluggish(much) as portal:
        client = evergrant.Client.from_webhook(portal.webhook)
        # The error is kept, and with it everything that it has seen: nothing is collected.
        with pytest.raises(RuntimeError, match=f"of {much}$") as kept:
            client.upload("a.b", {}, ("a.bin", bytes(much)), progress=give_up)
        assert portal.rest() < much
        del kept


async def test_a_cancelled_upload_ends() -> None:
    much = 64 << 20
    with Sluggish(much) as portal:
        client = evergrant.AsyncClient.from_webhook(portal.webhook)
        begun = asyncio.Event()
        task = asyncio.ensure_future(
            client.upload("a.b", {}, ("a.bin", bytes(much)), progress=lambda *_: begun.set())
        )
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as kept:
            await task
        assert await asyncio.to_thread(portal.rest) < much
        del kept


def test_a_file_has_the_shapes_that_methods_want(client: evergrant.Client) -> None:
    file = evergrant.File("a.txt", b"hello")
    assert file.base64() == "aGVsbG8="
    assert file.pair() == ["a.txt", "aGVsbG8="]
    assert file.file_data() == {"fileData": ["a.txt", "aGVsbG8="]}
    with pytest.raises(evergrant.InvalidInputError):
        evergrant.File("a.txt", "hello").base64()  # type: ignore[arg-type]
    params = {"id": 5, "data": {"NAME": file.name}, "fileContent": file.pair()}
    for kept in (
        client.call("disk.folder.uploadfile", params),
        client.upload("disk.folder.uploadfile", {"id": 5}, file),
    ):
        stream = io.BytesIO()
        client.download(kept["DOWNLOAD_URL"], stream)
        assert stream.getvalue() == b"hello"


def test_a_download_that_breaks_leaves_nothing(
    client: evergrant.Client, emulator: Emulator, tmp_path: pathlib.Path
) -> None:
    kept = client.upload("disk.folder.uploadfile", {"id": 5}, ("a.bin", CONTENT))
    fault = {"at": "rest", "method": "download", "kind": "truncate", "when": "after"}
    emulator.control("POST", "/faults", fault)
    with pytest.raises(evergrant.EvergrantError):
        client.download(kept["DOWNLOAD_URL"], tmp_path / "a.bin")
    assert not list(tmp_path.iterdir())


async def test_a_file_goes_there_and_back_awaited(async_client: evergrant.AsyncClient) -> None:
    told: list[int] = []
    kept = await async_client.upload(
        "disk.folder.uploadfile",
        {"id": 5},
        ("a.bin", CONTENT),
        progress=lambda sent, _: told.append(sent),
    )
    assert told[-1] == len(CONTENT)
    stream = io.BytesIO()
    assert await async_client.download(kept["DOWNLOAD_URL"], stream) == len(CONTENT)
    assert stream.getvalue() == CONTENT


@pytest.mark.parametrize(
    ("field", "attempt"),
    [
        ("priority", lambda b24: b24.call("profile", priority="soon")),
        ("timeout", lambda b24: b24.call("profile", timeout=-1)),
        ("timeout", lambda b24: b24.batch([("profile", None)], timeout=0)),
        ("priority", lambda b24: b24.batch([("profile", None)], priority="soon")),
        ("timeout", lambda b24: b24.call("profile", timeout=math.nan)),
        ("timeout", lambda b24: b24.call("profile", timeout=math.inf)),
        ("timeout", lambda b24: b24.call("profile", timeout=0)),
        ("timeout", lambda b24: b24.call("profile", timeout=1e-12)),
        ("timeout", lambda b24: b24.call("profile", timeout=10**400)),
        ("timeout", lambda b24: b24.call("profile", timeout="5")),
        ("timeout", lambda b24: b24.v3.call("a.b", timeout=True)),
        ("priority", lambda b24: b24.call("profile", priority=5)),
        ("idempotent", lambda b24: b24.call("profile", idempotent="yes")),
        ("idempotency_key", lambda b24: b24.v3.call("a.b", idempotency_key=7)),
        ("limit", lambda b24: b24.list("crm.lead.list", limit=-1)),
        ("limit", lambda b24: b24.list("crm.lead.list", limit=1.5)),
        ("order", lambda b24: b24.list("crm.lead.list", order=["ID"])),
        ("strategy", lambda b24: b24.list("crm.lead.list", strategy="fast")),
        ("strategy", lambda b24: b24.list("crm.lead.list", strategy=5)),
        ("total", lambda b24: b24.list("crm.lead.list", total="yes")),
        ("after", lambda b24: b24.list("crm.lead.list", after="x")),
        ("after", lambda b24: b24.list("crm.lead.list", after=5)),
        ("progress", lambda b24: b24.list("crm.lead.list", progress=5)),
        ("ids", lambda b24: b24.get_by_ids("crm.lead.list", [1, "x"])),
        ("ids", lambda b24: b24.get_by_ids("crm.lead.list", "12")),
        ("name", lambda b24: b24.batch([("a.b", {}, "No Name")])),
        ("idempotency_key", lambda b24: b24.v3.call("a.b", idempotency_key="")),
        ("file", lambda b24: b24.upload("a.b", {}, ("a", "text"))),
        ("progress", lambda b24: b24.upload("a.b", {}, ("a", b"x"), progress=5)),
        ("progress", lambda b24: b24.download("/a", io.BytesIO(), progress="yes")),
        ("select", lambda b24: b24.v3.aggregate("a.b", {"count": {1}})),
        ("paging", lambda b24: b24.v3.list("a.b", paging="sideways")),
        ("rate_limit", lambda _: evergrant.Client.from_webhook(WEBHOOK, rate_limit="fast")),
        ("reserve", lambda _: evergrant.Client.from_webhook(WEBHOOK, reserve=1)),
        ("portal", lambda _: evergrant.Client.from_webhook(WEBHOOK, moved_to="a b")),
    ],
)
def test_what_cannot_be_asked_is_named(
    client: evergrant.Client, emulator: Emulator, field: str, attempt: Any
) -> None:
    with pytest.raises(evergrant.InvalidInputError) as caught:
        attempt(client)
    assert caught.value.context["field"] == field
    assert emulator.counters()["portal"]["requests"] == 0


WEBHOOK = "http://127.0.0.1:1/rest/1/qwertyuiop123456/"


def test_counters_count(client: evergrant.Client) -> None:
    before = evergrant.Client.counters()
    client.call("profile", idempotent=True, priority="bulk", timeout=20)
    after = evergrant.AsyncClient.counters()
    assert (after.calls, after.requests) == (before.calls + 1, before.requests + 1)
