"""Calls of a portal, blocking and for asyncio."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union
from urllib.parse import urlsplit

from evergrant import _native
from evergrant.arguments import call_settings, list_settings
from evergrant.batches import BatchResult, Command, as_text, encode_commands, results
from evergrant.files import (
    FileProgress,
    Sink,
    Target,
    Upload,
    UploadProgress,
    content_of,
    heard,
    opened,
    sending,
)
from evergrant.grants import CallCounters, Priority, Strategy
from evergrant.parameters import Params, encode, encode_ids
from evergrant.rows import AsyncRows, Progress, Rows
from evergrant.v3 import V3, AsyncV3


class _Portal:
    """A client of either kind."""

    def __init__(self, native: _native.Client, whose: str) -> None:
        self._native = native
        self._whose = whose

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._whose})"

    @staticmethod
    def counters() -> CallCounters:
        """What all calls of this process came to since it started."""
        return CallCounters(**_native.counters())


class Client(_Portal):
    """Calls one portal as one user.

    What was certainly not executed is sent again: with a new token, after a refusal for the rate,
    after a connection that did not come about. Nothing else is repeated. Clients may be shared
    between threads, and survive a fork.
    """

    @classmethod
    def from_webhook(
        cls,
        url: str,
        *,
        rate_limit: Optional[str] = None,
        reserve: Optional[float] = None,
        moved_to: Optional[str] = None,
    ) -> Client:
        """A client over an incoming webhook, `https://<portal>/rest/<user>/<secret>/`.

        Args:
            url: The webhook's address.
            rate_limit: How fast the portal may be called, by all clients of this process together:
                `standard`, `enterprise`, `off`, or `<burst>,<requests a second>`. Unless given,
                what `EVERGRANT_RATE_LIMIT` says, else `standard`.
            reserve: The part of the portal's bucket, 0 to 0.9, that is left to other programs
                behind the same address. Unless given, as it is, at first 0.
            moved_to: A host that the portal has moved to, where the secret may go along.

        Raises:
            InvalidInputError: `context["field"]` names the argument.
        """
        native = _native.Client.from_webhook(url, rate_limit, reserve, moved_to)
        return cls(native, _webhook(url))

    def call(
        self,
        method: str,
        params: Params = None,
        *,
        idempotent: bool = False,
        priority: Optional[Priority] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """Calls one method and answers with its `result`.

        Args:
            method: Its name, such as `crm.lead.get`.
            params: A mapping, or a list for methods with positional parameters.
            idempotent: Doing it twice is harmless: it is sent again also when nobody knows whether
                it was executed.
            priority: Who goes first when the portal takes no more: `interactive` (unless given)
                before `bulk`.
            timeout: Seconds for the call with all its waits and repetitions; else five minutes.

        Raises:
            RestError: the portal refused; `code` says why.
            EvergrantError: anything else; `retry` says whether to send it again.
        """
        settings = call_settings(idempotent, priority, timeout)
        return json.loads(self._native.call(method, encode(params), settings).wait())

    def batch(
        self,
        commands: Iterable[Command],
        *,
        halt: bool = True,
        priority: Optional[Priority] = None,
        timeout: Optional[float] = None,
    ) -> builtins.list[BatchResult]:
        """Runs any number of commands, fifty to a request. One result for each, in their order; a
        command that fails does not stop those that have nothing to do with it.

        Args:
            commands: Pairs of method and parameters. With a name as the third, later commands may
                use the result: `ref("lead")`, `ref("found")[0]["ID"]`.
            halt: Leaves a command alone whose reference is to one that failed. Otherwise the portal
                runs it, with the text of the reference for a value.
            priority: As for `call`; `bulk` unless given.
            timeout: Seconds for the whole batch with all its waits and repetitions. What was not
                sent by then has an error in its place.

        Raises:
            InvalidInputError: a command cannot be sent; nothing was.
            EvergrantError: no request had an answer; the commands may have been executed.
        """
        encoded = encode_commands(commands, as_text)
        settings = call_settings(False, priority, timeout)
        return results(self._native.batch(encoded, halt, settings).wait())

    def list(
        self,
        method: str,
        params: Params = None,
        *,
        limit: Optional[int] = None,
        order: Optional[Mapping[str, str]] = None,
        strategy: Strategy = "auto",
        total: bool = False,
        progress: Optional[Progress] = None,
        after: Optional[str] = None,
    ) -> Rows:
        """All rows of a list method, fetched as they are read. `params` must not contain `start`.

        Reading raises rather than ends early: a list is never silently short.

        Args:
            method: Such as `crm.lead.list`.
            params: Filter and selection.
            limit: No more rows than these.
            order: Fields with `ASC` or `DESC`.
            strategy: How pages are cut: `auto`, `pages`, `after_id`, `ranges`.
            total: Counts the rows first.
            progress: A function of the rows so far and the total (`None` while it is not known);
                `True` writes a line to a terminal.
            after: A `cursor` of the same method and parameters, to go on behind it.

        Raises:
            InvalidInputError: at once, for what cannot be asked.
        """
        settings = list_settings(limit, order, strategy, total, after)
        return Rows(self._native.list(method, encode(params), settings), progress)

    def count(self, method: str, params: Params = None) -> int:
        """How many rows of a list method match."""
        return self._native.count(method, encode(params)).wait()

    def get_by_ids(
        self, method: str, ids: Iterable[Union[int, str]], params: Params = None
    ) -> builtins.list[Any]:
        """The rows of a list method with these ids, one for each in their order; `None` where there
        is no such row. `params` may select fields and filter further.
        """
        native = self._native.get_by_ids(method, encode_ids(ids), encode(params))
        return _rows(native.wait())

    def upload(
        self,
        method: str,
        params: Params,
        file: Upload,
        *,
        progress: Optional[UploadProgress] = None,
    ) -> Any:
        """Uploads a file in two steps: `method`, such as `disk.folder.uploadfile`, says where to.

        Args:
            method: One that answers with an `uploadUrl`.
            params: Its parameters, without the file.
            file: A path, or a `File` or pair of name and content. It is held in memory.
            progress: A function of the bytes that have left and the size. They are fewer than
                before where the portal has refused the file and it is sent again. What it raises
                ends the upload; whether the portal has the file is then unknown.
        """
        report = heard(progress)
        native = self._native.upload(method, encode(params), *content_of(file)).wait()
        with sending(native):
            while report and (sent := native.progress().wait()) is not None:
                report(sent, native.size)
            return json.loads(native.finish().wait())

    def download(self, url: str, to: Target, *, progress: Optional[FileProgress] = None) -> int:
        """Downloads from a link that an answer held, such as `DOWNLOAD_URL`; answers how many
        bytes it was.

        Args:
            url: The link. It lives as long as the token in it.
            to: A path, where the file is either whole or not there; or a stream.
            progress: A function of the bytes so far and the size, if the portal said it.
        """
        report = heard(progress)
        native = self._native.download(url).wait()
        with opened(to) as stream:
            sink = Sink(stream, native, report)
            while sink.take(native.chunk().wait()):
                pass
        return sink.received

    @property
    def v3(self) -> V3:
        """The same client for methods of REST 3.0."""
        return V3(self._native.v3())


class AsyncClient(_Portal):
    """`Client` for asyncio. Cancelling a call drops it, but never a renewal of the token."""

    @classmethod
    def from_webhook(
        cls,
        url: str,
        *,
        rate_limit: Optional[str] = None,
        reserve: Optional[float] = None,
        moved_to: Optional[str] = None,
    ) -> AsyncClient:
        """As `Client.from_webhook`; does not wait."""
        native = _native.Client.from_webhook(url, rate_limit, reserve, moved_to)
        return cls(native, _webhook(url))

    async def call(
        self,
        method: str,
        params: Params = None,
        *,
        idempotent: bool = False,
        priority: Optional[Priority] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """As `Client.call`."""
        settings = call_settings(idempotent, priority, timeout)
        return json.loads(await self._native.call(method, encode(params), settings).start())

    async def batch(
        self,
        commands: Iterable[Command],
        *,
        halt: bool = True,
        priority: Optional[Priority] = None,
        timeout: Optional[float] = None,
    ) -> builtins.list[BatchResult]:
        """As `Client.batch`."""
        encoded = encode_commands(commands, as_text)
        settings = call_settings(False, priority, timeout)
        return results(await self._native.batch(encoded, halt, settings).start())

    def list(
        self,
        method: str,
        params: Params = None,
        *,
        limit: Optional[int] = None,
        order: Optional[Mapping[str, str]] = None,
        strategy: Strategy = "auto",
        total: bool = False,
        progress: Optional[Progress] = None,
        after: Optional[str] = None,
    ) -> AsyncRows:
        """As `Client.list`, for `async for`."""
        settings = list_settings(limit, order, strategy, total, after)
        return AsyncRows(self._native.list(method, encode(params), settings), progress)

    async def count(self, method: str, params: Params = None) -> int:
        """As `Client.count`."""
        return await self._native.count(method, encode(params)).start()

    async def get_by_ids(
        self, method: str, ids: Iterable[Union[int, str]], params: Params = None
    ) -> builtins.list[Any]:
        """As `Client.get_by_ids`."""
        native = self._native.get_by_ids(method, encode_ids(ids), encode(params))
        return _rows(await native.start())

    async def upload(
        self,
        method: str,
        params: Params,
        file: Upload,
        *,
        progress: Optional[FileProgress] = None,
    ) -> Any:
        """As `Client.upload`."""
        report = heard(progress)
        native = await self._native.upload(method, encode(params), *content_of(file)).start()
        with sending(native):
            while report and (sent := await native.progress().start()) is not None:
                report(sent, native.size)
            return json.loads(await native.finish().start())

    async def download(
        self, url: str, to: Target, *, progress: Optional[FileProgress] = None
    ) -> int:
        """As `Client.download`. Parts are written on the event loop."""
        report = heard(progress)
        native = await self._native.download(url).start()
        with opened(to) as stream:
            sink = Sink(stream, native, report)
            while sink.take(await native.chunk().start()):
                pass
        return sink.received

    @property
    def v3(self) -> AsyncV3:
        """The same client for methods of REST 3.0."""
        return AsyncV3(self._native.v3())


def _rows(text: bytes) -> list[Any]:
    rows: list[Any] = json.loads(text)
    return rows


def _webhook(url: str) -> str:
    """How a webhook is shown: the rest of its address is a secret."""
    return f"webhook of {urlsplit(url.strip()).netloc.rpartition('@')[2]}"
