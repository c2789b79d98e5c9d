"""The blocking and the asyncio face of the package, as one."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any, Callable, Union

from evergrant import Application, AsyncApplication, AsyncClient, AsyncItems, Client, Items

AnyApplication = Union[Application, AsyncApplication]
AnyClient = Union[Client, AsyncClient]
AnyRows = Union[Items, AsyncItems]


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

    async def rows(self, rows: AnyRows) -> list[Any]:
        """All rows of a list."""
        assert isinstance(rows, Items)
        read: list[Any] = await self.run(lambda: list(rows))
        return read

    async def page(self, rows: AnyRows) -> list[Any]:
        """The first page of a list."""
        assert isinstance(rows, Items)
        page: list[Any] = await self.run(lambda: next(rows.pages()))
        return page


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

    async def rows(self, rows: AnyRows) -> list[Any]:
        """All rows of a list."""
        assert isinstance(rows, AsyncItems)
        return [row async for row in rows]

    async def page(self, rows: AnyRows) -> list[Any]:
        """The first page of a list."""
        assert isinstance(rows, AsyncItems)
        async for page in rows.pages():
            return page
        raise AssertionError("the list has no page")


FACES: dict[str, type[Union[Blocking, Asyncio]]] = {"python": Blocking, "python-async": Asyncio}
"""The languages of the report."""
