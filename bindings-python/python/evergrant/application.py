"""Applications and their grants, blocking and for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Sequence
from typing import Callable, Literal, Optional, Union

from evergrant import _native
from evergrant.changes import AsyncChanges, Listener, call_back
from evergrant.client import AsyncClient, Client
from evergrant.grants import (
    AuditEntry,
    AuthorizeLink,
    Change,
    Grant,
    KeepAlive,
    Statistics,
    Token,
)

_Path = Union[str, "os.PathLike[str]"]

RetrySpent = Literal["never", "after_oracle", "always"]
"""What to do with a refresh token of unknown fate."""


class _Opened:
    """What an application does without waiting."""

    _native: _native.Application
    _client_id: str

    @property
    def client_id(self) -> str:
        """The application's `client_id`."""
        return self._client_id

    def authorize_url(self, portal: str) -> AuthorizeLink:
        """The link that a person opens to consent, with the state to keep until the redirect.

        Raises:
            InvalidInputError: `portal` is not the host of a portal.
        """
        url, state = self._native.authorize_url(portal)
        return AuthorizeLink(url, state)

    def token_sync(self, id: int, min_ttl: int = 60) -> Optional[Token]:
        """A token that this process has already, if it lives long enough. Never waits."""
        return self._native.token_sync(id, min_ttl)

    def statistics(self) -> Statistics:
        """What this application's keeper has done in this process."""
        return Statistics(**self._native.statistics())

    def __repr__(self) -> str:
        return f"{type(self).__name__}(client_id={self._client_id!r})"


class Application(_Opened):
    """One Bitrix24 application, local or mass-market, with the store that its grants live in.

    May be shared between threads. After a fork the children share a store in a file; a store in
    memory stays with its process.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        store: str = "memory",
        key: Optional[str] = None,
        key_file: Optional[_Path] = None,
        authorization_server: Optional[str] = None,
        authorization_hosts: Sequence[str] = (),
        refresh_by_get: bool = False,
        spool: Optional[_Path] = None,
        rotations_per_hour: int = 3,
        rotations_per_day: int = 30,
        application_rotations_per_hour: int = 20_000,
        in_flight: int = 32,
        background: bool = True,
        retry_spent: RetrySpent = "after_oracle",
        fixed_interval: Optional[float] = None,
        rate_limit: Optional[str] = None,
        reserve: Optional[float] = None,
        clock: Optional[_native.Clock] = None,
    ) -> None:
        """Opens the store, and finishes what an earlier process left half done.

        Args:
            client_id: From the application's card on the portal.
            client_secret: From the same card.
            store: `memory`, `sqlite:<path>`, `postgres://...` or `redis://...`.
            key: The master key that seals the store: 64 hexadecimal digits, or base64. Without
                `key` and `key_file`: `EVERGRANT_KEY`, else the file that `EVERGRANT_KEY_FILE`
                names, else `<store>.key`, which is made with a new store.
            key_file: A file with the master key.
            authorization_server: Where it is not the vendor's default.
            authorization_hosts: Hosts besides the vendor's that may receive secrets.
            refresh_by_get: Sends token requests by GET, for a proxy that refuses POST.
            spool: A folder on a local disk that outlives the process, for answers on their way to
                the store. Else beside the store's file; for a store on a server what
                `EVERGRANT_SPOOL` names, else a folder in the user's state directory.
            rotations_per_hour: How often one chain may be rotated in an hour, by all processes
                together; 0 for no limit. The vendor blocks applications that renew again and again.
            rotations_per_day: The same for a day.
            application_rotations_per_hour: The same for all chains of the application together.
            in_flight: How many exchanges this process may have under way at once.
            background: Whether keep-alive, renewal ahead of need and recovery run by themselves.
                `False` for runtimes that freeze between requests; call `maintain` there.
            retry_spent: What to do with a refresh token that was probably spent by an exchange
                whose answer is lost. `never`: a person consents anew unless there is a spare.
                `after_oracle`: ask the authorization server first whether the old access token is
                still good. `always`: send it again after the pause.
            fixed_interval: Rotates every grant after so many seconds (at least 60), wanted or not;
                the budgets hold all the same. Better left off: the vendor's documentation asks
                applications not to renew on a schedule, and says that those that do may be
                blocked. It is for readers that cannot ask for a fresh token.
            rate_limit: How fast each portal may be called, as in `Client.from_webhook`.
            reserve: As there.
            clock: Another clock, for tests of expiry: `evergrant.testing.Clock`.

        Raises:
            InvalidInputError: `context["field"]` names the argument.
            StoreError: the store or its key cannot be used.
        """
        self._client_id = client_id
        self._native = _native.Application.open(
            client_id=client_id,
            client_secret=client_secret,
            store=store,
            key=key,
            key_file=key_file,
            authorization_server=authorization_server,
            authorization_hosts=authorization_hosts,
            refresh_by_get=refresh_by_get,
            spool=spool,
            rotations_per_hour=rotations_per_hour,
            rotations_per_day=rotations_per_day,
            application_rotations_per_hour=application_rotations_per_hour,
            in_flight=in_flight,
            background=background,
            retry_spent=retry_spent,
            fixed_interval=fixed_interval,
            rate_limit=rate_limit,
            reserve=reserve,
            clock=clock,
        ).wait()

    def exchange(self, redirect_url: str, *, expected_state: str) -> Grant:
        """Turns the redirect that a person's consent ended in into a grant.

        Args:
            redirect_url: The whole address that the browser was sent to, or its query.
            expected_state: The state of the link that the person opened.

        Raises:
            StateMismatchError: the redirect is not the answer to that link; nothing was sent.
            AuthorizationError: the code is older than thirty seconds, or was used before.
        """
        return Grant(**self._native.exchange(redirect_url, expected_state).wait())

    def exchange_code(self, portal: str, code: str) -> Grant:
        """Turns a code that a person copied into a grant on `portal`.

        Raises:
            InvalidInputError: the code is for another portal.
            AuthorizationError: the code is older than thirty seconds, or was used before.
        """
        return Grant(**self._native.exchange_code(portal, code).wait())

    def grants(self) -> list[Grant]:
        """All grants of this application in the store."""
        return [Grant(**fields) for fields in self._native.grants().wait()]

    def grant(self, id: int) -> Grant:
        """One grant.

        Raises:
            UnknownGrantError: the store has no such grant.
        """
        return Grant(**self._native.grant(id).wait())

    def token(self, id: int, min_ttl: int = 60) -> Token:
        """An access token that lives at least `min_ttl` seconds more; renewed first if it must be.

        Raises:
            NeedsReauthorizationError: a person has to consent again.
        """
        token = self._native.token_sync(id, min_ttl)
        return token if token is not None else Token(**self._native.token(id, min_ttl).wait())

    def renew_token(self, id: int, generation: int) -> Token:
        """A token newer than `generation`, for one that the portal called expired. Renews only if
        that generation is still the current one.
        """
        return Token(**self._native.renew_token(id, generation).wait())

    def add_spare(self, id: int, refresh_token: str) -> Grant:
        """Keeps a refresh token that the portal delivered (a frame opening, an installation) as a
        spare chain of the grant, which takes over if the grant's own chain is lost. The token is
        proven first, by rotating it.

        Raises:
            InvalidInputError: the token was delivered before, or is another user's.
        """
        return Grant(**self._native.add_spare(id, refresh_token).wait())

    def transfer(self, id: int, code: str) -> Grant:
        """Gives the grant to another user of the same portal, who consented with this code. Its
        number stays; its rights are the other user's from then on.

        Raises:
            InvalidInputError: that user has a grant of their own, or the code is another portal's.
        """
        return Grant(**self._native.transfer(id, code).wait())

    def on_change(self, function: Callable[[Change], object]) -> Listener:
        """Calls `function` after a change of a grant is durable, on a thread of its own.

        A slow function gets the latest change of each grant. If it raises, the error is logged and
        the function is called again after a pause, with what is the newest then. The listener holds
        no program back when it ends; a forked child listens anew.
        """
        return Listener(self._native, function)

    def maintain(self) -> None:
        """One round of background work: keep-alive, renewal ahead of need, recovery of what dead
        processes left. Only needed where `background` is off.
        """
        self._native.maintain().wait()

    def next_keep_alive(self) -> Optional[KeepAlive]:
        """When keep-alive is due next; `None` where there is nothing to keep alive."""
        return _keep_alive(self._native.next_keep_alive().wait())

    def shut_down(self, deadline: Optional[float] = None) -> bool:
        """Lets no new exchange begin and waits for those under way, at most `deadline` seconds:
        unless given, for as long as one may last (165). True if all of them ended. For programs
        that were asked to stop.
        """
        return self._native.shut_down(deadline).wait()

    def close(self) -> None:
        """As `shut_down()`; so does leaving `with`."""
        self.shut_down()

    def __enter__(self) -> Application:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def release(self, id: int) -> None:
        """Releases a grant that is held because the store was restored or copied: says that this
        store is the only one in use.
        """
        self._native.release(id).wait()

    def reseal(self) -> int:
        """Seals everything with the newest version of the master key; answers how many grants it
        was.
        """
        return self._native.reseal().wait()

    def audit(self, id: int) -> list[AuditEntry]:
        """A grant's history, oldest first, proven to be whole.

        Raises:
            StoreError: an entry was changed or taken out; `context["entry"]` says which.
        """
        return [AuditEntry(**fields) for fields in self._native.audit(id).wait()]

    def client(
        self, id: int, *, rate_limit: Optional[str] = None, reserve: Optional[float] = None
    ) -> Client:
        """A client that calls the grant's portal. An unknown grant shows at the first call.

        Args:
            id: The grant.
            rate_limit: As in `Client.from_webhook`.
            reserve: As there.
        """
        return Client(self._native.client(id).paced(rate_limit, reserve), f"grant={id}")


class AsyncApplication(_Opened):
    """`Application` for asyncio; made by `await AsyncApplication.open(...)`."""

    def __init__(self, native: _native.Application, client_id: str) -> None:
        """Use `open`."""
        self._native = native
        self._client_id = client_id
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls,
        *,
        client_id: str,
        client_secret: str,
        store: str = "memory",
        key: Optional[str] = None,
        key_file: Optional[_Path] = None,
        authorization_server: Optional[str] = None,
        authorization_hosts: Sequence[str] = (),
        refresh_by_get: bool = False,
        spool: Optional[_Path] = None,
        rotations_per_hour: int = 3,
        rotations_per_day: int = 30,
        application_rotations_per_hour: int = 20_000,
        in_flight: int = 32,
        background: bool = True,
        retry_spent: RetrySpent = "after_oracle",
        fixed_interval: Optional[float] = None,
        rate_limit: Optional[str] = None,
        reserve: Optional[float] = None,
        clock: Optional[_native.Clock] = None,
    ) -> AsyncApplication:
        """As `Application(...)`."""
        native = await _native.Application.open(
            client_id=client_id,
            client_secret=client_secret,
            store=store,
            key=key,
            key_file=key_file,
            authorization_server=authorization_server,
            authorization_hosts=authorization_hosts,
            refresh_by_get=refresh_by_get,
            spool=spool,
            rotations_per_hour=rotations_per_hour,
            rotations_per_day=rotations_per_day,
            application_rotations_per_hour=application_rotations_per_hour,
            in_flight=in_flight,
            background=background,
            retry_spent=retry_spent,
            fixed_interval=fixed_interval,
            rate_limit=rate_limit,
            reserve=reserve,
            clock=clock,
        ).start()
        return cls(native, client_id)

    async def exchange(self, redirect_url: str, *, expected_state: str) -> Grant:
        """As `Application.exchange`. Runs to its end even if it is cancelled."""
        return Grant(**await self._native.exchange(redirect_url, expected_state).start())

    async def exchange_code(self, portal: str, code: str) -> Grant:
        """As `Application.exchange_code`. Runs to its end even if it is cancelled."""
        return Grant(**await self._native.exchange_code(portal, code).start())

    async def grants(self) -> list[Grant]:
        """As `Application.grants`."""
        return [Grant(**fields) for fields in await self._native.grants().start()]

    async def grant(self, id: int) -> Grant:
        """As `Application.grant`."""
        return Grant(**await self._native.grant(id).start())

    async def token(self, id: int, min_ttl: int = 60) -> Token:
        """As `Application.token`. A renewal runs to its end even if this is cancelled."""
        token = self._native.token_sync(id, min_ttl)
        return (
            token if token is not None else Token(**await self._native.token(id, min_ttl).start())
        )

    async def renew_token(self, id: int, generation: int) -> Token:
        """As `Application.renew_token`. A renewal runs to its end even if this is cancelled."""
        return Token(**await self._native.renew_token(id, generation).start())

    async def add_spare(self, id: int, refresh_token: str) -> Grant:
        """As `Application.add_spare`. Runs to its end even if it is cancelled."""
        return Grant(**await self._native.add_spare(id, refresh_token).start())

    async def transfer(self, id: int, code: str) -> Grant:
        """As `Application.transfer`. Runs to its end even if it is cancelled."""
        return Grant(**await self._native.transfer(id, code).start())

    def changes(self) -> AsyncChanges:
        """Changes of this application's grants from now on, each told after it is durable:
        `async for change in app.changes()`. A slow reader gets the latest change of each grant.
        """
        return AsyncChanges(self._native)

    def on_change(
        self, function: Callable[[Change], Union[Awaitable[object], object]]
    ) -> asyncio.Task[None]:
        """As `Application.on_change`, on the running event loop; `function` may be a coroutine
        function. Cancel the task to stop.
        """
        task = asyncio.get_running_loop().create_task(call_back(self.changes(), function))
        # The loop itself holds tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def maintain(self) -> None:
        """As `Application.maintain`."""
        await self._native.maintain().start()

    async def next_keep_alive(self) -> Optional[KeepAlive]:
        """As `Application.next_keep_alive`."""
        return _keep_alive(await self._native.next_keep_alive().start())

    async def shut_down(self, deadline: Optional[float] = None) -> bool:
        """As `Application.shut_down`."""
        return await self._native.shut_down(deadline).start()

    async def close(self) -> None:
        """As `shut_down()`; so does leaving `async with`. Ends the tasks of `on_change`."""
        await self.shut_down()
        for task in list(self._tasks):
            task.cancel()

    async def __aenter__(self) -> AsyncApplication:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes it."""
        await self.close()

    async def release(self, id: int) -> None:
        """As `Application.release`."""
        await self._native.release(id).start()

    async def reseal(self) -> int:
        """As `Application.reseal`."""
        return await self._native.reseal().start()

    async def audit(self, id: int) -> list[AuditEntry]:
        """As `Application.audit`."""
        return [AuditEntry(**fields) for fields in await self._native.audit(id).start()]

    def client(
        self, id: int, *, rate_limit: Optional[str] = None, reserve: Optional[float] = None
    ) -> AsyncClient:
        """As `Application.client`."""
        return AsyncClient(self._native.client(id).paced(rate_limit, reserve), f"grant={id}")


def _keep_alive(times: Optional[tuple[int, int]]) -> Optional[KeepAlive]:
    return None if times is None else KeepAlive(*times)
