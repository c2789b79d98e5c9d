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
from evergrant import changes as _changes
from evergrant.application import Application, AsyncApplication
from evergrant.changes import AsyncChanges, Listener
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
from evergrant.grants import (
    AuditEntry,
    AuthorizeLink,
    Change,
    Grant,
    KeepAlive,
    Statistics,
    Token,
)

__version__ = _native.VERSION

__all__ = [
    "Application",
    "AsyncApplication",
    "AsyncChanges",
    "AsyncClient",
    "AsyncRows",
    "AuditEntry",
    "AuthorizationError",
    "AuthorizeLink",
    "BatchResult",
    "Change",
    "Client",
    "EvergrantError",
    "Grant",
    "InternalError",
    "InvalidInputError",
    "KeepAlive",
    "Listener",
    "NeedsReauthorizationError",
    "NetworkError",
    "OperationCancelledError",
    "RateLimitError",
    "RestError",
    "Rows",
    "StateMismatchError",
    "Statistics",
    "StoreError",
    "Token",
    "UnexpectedAnswerError",
    "UnknownGrantError",
    "__version__",
]

# Our threads must be out of Python before the interpreter is taken down; the last registered is
# called first.
_atexit.register(_native.close)
_atexit.register(_changes.close_all)
