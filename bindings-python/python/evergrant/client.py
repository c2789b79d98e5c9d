"""Calls of a portal, blocking and for asyncio."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Optional
from urllib.parse import urlsplit

from evergrant import _native
from evergrant.errors import EvergrantError
from evergrant.parameters import Params, encode, encode_commands


@dataclass(frozen=True)
class BatchResult:
    """What became of one command of a batch."""

    ok: bool
    """True if the command was executed."""
    value: Any = None
    """The command's result."""
    error: Optional[EvergrantError] = None
    """Why there is none."""


# Named here: inside the clients, `list` is their method.
_Results = list[BatchResult]


class _Portal:
    """A client of either kind."""

    def __init__(self, native: _native.Client, whose: str) -> None:
        self._native = native
        self._whose = whose

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._whose})"


class Client(_Portal):
    """Calls one portal as one user.

    An expired token is renewed and the call sent once more; a refusal for the rate is waited out.
    Nothing else is repeated. Clients may be shared between threads, and survive a fork.
    """

    @classmethod
    def from_webhook(cls, url: str) -> Client:
        """A client over an incoming webhook, `https://<portal>/rest/<user>/<secret>/`.

        Raises:
            InvalidInputError: this is not the address of a webhook.
        """
        return cls(_native.Client.from_webhook(url), _webhook(url))

    def call(self, method: str, params: Params = None) -> Any:
        """Calls one method and answers with its `result`.

        Raises:
            RestError: the portal refused; `code` says why.
            EvergrantError: anything else; `retry` says whether to send it again.
        """
        return json.loads(self._native.call(method, encode(params)).wait())

    def batch(self, commands: Iterable[tuple[str, Params]]) -> _Results:
        """Runs up to fifty commands in one request. One result for each, in their order; a command
        that fails does not stop the others.

        Raises:
            EvergrantError: the batch as a whole had no answer; its commands may have been executed.
        """
        return _outcomes(self._native.batch(encode_commands(commands)).wait())

    def list(self, method: str, params: Params = None) -> Rows:
        """All rows of a list method, fetched as they are read. `params` must not contain `start`.

        Reading raises rather than ends early: a list is never silently short.
        """
        return Rows(self._native.list(method, encode(params)))


class AsyncClient(_Portal):
    """`Client` for asyncio. Cancelling a call drops it, but never a renewal of the token."""

    @classmethod
    def from_webhook(cls, url: str) -> AsyncClient:
        """As `Client.from_webhook`; does not wait."""
        return cls(_native.Client.from_webhook(url), _webhook(url))

    async def call(self, method: str, params: Params = None) -> Any:
        """As `Client.call`."""
        return json.loads(await self._native.call(method, encode(params)).start())

    async def batch(self, commands: Iterable[tuple[str, Params]]) -> _Results:
        """As `Client.batch`."""
        return _outcomes(await self._native.batch(encode_commands(commands)).start())

    def list(self, method: str, params: Params = None) -> AsyncRows:
        """As `Client.list`, for `async for`."""
        return AsyncRows(self._native.list(method, encode(params)))


class Rows(Iterator[Any]):
    """The rows of a list, from first to last."""

    def __init__(self, native: _native.List) -> None:
        """Made by `Client.list`."""
        self._native = native
        self._ready: deque[Any] = deque()

    def __next__(self) -> Any:
        """The next row; waits for the portal where none is at hand."""
        while not self._ready:
            page = self._native.next_page().wait()
            if page is None:
                raise StopIteration
            self._ready.extend(json.loads(page))
        return self._ready.popleft()


class AsyncRows(AsyncIterator[Any]):
    """The rows of a list, from first to last, for `async for`."""

    def __init__(self, native: _native.List) -> None:
        """Made by `AsyncClient.list`."""
        self._native = native
        self._ready: deque[Any] = deque()

    async def __anext__(self) -> Any:
        """The next row; waits for the portal where none is at hand."""
        while not self._ready:
            page = await self._native.next_page().start()
            if page is None:
                raise StopAsyncIteration
            self._ready.extend(json.loads(page))
        return self._ready.popleft()


def _outcomes(
    outcomes: list[tuple[Optional[bytes], Optional[EvergrantError]]],
) -> list[BatchResult]:
    return [
        BatchResult(ok=True, value=json.loads(value))
        if value is not None
        else BatchResult(ok=False, error=error)
        for value, error in outcomes
    ]


def _webhook(url: str) -> str:
    """How a webhook is shown: the rest of its address is a secret."""
    return f"webhook of {urlsplit(url.strip()).netloc.rpartition('@')[2]}"
