"""Applications and their grants, blocking and for asyncio."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Optional, Union

from evergrant import _native
from evergrant.client import AsyncClient, Client
from evergrant.grants import AuthorizeLink, Grant, Token

_Path = Union[str, "os.PathLike[str]"]


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
    ) -> None:
        """Opens the store, and finishes what an earlier process left half done.

        Args:
            client_id: From the application's card on the portal.
            client_secret: From the same card.
            store: `memory`, or `sqlite:<path>`.
            key: The master key that seals the store: 64 hexadecimal digits, or base64. Without
                `key` and `key_file`: `EVERGRANT_KEY`, else the file that `EVERGRANT_KEY_FILE`
                names, else `<store>.key`, which is made with a new store.
            key_file: A file with the master key.
            authorization_server: Where it is not the vendor's default.
            authorization_hosts: Hosts besides the vendor's that may receive secrets.
            refresh_by_get: Sends token requests by GET, for a proxy that refuses POST.

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
        return Token(**self._native.token(id, min_ttl).wait())

    def renew_token(self, id: int, generation: int) -> Token:
        """A token newer than `generation`, for one that the portal called expired. Renews only if
        that generation is still the current one.
        """
        return Token(**self._native.renew_token(id, generation).wait())

    def client(self, id: int) -> Client:
        """A client that calls the grant's portal. An unknown grant shows at the first call."""
        return Client(self._native.client(id), f"grant={id}")


class AsyncApplication(_Opened):
    """`Application` for asyncio; made by `await AsyncApplication.open(...)`."""

    def __init__(self, native: _native.Application, client_id: str) -> None:
        """Use `open`."""
        self._native = native
        self._client_id = client_id

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
        return Token(**await self._native.token(id, min_ttl).start())

    async def renew_token(self, id: int, generation: int) -> Token:
        """As `Application.renew_token`. A renewal runs to its end even if this is cancelled."""
        return Token(**await self._native.renew_token(id, generation).start())

    def client(self, id: int) -> AsyncClient:
        """As `Application.client`."""
        return AsyncClient(self._native.client(id), f"grant={id}")
