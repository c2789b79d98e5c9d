"""b24pysdk, the vendor's client for Python.

It has no limiter and no asyncio: what goes at once goes in threads.
"""

from __future__ import annotations

import concurrent.futures
import importlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from work import SELECT, Job, run

sdk = importlib.import_module("b24pysdk")
THREADS = 16


def client(job: Job) -> Any:
    # https is wired in; the emulator is asked in plain http, which spares it the handshakes.
    caller = importlib.import_module("b24pysdk.api.callers.call_method")._MethodCaller
    caller._base_url = property(lambda self: f"http://{self._domain}/rest")
    address = urlsplit(job.webhook)
    token = address.path.strip("/").removeprefix("rest/")
    return sdk.Client(sdk.BitrixWebhook(domain=address.netloc, webhook_token=token))


def read(job: Job) -> list[Any]:
    asked = client(job).crm.lead.list(select=SELECT["select"])
    answer = asked.as_list_fast() if job.way == "fast" else asked.as_list()
    return list(answer.result)


def stream(job: Job) -> Iterator[Any]:
    return iter(client(job).crm.lead.list(select=SELECT["select"]).as_list_fast().result)


def calls(job: Job) -> list[Any]:
    b24 = client(job)
    return [b24.crm.lead.get(bitrix_id=n).result for n in range(1, job.count + 1)]


def gather(job: Job) -> list[Any]:
    b24 = client(job)

    def one(number: int) -> Any:
        try:
            return b24.crm.lead.get(bitrix_id=number).result
        except Exception as error:  # counted, as those of the others
            return error

    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, range(1, job.count + 1)))


def add(job: Job) -> list[Any]:
    b24 = client(job)
    adds = [b24.crm.lead.add(fields={"TITLE": f"L{n}"}) for n in range(job.count)]
    return list(b24.call_batches(adds).result.result)


if __name__ == "__main__":
    run({"list": read, "stream": stream, "calls": calls, "gather": gather, "add": add})
