"""Plays one scenario: fills in its arguments, does its steps, compares what they bring."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import os
import pathlib
import re
import traceback
from typing import Any, Callable, Optional, Union

import stores
from emulator import Emulator
from evergrant import AsyncRows, BatchResult, Change, EvergrantError, Grant, Rows, Token, ref
from evergrant.testing import Clock
from faces import AnyApplication, AnyClient, Asyncio, Blocking
from pattern import mismatch

Step = dict[str, Any]


class Stage:
    """What the steps of one scenario share."""

    def __init__(
        self, face: Union[Blocking, Asyncio], emulator: Emulator, folder: pathlib.Path, store: str
    ) -> None:
        self.shown: list[str] = []
        """Every text that a person would have seen."""
        self._face = face
        self._emulator = emulator
        self._saved: dict[str, Any] = {
            **emulator.ready,
            "folder": str(folder),
            **stores.fresh(store, folder),
        }
        self._application: Optional[AnyApplication] = None
        self._clock = Clock()
        self._changes: list[Change] = []
        """What the listener was told."""
        self._client: Optional[AnyClient] = None

    async def play(self, steps: list[Step]) -> None:
        """Does the steps; raises at the first that brings something else than expected."""
        for index, step in enumerate(steps):
            expected = self._fill(step.get("expect", {"ok": "$any"}))
            outcome = await self._outcome(step)
            difference = mismatch(expected, outcome)
            assert difference is None, f"step {index} ({step['do']}): {difference}"
            if "save" in step:
                self._saved[step["save"]] = outcome["ok"]

    async def _outcome(self, step: Step) -> dict[str, Any]:
        arguments = {name: value for name, value in step.items() if name not in ("expect", "step")}
        arguments = self._fill(arguments)
        if "step" in step and arguments["do"] == "begin":
            arguments["inner"] = step["step"]
        if arguments["do"] == "together":
            calls = (self._outcome(step["step"]) for _ in range(arguments["times"]))
            return {"ok": list(await asyncio.gather(*calls))}
        try:
            value = await getattr(self, f"_do_{arguments.pop('do')}")(arguments)
        except EvergrantError as error:
            return {"error": self._error(error)}
        return {"ok": self._plain(value)}

    async def _do_open(self, step: Step) -> None:
        self._application = await self._face.open(
            client_id=step.get("client_id", self._saved["client_id"]),
            client_secret=step.get("client_secret", self._saved["client_secret"]),
            store=step.get("store", self._saved["store"]),
            key_file=step.get("key_file", self._saved.get("key_file")),
            spool=self._saved.get("spool"),
            authorization_server=step.get("authorization_server", self._saved["authorization"]),
            clock=self._clock,
            **step.get("settings", {}),
        )
        self.shown.append(repr(self._application))

    async def _do_authorize_url(self, step: Step) -> Any:
        return self._app.authorize_url(step["portal"])

    async def _do_exchange(self, step: Step) -> Any:
        exchange, state = self._app.exchange, step["expected_state"]
        return await self._face.run(exchange, step["redirect_url"], expected_state=state)

    async def _do_exchange_code(self, step: Step) -> Any:
        return await self._face.run(self._app.exchange_code, step["portal"], step["code"])

    async def _do_grants(self, _: Step) -> Any:
        return await self._face.run(self._app.grants)

    async def _do_grant(self, step: Step) -> Any:
        return await self._face.run(self._app.grant, step["grant"])

    async def _do_token(self, step: Step) -> Any:
        return await self._face.run(self._app.token, step["grant"], step["min_ttl"])

    async def _do_renew_token(self, step: Step) -> Any:
        return await self._face.run(self._app.renew_token, step["grant"], step["generation"])

    async def _do_add_spare(self, step: Step) -> Any:
        return await self._face.run(self._app.add_spare, step["grant"], step["refresh_token"])

    async def _do_transfer(self, step: Step) -> Any:
        return await self._face.run(self._app.transfer, step["grant"], step["code"])

    async def _do_audit(self, step: Step) -> Any:
        return await self._face.run(self._app.audit, step["grant"])

    async def _do_statistics(self, _: Step) -> Any:
        return self._app.statistics()

    async def _do_shut_down(self, step: Step) -> Any:
        return await self._face.run(self._app.shut_down, step["deadline"])

    async def _do_turn(self, step: Step) -> None:
        self._clock.turn(step["seconds"])

    async def _do_begin(self, step: Step) -> None:
        """Starts a step that another one waits for."""
        self._saved[step["as"]] = asyncio.ensure_future(self._outcome(step["inner"]))

    async def _do_finish(self, step: Step) -> Any:
        return await self._saved[step["what"]]

    async def _do_listen(self, step: Step) -> None:
        """Counts calls; the first `failures` of them raise."""

        def listen(change: Change) -> None:
            self._changes.append(change)
            if len(self._changes) <= step["failures"]:
                raise ValueError("a listener that fails on purpose")

        self._app.on_change(listen)

    async def _do_heard(self, step: Step) -> Any:
        """Waits until the listener was called so often."""
        return await self._until(lambda: len(self._changes) >= step["calls"], self._changes)

    async def _do_wait_for_event(self, step: Step) -> Any:
        """Waits until the grant's history has the event."""
        for _ in range(500):
            entries = await self._face.run(self._app.audit, step["grant"])
            if any(entry.event == step["event"] for entry in entries):
                return None
            await asyncio.sleep(0.02)
        raise AssertionError(f"{step['event']} did not happen")

    async def _until(self, holds: Callable[[], bool], value: Any) -> Any:
        for _ in range(1000):
            if holds():
                return value
            await asyncio.sleep(0.01)
        raise AssertionError("it did not happen within ten seconds")

    async def _do_client(self, step: Step) -> None:
        self._client = self._app.client(step["grant"])
        self.shown.append(repr(self._client))

    async def _do_webhook(self, step: Step) -> None:
        self._client = self._face.webhook(step["url"])
        self.shown.append(repr(self._client))

    async def _do_call(self, step: Step) -> Any:
        return await self._face.run(self._b24.call, step["method"], step.get("params"))

    async def _do_batch(self, step: Step) -> Any:
        return await self._face.run(self._b24.batch, _commands(step))

    async def _do_list(self, step: Step) -> Any:
        return await self._face.rows(self._rows(step))

    async def _do_list_page(self, step: Step) -> Any:
        """The first page, and where the list stands behind it."""
        rows = self._rows(step)
        page = await self._face.page(rows)
        return {"rows": page, "cursor": rows.cursor, "total": rows.total}

    def _rows(self, step: Step) -> Union[Rows, AsyncRows]:
        return self._b24.list(step["method"], step.get("params"), **step.get("options", {}))

    async def _do_count_rows(self, step: Step) -> Any:
        return await self._face.run(self._b24.count, step["method"], step.get("params"))

    async def _do_get_by_ids(self, step: Step) -> Any:
        get = self._b24.get_by_ids
        return await self._face.run(get, step["method"], step["ids"], step.get("params"))

    async def _do_v3_call(self, step: Step) -> Any:
        return await self._face.run(self._b24.v3.call, step["method"], step.get("params"))

    async def _do_v3_list(self, step: Step) -> Any:
        return await self._face.rows(self._b24.v3.list(step["method"], step.get("params")))

    async def _do_v3_batch(self, step: Step) -> Any:
        return await self._face.run(self._b24.v3.batch, _commands(step))

    async def _do_control(self, step: Step) -> Any:
        return self._emulator.control(step["method"], step["path"], step.get("body"))

    async def _do_count(self, step: Step) -> Any:
        parts = (part if isinstance(part, list) else [part] for part in step["of"])
        keys = [row[step["by"]] for part in parts for row in part]
        return {
            "count": len(keys),
            "unique": len(set(keys)),
            "ascending": keys == sorted(keys, key=int),
            "first": keys[0] if keys else None,
            "last": keys[-1] if keys else None,
        }

    async def _do_write_file(self, step: Step) -> None:
        pathlib.Path(step["path"]).write_text(step["text"])

    async def _do_file_mode(self, step: Step) -> str:
        return f"{os.stat(step['path']).st_mode & 0o777:o}"

    @property
    def _app(self) -> AnyApplication:
        assert self._application is not None, "no step has opened an application"
        return self._application

    @property
    def _b24(self) -> AnyClient:
        assert self._client is not None, "no step has made a client"
        return self._client

    def _error(self, error: EvergrantError) -> dict[str, Any]:
        trace = traceback.format_exception(type(error), error, error.__traceback__)
        self.shown += [str(error), repr(error), repr(vars(error)), "".join(trace)]
        return {
            "kind": error.kind,
            "code": error.code,
            "status": error.status,
            "retryable": error.retryable,
            "retry_after": error.retry_after,
            "message": str(error),
        }

    def _plain(self, value: Any) -> Any:
        """A value of the package as JSON has it."""
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, BatchResult):
            if value.error is None:
                return {"ok": value.value}
            return {"error": self._error(value.error)}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            self.shown += [str(value), repr(value)]
            fields = dataclasses.asdict(value)
            if isinstance(value, (Grant, Token)):
                fields["scope"] = list(value.scope)
            return fields
        return value

    def _fill(self, value: Any) -> Any:
        """Puts saved values in the place of `${name.path}`."""
        if isinstance(value, dict):
            return {key: self._fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item) for item in value]
        if not isinstance(value, str):
            return value
        alone = re.fullmatch(r"\$\{([^}]+)\}", value)
        if alone:
            return self._find(alone[1])
        return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._find(found[1])), value)

    def _find(self, path: str) -> Any:
        value: Any = self._saved
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return value


def _commands(step: Step) -> list[Any]:
    return [[command[0], _refer(command[1]), *command[2:]] for command in step["commands"]]


def _refer(value: Any) -> Any:
    """Puts references in the place of `{"$reference": [name, key...]}`."""
    if isinstance(value, list):
        return [_refer(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$reference" not in value:
        return {key: _refer(item) for key, item in value.items()}
    name, *keys = value["$reference"]
    return functools.reduce(lambda reference, key: reference[key], keys, ref(name))
