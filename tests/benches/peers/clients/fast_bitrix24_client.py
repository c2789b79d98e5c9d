"""fast-bitrix24, as its own documentation uses it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any

from work import SELECT, Job, run

BitrixAsync = importlib.import_module("fast_bitrix24").BitrixAsync


def blocking(work: Callable[[Any, Job], Awaitable[Any]]) -> Callable[[Job], Any]:
    """`work` with a client whose one session stays open."""

    async def in_session(job: Job) -> Any:
        # Where the portal has no bucket its limiter is as good as off.
        size, rate = (job.burst, job.leak) if job.burst else (10**6, 1e6)
        b24 = BitrixAsync(
            job.webhook, verbose=False, request_pool_size=size, requests_per_second=rate
        )
        async with b24.srh.handle_sessions():
            return await work(b24, job)

    return lambda job: asyncio.run(in_session(job))


async def read(b24: Any, job: Job) -> Any:
    return await b24.get_all("crm.lead.list", SELECT)


async def calls(b24: Any, job: Job) -> Any:
    return [await b24.call("crm.lead.get", {"ID": n}, raw=True) for n in range(1, job.count + 1)]


async def gather(b24: Any, job: Job) -> Any:
    waiting = (b24.call("crm.lead.get", {"ID": n}, raw=True) for n in range(1, job.count + 1))
    return await asyncio.gather(*waiting, return_exceptions=True)


async def add(b24: Any, job: Job) -> Any:
    return await b24.call(
        "crm.lead.add", [{"fields": {"TITLE": f"L{n}"}} for n in range(job.count)]
    )


if __name__ == "__main__":
    tasks = {"list": read, "calls": calls, "gather": gather, "add": add}
    run({name: blocking(work) for name, work in tasks.items()})
