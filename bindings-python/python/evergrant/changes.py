"""Changes of grants: told to a function, or read with `async for`."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Awaitable
from typing import Callable, Union

from evergrant import _native
from evergrant.grants import Change

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_PATIENCE = 5.0
"""Seconds that the interpreter's exit waits for a function that is being called."""

_log = logging.getLogger("evergrant")
_listeners: set[Listener] = set()


class Listener:
    """Calls a function with every change, on a thread of its own, until it is closed.

    Ends with the interpreter, and holds no program back. A forked child listens anew.
    """

    def __init__(
        self, application: _native.Application, function: Callable[[Change], object]
    ) -> None:
        """Made by `Application.on_change`."""
        # Nothing changes in this process once its application is gone.
        self._application = application
        self._changes = application.changes()
        self._function = function
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evergrant-changes", daemon=True)
        _listeners.add(self)
        self._thread.start()

    def close(self) -> None:
        """Calls the function no more. Waits for a call that is under way, but not for long."""
        _listeners.discard(self)
        self._stop.set()
        self._changes.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(_PATIENCE)

    def __enter__(self) -> Listener:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while self._changes.wait() and not self._stop.is_set():
            fields = self._changes.take()
            if fields is None:
                continue
            try:
                self._function(Change(**fields))
            except BaseException:
                self._changes.give_back()
                _complain(pause)
                self._stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE


class AsyncChanges(AsyncIterator[Change]):
    """Changes for `async for`. A reader that is slow gets the latest of each grant."""

    def __init__(self, application: _native.Application) -> None:
        """Made by `AsyncApplication.changes`."""
        self._application = application
        self._native = application.changes()

    async def __anext__(self) -> Change:
        """The next change; waits for it. Cancelling the wait loses none."""
        while await self._native.ready().start():
            fields = self._native.take()
            if fields is not None:
                return Change(**fields)
        raise StopAsyncIteration

    def give_back(self) -> None:
        """Puts the last change back, for a handler that failed: it comes again, or a newer one."""
        self._native.give_back()

    def close(self) -> None:
        """Ends the loop that reads it."""
        self._native.close()


async def call_back(
    changes: AsyncChanges, function: Callable[[Change], Union[Awaitable[object], object]]
) -> None:
    """Calls `function` with every change, and again after a pause where it raised."""
    pause = _FIRST_PAUSE
    async for change in changes:
        try:
            result = function(change)
            if inspect.isawaitable(result):
                await result
        except asyncio.CancelledError:
            changes.give_back()
            raise
        except Exception:
            changes.give_back()
            _complain(pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        else:
            pause = _FIRST_PAUSE


def close_all() -> None:
    """Takes our threads out of native code before the interpreter goes down."""
    for listener in list(_listeners):
        listener.close()


def _complain(pause: float) -> None:
    _log.exception("a listener of changes failed; it is called again in %s s", round(pause))
