"""Keeps Bitrix24 authorization alive, and calls the portal with a token that lives.

    import evergrant

    b24 = evergrant.Client.from_webhook("https://example.bitrix24.com/rest/1/secret/")
    b24.call("crm.lead.get", {"ID": 5})
    for lead in b24.list("crm.lead.list", {"select": ["ID", "TITLE"]}):
        ...

`Application` keeps OAuth grants; `AsyncApplication` and `AsyncClient` are the same for asyncio.
"""

import atexit as _atexit

from evergrant import _native
from evergrant.application import Application, AsyncApplication
from evergrant.client import AsyncClient, AsyncRows, BatchResult, Client, Rows
from evergrant.errors import (
    AuthorizationError,
    EvergrantError,
    InternalError,
    InvalidInputError,
    NeedsReauthorizationError,
    NetworkError,
    OperationCancelledError,
    RateLimitError,
    RestError,
    StateMismatchError,
    StoreError,
    UnexpectedAnswerError,
    UnknownGrantError,
)
from evergrant.grants import AuthorizeLink, Grant, Token

__version__ = _native.VERSION

__all__ = [
    "Application",
    "AsyncApplication",
    "AsyncClient",
    "AsyncRows",
    "AuthorizationError",
    "AuthorizeLink",
    "BatchResult",
    "Client",
    "EvergrantError",
    "Grant",
    "InternalError",
    "InvalidInputError",
    "NeedsReauthorizationError",
    "NetworkError",
    "OperationCancelledError",
    "RateLimitError",
    "RestError",
    "Rows",
    "StateMismatchError",
    "StoreError",
    "Token",
    "UnexpectedAnswerError",
    "UnknownGrantError",
    "__version__",
]

# Our thread must be out of Python before the interpreter is taken down.
_atexit.register(_native.close)
