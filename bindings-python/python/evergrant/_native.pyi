"""The native half of `evergrant`: private, and without rules of its own."""

from collections.abc import Awaitable, Sequence
from os import PathLike
from typing import Final, Generic, TypeAlias, TypedDict, TypeVar, final, type_check_only

from evergrant.errors import EvergrantError
from evergrant.grants import Token

__all__ = [
    "KINDS",
    "VERSION",
    "Application",
    "Changes",
    "Client",
    "Clock",
    "List",
    "Pending",
    "close",
    "invalid_input",
    "panic_later",
    "panic_now",
]

_T = TypeVar("_T", covariant=True)
_Outcomes: TypeAlias = list[tuple[bytes | None, EvergrantError | None]]

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
    def shut_down(self, deadline: float) -> Pending[bool]: ...
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
    def from_webhook(url: str | None) -> Client: ...
    def call(self, method: str, params: bytes) -> Pending[bytes]: ...
    def batch(self, commands: Sequence[tuple[str, bytes]]) -> Pending[_Outcomes]: ...
    def list(self, method: str, params: bytes) -> List: ...

@final
class List:
    def next_page(self) -> Pending[bytes | None]: ...

def invalid_input(field: str, message: str, advice: str) -> EvergrantError: ...
def close() -> None: ...
def panic_now() -> None: ...
def panic_later() -> Pending[None]: ...
