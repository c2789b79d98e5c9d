"""The native half of `evergrant`: private, and without rules of its own."""

from collections.abc import Awaitable, Sequence
from os import PathLike
from typing import Final, Generic, TypeAlias, TypedDict, TypeVar, final, type_check_only

from evergrant.errors import EvergrantError
from evergrant.grants import Token

__all__ = [
    "KINDS",
    "V3",
    "VERSION",
    "Application",
    "Changes",
    "Client",
    "Clock",
    "Download",
    "List",
    "Pending",
    "Upload",
    "close",
    "counters",
    "invalid_input",
    "panic_later",
    "panic_now",
]

_T = TypeVar("_T", covariant=True)

_Outcomes: TypeAlias = list[tuple[bytes | None, EvergrantError | None]]
_Entry: TypeAlias = tuple[str, bytes, str | None]
_CallSettings: TypeAlias = tuple[bool, str | None, float | None, str | None]
_ListSettings: TypeAlias = tuple[int | None, bytes | None, str, bool, str | None]
_Step: TypeAlias = tuple[list[str] | None, str | None, int | None]

KINDS: Final[tuple[str, ...]]
VERSION: Final[str]

@type_check_only
class GrantFields(TypedDict):
    id: int
    portal: str
    member_id: str
    user_id: int
    status: str
    scope: tuple[str, ...]
    generation: int
    access_expires_at: int
    refresh_expires_at: int

@type_check_only
class TokenFields(TypedDict):
    grant: int
    access_token: str
    expires_at: int
    generation: int
    client_endpoint: str
    member_id: str
    user_id: int
    scope: tuple[str, ...]

@type_check_only
class ChangeFields(TypedDict):
    grant: int
    generation: int
    status: str

@type_check_only
class AuditFields(TypedDict):
    number: int
    at: int
    event: str
    chain: int
    attempt: str
    node: str
    generation: int
    hash: str

@type_check_only
class StatisticsFields(TypedDict):
    rotations: int
    ambiguous: int
    salvaged: int
    promoted: int
    taken_over: int
    orphaned: int
    longest_confirm_to_write: float

@type_check_only
class CounterFields(TypedDict):
    calls: int
    requests: int
    refused: int
    refused_operating: int
    retried: int
    waited: int
    waited_for: float
    failed: int
    moved: int

@final
class Pending(Generic[_T]):
    def wait(self) -> _T: ...
    def start(self) -> Awaitable[_T]: ...

@final
class Application:
    @staticmethod
    def open(
        *,
        client_id: str | None,
        client_secret: str | None,
        store: str,
        key: str | None,
        key_file: str | PathLike[str] | None,
        authorization_server: str | None,
        authorization_hosts: Sequence[str],
        refresh_by_get: bool,
        spool: str | PathLike[str] | None,
        rotations_per_hour: int,
        rotations_per_day: int,
        application_rotations_per_hour: int,
        in_flight: int,
        background: bool,
        retry_spent: str,
        fixed_interval: float | None,
        rate_limit: str | None,
        reserve: float | None,
        clock: Clock | None,
    ) -> Pending[Application]: ...
    def authorize_url(self, portal: str) -> tuple[str, str]: ...
    def exchange(self, redirect_url: str, expected_state: str) -> Pending[GrantFields]: ...
    def exchange_code(self, portal: str, code: str) -> Pending[GrantFields]: ...
    def grants(self) -> Pending[list[GrantFields]]: ...
    def grant(self, grant: int) -> Pending[GrantFields]: ...
    def token(self, grant: int, min_ttl: int) -> Pending[TokenFields]: ...
    def token_sync(self, grant: int, min_ttl: int) -> Token | None: ...
    def renew_token(self, grant: int, generation: int) -> Pending[TokenFields]: ...
    def add_spare(self, grant: int, refresh_token: str) -> Pending[GrantFields]: ...
    def transfer(self, grant: int, code: str) -> Pending[GrantFields]: ...
    def changes(self) -> Changes: ...
    def maintain(self) -> Pending[None]: ...
    def next_keep_alive(self) -> Pending[tuple[int, int] | None]: ...
    def shut_down(self, deadline: float | None) -> Pending[bool]: ...
    def release(self, grant: int) -> Pending[None]: ...
    def reseal(self) -> Pending[int]: ...
    def audit(self, grant: int) -> Pending[list[AuditFields]]: ...
    def statistics(self) -> StatisticsFields: ...
    def client(self, grant: int) -> Client: ...

@final
class Changes:
    def wait(self) -> bool: ...
    def ready(self) -> Pending[bool]: ...
    def take(self) -> ChangeFields | None: ...
    def give_back(self) -> None: ...
    def close(self) -> None: ...

@final
class Clock:
    def __new__(cls) -> Clock: ...
    def turn(self, seconds: int) -> None: ...

@final
class Client:
    @staticmethod
    def from_webhook(
        url: str | None, rate_limit: str | None, reserve: float | None, moved_to: str | None
    ) -> Client: ...
    def paced(self, rate_limit: str | None, reserve: float | None) -> Client: ...
    def call(self, method: str, params: bytes, settings: _CallSettings) -> Pending[bytes]: ...
    def batch(
        self, commands: Sequence[_Entry], halt: bool, settings: _CallSettings
    ) -> Pending[_Outcomes]: ...
    def list(self, method: str, params: bytes, settings: _ListSettings) -> List: ...
    def count(self, method: str, params: bytes) -> Pending[int]: ...
    def get_by_ids(self, method: str, ids: Sequence[int], params: bytes) -> Pending[bytes]: ...
    def upload(self, method: str, params: bytes, name: str, content: bytes) -> Pending[Upload]: ...
    def download(self, url: str) -> Pending[Download]: ...
    def v3(self) -> V3: ...

@final
class V3:
    def call(self, method: str, params: bytes, settings: _CallSettings) -> Pending[bytes]: ...
    def list(self, method: str, params: bytes, paging: str | None) -> List: ...
    def aggregate(self, method: str, select: bytes, filter: bytes) -> Pending[bytes]: ...
    def batch(self, calls: Sequence[_Entry]) -> Pending[bytes]: ...

@final
class List:
    @property
    def beginning(self) -> str | None: ...
    def next_page(self) -> Pending[_Step]: ...

@final
class Download:
    @property
    def size(self) -> int | None: ...
    def chunk(self) -> Pending[bytes | None]: ...

@final
class Upload:
    @property
    def size(self) -> int: ...
    def progress(self) -> Pending[int | None]: ...
    def finish(self) -> Pending[bytes]: ...
    def abort(self) -> None: ...

def counters() -> CounterFields: ...
def invalid_input(field: str, message: str, advice: str) -> EvergrantError: ...
def close() -> None: ...
def panic_now() -> None: ...
def panic_later() -> Pending[None]: ...
