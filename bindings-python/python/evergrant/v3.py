"""REST 3.0: methods below `/rest/api/`, blocking and for asyncio."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable
from typing import Any, Optional

from evergrant import _native
from evergrant.arguments import call_settings
from evergrant.batches import Command, as_path, encode_commands
from evergrant.grants import Paging, Priority
from evergrant.parameters import Params, encode
from evergrant.rows import AsyncItems, Items, Progress


class V3:
    """Calls methods of REST 3.0 with a client's token and limits; `client.v3`."""

    def __init__(self, native: _native.V3) -> None:
        """Use `client.v3`."""
        self._native = native

    def call(
        self,
        method: str,
        params: Params = None,
        *,
        idempotent: bool = False,
        priority: Optional[Priority] = None,
        timeout: Optional[float] = None,
        idempotency_key: Optional[str] = None,
    ) -> Any:
        """As `Client.call`. The portal executes calls with the same `idempotency_key` once in 24
        hours, and answers all of them.
        """
        settings = call_settings(idempotent, priority, timeout, idempotency_key)
        return json.loads(self._native.call(method, encode(params), settings).wait())

    def list(
        self,
        method: str,
        params: Params = None,
        *,
        paging: Optional[Paging] = None,
        progress: Optional[Progress] = None,
    ) -> Items:
        """All items of a list method, in the way that it is known to page; `pagination: {"limit":
        100}` says how many at a time.
        """
        return Items(self._native.list(method, encode(params), paging), progress)

    def tail(
        self, method: str, params: Params = None, *, progress: Optional[Progress] = None
    ) -> Items:
        """All items behind a `cursor: {"field", "order", "value", "limit"}`."""
        return Items(self._native.list(method, encode(params), "tail"), progress)

    def aggregate(self, method: str, select: Params, filter: Params = None) -> Any:
        """Counts, sums and extremes: `{"count": ["id"]}`. The result has the same shape."""
        encoded = encode(select, "select"), encode(filter, "filter")
        return json.loads(self._native.aggregate(method, *encoded).wait())

    def batch(self, calls: Iterable[Command]) -> builtins.list[Any]:
        """Makes up to fifty calls in one request, in order; their results. References are as in
        `Client.batch`, and `ref("many").each("id")` is a field of every item.

        Raises:
            EvergrantError: the first call that failed, without saying which it was; those before it
                have been executed.
        """
        native = self._native.batch(encode_commands(calls, as_path))
        results: builtins.list[Any] = json.loads(native.wait())
        return results


class AsyncV3:
    """`V3` for asyncio."""

    def __init__(self, native: _native.V3) -> None:
        """Use `client.v3`."""
        self._native = native

    async def call(
        self,
        method: str,
        params: Params = None,
        *,
        idempotent: bool = False,
        priority: Optional[Priority] = None,
        timeout: Optional[float] = None,
        idempotency_key: Optional[str] = None,
    ) -> Any:
        """As `V3.call`."""
        settings = call_settings(idempotent, priority, timeout, idempotency_key)
        return json.loads(await self._native.call(method, encode(params), settings).start())

    def list(
        self,
        method: str,
        params: Params = None,
        *,
        paging: Optional[Paging] = None,
        progress: Optional[Progress] = None,
    ) -> AsyncItems:
        """As `V3.list`, for `async for`."""
        return AsyncItems(self._native.list(method, encode(params), paging), progress)

    def tail(
        self, method: str, params: Params = None, *, progress: Optional[Progress] = None
    ) -> AsyncItems:
        """As `V3.tail`, for `async for`."""
        return AsyncItems(self._native.list(method, encode(params), "tail"), progress)

    async def aggregate(self, method: str, select: Params, filter: Params = None) -> Any:
        """As `V3.aggregate`."""
        encoded = encode(select, "select"), encode(filter, "filter")
        return json.loads(await self._native.aggregate(method, *encoded).start())

    async def batch(self, calls: Iterable[Command]) -> builtins.list[Any]:
        """As `V3.batch`."""
        native = self._native.batch(encode_commands(calls, as_path))
        results: builtins.list[Any] = json.loads(await native.start())
        return results
