"""The blocking and the asyncio face of the package, as one."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any, Callable, Union

from evergrant import Application, AsyncApplication, AsyncClient, Client

AnyApplication = Union[Application, AsyncApplication]
AnyClient = Union[Client, AsyncClient]


class Blocking:
    """Calls run on threads, so that many can run together."""

    _threads = concurrent.futures.ThreadPoolExecutor(64)

    async def run(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """The result of a method of an application or client."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*args, **named))

    async def open(self, **settings: Any) -> AnyApplication:
        """A new application."""
        application: Application = await self.run(Application, **settings)
        return application

    def webhook(self, url: str) -> AnyClient:
        """A client over a webhook."""
        return Client.from_webhook(url)

    async def rows(self, client: AnyClient, method: str, params: Any) -> list[Any]:
        """All rows of a list method."""
        assert isinstance(client, Client)
        rows: list[Any] = await self.run(lambda: list(client.list(method, params)))
        return rows


class Asyncio:
    """Calls run on the event loop."""

    async def run(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """The result of a method of an application or client."""
        return await function(*args, **named)

    async def open(self, **settings: Any) -> AnyApplication:
        """A new application."""
        return await AsyncApplication.open(**settings)

    def webhook(self, url: str) -> AnyClient:
        """A client over a webhook."""
        return AsyncClient.from_webhook(url)

    async def rows(self, client: AnyClient, method: str, params: Any) -> list[Any]:
        """All rows of a list method."""
        assert isinstance(client, AsyncClient)
        return [row async for row in client.list(method, params)]


FACES: dict[str, type[Union[Blocking, Asyncio]]] = {"python": Blocking, "python-async": Asyncio}
"""The languages of the report."""
