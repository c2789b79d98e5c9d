"""The rows of a list, one by one or page by page, blocking and for asyncio."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any, Callable, Optional, Union

from evergrant import _native

Progress = Union[bool, Callable[[int, Optional[int]], object]]
"""Called with the rows so far and the total, if it is known; `True` writes a line to a terminal."""

_Report = Callable[[int, Optional[int], bool], object]


class _Reading:
    """What is known of a list that is being read."""

    def __init__(self, native: _native.List, progress: Optional[Progress] = None) -> None:
        self._native = native
        self._report = _reporter(progress)
        self._ready: deque[Any] = deque()
        self._before = self._behind = native.beginning
        self._total: Optional[int] = None
        self._fetched = 0

    def _fill(self, step: tuple[Optional[list[str]], Optional[str], Optional[int]]) -> bool:
        """Takes in what a request brought; false at the end."""
        pages, cursor, self._total = step
        if pages is None:
            self._report(self._fetched, self._total, True)
            return False
        rows = [row for page in pages for row in json.loads(page)]
        self._before, self._behind = self._behind, cursor
        self._ready.extend(rows)
        self._fetched += len(rows)
        # Last: whatever it raises, the rows are kept.
        self._report(self._fetched, self._total, False)
        return True

    def _drain(self) -> list[Any]:
        page = list(self._ready)
        self._ready.clear()
        return page


class _Placed(_Reading):
    """A list that can be taken up again."""

    @property
    def cursor(self) -> str:
        """Where to go on, for `after`: keep it together with what you made of the rows.

        Exact between pages, as with `pages()`: no row is read twice then, and none is missed. Among
        the rows of a page it stands before that page, whose first rows come again.
        """
        return (self._before if self._ready else self._behind) or ""

    @property
    def total(self) -> Optional[int]:
        """How many rows match, once it is known: by pages, or with `total=True`."""
        return self._total


class Items(_Reading, Iterator[Any]):
    """The items of a list, from first to last.

    What one request brought is held, and the next is on its way.
    """

    def __next__(self) -> Any:
        """The next item; waits for the portal where none is at hand."""
        while not self._ready:
            if not self._fill(self._native.next_page().wait()):
                raise StopIteration
        return self._ready.popleft()

    def pages(self) -> Iterator[list[Any]]:
        """The same, all that a request brought at a time: up to fifty of the portal's pages."""
        while self._ready or self._fill(self._native.next_page().wait()):
            yield self._drain()


class Rows(_Placed, Items):
    """The rows of a list, from first to last.

    What one request brought is held, and the next is on its way.
    """


class AsyncItems(_Reading, AsyncIterator[Any]):
    """As `Items`, for `async for`."""

    async def __anext__(self) -> Any:
        """The next item; waits for the portal where none is at hand."""
        while not self._ready:
            if not self._fill(await self._native.next_page().start()):
                raise StopAsyncIteration
        return self._ready.popleft()

    async def pages(self) -> AsyncIterator[list[Any]]:
        """The same, all that a request brought at a time: up to fifty of the portal's pages."""
        while self._ready or self._fill(await self._native.next_page().start()):
            yield self._drain()


class AsyncRows(_Placed, AsyncItems):
    """As `Rows`, for `async for`."""


def _reporter(progress: Optional[Progress]) -> _Report:
    if progress is None or progress is False:
        return lambda rows, total, ended: None
    if progress is True:
        return _write_line if sys.stderr.isatty() else _reporter(None)
    if callable(progress):
        function = progress
        return lambda rows, total, ended: None if ended else function(rows, total)
    raise _native.invalid_input(
        "progress", "progress is neither True nor a function", "Give a function of rows and total."
    )


def _write_line(rows: int, total: Optional[int], ended: bool) -> None:
    known = "" if total is None else f" of {total:,}"
    sys.stderr.write(f"\r{rows:,}{known} rows" + ("\n" if ended else ""))
    sys.stderr.flush()
