"""How a call or a list is made, checked and as the native module takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional, SupportsFloat

from evergrant import _native
from evergrant.parameters import encode, refusal


def call_settings(
    idempotent: bool,
    priority: Optional[str],
    timeout: Optional[float],
    idempotency_key: Optional[str] = None,
) -> _native._CallSettings:
    """Reads the keyword arguments of a call.

    Raises:
        InvalidInputError: one of them is of another type.
    """
    return (
        _flag("idempotent", idempotent),
        None if priority is None else _text("priority", priority, "Give interactive or bulk."),
        None if timeout is None else _seconds(timeout),
        None
        if idempotency_key is None
        else _text("idempotency_key", idempotency_key, "Give text."),
    )


def list_settings(
    limit: Optional[int],
    order: Optional[Mapping[str, str]],
    strategy: str,
    total: bool,
    after: Optional[str],
) -> _native._ListSettings:
    """Reads the keyword arguments of a list.

    Raises:
        InvalidInputError: one of them is of another type.
    """
    is_count = isinstance(limit, int) and not isinstance(limit, bool) and 0 <= limit < 2**63
    if limit is not None and not is_count:
        raise refusal("limit", "is no number of rows", "Give a whole number, 0 or more.")
    return (
        limit,
        None if order is None else encode(order, "order"),
        _text("strategy", strategy, "Give auto, pages, after_id or ranges."),
        _flag("total", total),
        None if after is None else _text("after", after, "Give the cursor as the list gave it."),
    )


def _seconds(timeout: object) -> float:
    advice = "Give seconds, such as 30 or 0.5."
    if isinstance(timeout, bool) or not isinstance(timeout, SupportsFloat):
        raise refusal("timeout", f"is of type {type(timeout).__name__}", advice)
    try:
        return float(timeout)
    except Exception as error:
        raise refusal("timeout", "is no number of seconds", advice) from error


def _text(name: str, value: object, advice: str) -> str:
    if isinstance(value, str):
        return value
    raise refusal(name, f"is of type {type(value).__name__}", advice)


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise refusal(name, f"is of type {type(value).__name__}", "Give True or False.")
