"""Keeps Bitrix24 authorization alive, and calls the portal with a token that lives.

    import evergrant

    b24 = evergrant.Client.from_webhook("https://example.bitrix24.com/rest/1/secret/")
    b24.call("crm.lead.get", {"ID": 5})
    for lead in b24.list("crm.lead.list", {"select": ["ID", "TITLE"]}):
        ...
    b24.batch([("crm.company.add", {"fields": {"TITLE": "Corezoid"}}, "company"),
               ("crm.contact.add", {"fields": {"COMPANY_ID": evergrant.ref("company")}})])

`Application` keeps OAuth grants; `AsyncApplication` and `AsyncClient` are the same for asyncio.
"""

import atexit as _atexit

from evergrant import _native
from evergrant import changes as _changes
from evergrant.application import Application, AsyncApplication
from evergrant.batches import BatchResult
from evergrant.changes import AsyncChanges, Listener
from evergrant.client import AsyncClient, Client
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
from evergrant.files import File
from evergrant.grants import (
    AuditEntry,
    AuthorizeLink,
    CallCounters,
    Change,
    Grant,
    KeepAlive,
    Statistics,
    Token,
)
from evergrant.references import Reference, ref
from evergrant.rows import AsyncItems, AsyncRows, Items, Rows
from evergrant.v3 import V3, AsyncV3

__version__ = _native.VERSION

__all__ = [
    "V3",
    "Application",
    "AsyncApplication",
    "AsyncChanges",
    "AsyncClient",
    "AsyncItems",
    "AsyncRows",
    "AsyncV3",
    "AuditEntry",
    "AuthorizationError",
    "AuthorizeLink",
    "BatchResult",
    "CallCounters",
    "Change",
    "Client",
    "EvergrantError",
    "File",
    "Grant",
    "InternalError",
    "InvalidInputError",
    "Items",
    "KeepAlive",
    "Listener",
    "NeedsReauthorizationError",
    "NetworkError",
    "OperationCancelledError",
    "RateLimitError",
    "Reference",
    "RestError",
    "Rows",
    "StateMismatchError",
    "Statistics",
    "StoreError",
    "Token",
    "UnexpectedAnswerError",
    "UnknownGrantError",
    "__version__",
    "ref",
]

# Our threads must be out of Python before the interpreter is taken down; the last registered is
# called first.
_atexit.register(_native.close)
_atexit.register(_changes.close_all)
