"""evergrant in Python."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import evergrant

from work import SELECT, Job, run


def client(job: Job) -> evergrant.Client:
    # How fast: EVERGRANT_RATE_LIMIT, as for any program.
    return evergrant.Client.from_webhook(job.webhook)


def read(job: Job) -> list[Any]:
    return list(client(job).list("crm.lead.list", SELECT))


def stream(job: Job) -> Iterator[Any]:
    return iter(client(job).list("crm.lead.list", SELECT))


def calls(job: Job) -> list[Any]:
    b24 = client(job)
    return [b24.call("crm.lead.get", {"ID": n}) for n in range(1, job.count + 1)]


def gather(job: Job) -> list[Any]:
    async def all_at_once() -> list[Any]:
        b24 = evergrant.AsyncClient.from_webhook(job.webhook)
        waiting = (b24.call("crm.lead.get", {"ID": n}) for n in range(1, job.count + 1))
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(all_at_once())


def add(job: Job) -> list[Any]:
    commands = [("crm.lead.add", {"fields": {"TITLE": f"L{n}"}}) for n in range(job.count)]
    return [result.value for result in client(job).batch(commands) if result.ok]


if __name__ == "__main__":
    run({"list": read, "stream": stream, "calls": calls, "gather": gather, "add": add})
