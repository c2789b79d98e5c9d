"""What can go wrong. Every error is an `EvergrantError`; its class says what family it is of, its
`kind` what it is exactly. No error holds a secret.
"""

from __future__ import annotations

from typing import Optional


class EvergrantError(Exception):
    """What happened, where, and what to do next: `str(error)` says all of it in one line."""

    kind: str = "internal"
    """The stable word for what went wrong, the same in every language."""
    message: str = ""
    """What happened, without the context and the advice."""
    advice: Optional[str] = None
    """What to do next, where there is something to do."""
    code: Optional[str] = None
    """The error code that Bitrix24 answered, such as `ACCESS_DENIED`."""
    status: Optional[int] = None
    """The HTTP status of the answer, if there was one."""
    retry: str = "never"
    """`never`; `safe`: nothing was executed; `if_idempotent`: it may have been executed;
    `after_reauthorization`: once a person has consented again."""
    retry_after: Optional[float] = None
    """Seconds to wait before the next try, where known."""
    context: dict[str, str]
    """Facts such as `portal`, `method`, `grant` and `field`."""
    __notes__: list[str]

    def __init__(self, text: str = "") -> None:
        """An error that shows `text`."""
        super().__init__(text)
        self.message = text
        self.context = {}

    @property
    def retryable(self) -> bool:
        """True if the same call may be sent again, whatever it does."""
        return self.retry == "safe"


class InvalidInputError(EvergrantError):
    """A value cannot be used; `context["field"]` names it."""


class StateMismatchError(EvergrantError):
    """The redirect carries another state than the one that was sent: treat it as forged."""


class UnknownGrantError(EvergrantError):
    """The store has no such grant of this application."""


class AuthorizationError(EvergrantError):
    """The authorization server refused the code, the grant or the application."""


class NeedsReauthorizationError(AuthorizationError):
    """The grant cannot be renewed: a person has to consent again."""


class RestError(EvergrantError):
    """The portal refused the call; `code` is its own error code."""


class RateLimitError(RestError):
    """The portal is asked too much; nothing was executed."""


class NetworkError(EvergrantError):
    """No answer came; `retry` says whether the call may have been executed."""


class UnexpectedAnswerError(EvergrantError):
    """The answer is not what the protocol allows, such as a page of HTML."""


class StoreError(EvergrantError):
    """The store, or the key that opens it, cannot be used."""


class OperationCancelledError(EvergrantError):
    """The work was given up before it was done."""


class InternalError(EvergrantError):
    """A defect of evergrant's own."""


FAMILIES: dict[str, type[EvergrantError]] = {
    "invalid_input": InvalidInputError,
    "state_mismatch": StateMismatchError,
    "unknown_grant": UnknownGrantError,
    "needs_reauthorization": NeedsReauthorizationError,
    "suspended": AuthorizationError,
    "invalid_grant": AuthorizationError,
    "invalid_client": AuthorizationError,
    "unauthorized": RestError,
    "access_denied": RestError,
    "method_not_found": RestError,
    "rate_limited": RateLimitError,
    "operating_limit": RateLimitError,
    "blocked": RestError,
    "rest": RestError,
    "network": NetworkError,
    "timeout": NetworkError,
    "ambiguous": NetworkError,
    "unexpected_answer": UnexpectedAnswerError,
    "store": StoreError,
    "key": StoreError,
    "cancelled": OperationCancelledError,
    "internal": InternalError,
}
"""The class of every kind."""


def from_core(
    *,
    kind: str,
    message: str,
    advice: str | None,
    code: str | None,
    status: int | None,
    retry: str,
    retry_after: float | None,
    context: list[tuple[str, str]],
    causes: list[str],
    text: str,
) -> EvergrantError:
    """The exception for an error of the core; the native module calls this."""
    error = FAMILIES.get(kind, EvergrantError)(text)
    error.kind = kind
    error.message = message
    error.advice = advice
    error.code = code
    error.status = status
    error.retry = retry
    error.retry_after = retry_after
    error.context = dict(context)
    # Python shows them under the error in a traceback, from 3.11 on (PEP 678).
    error.__notes__ = [f"caused by: {cause}" for cause in causes]
    return error
