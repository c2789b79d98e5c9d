"""Parameters of a call as JSON: their order is kept, and nothing is changed silently."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from evergrant import _native

Params = Optional[Union[Mapping[str, Any], Sequence[Any]]]
"""A mapping; a list, for methods with positional parameters; or nothing."""

_DEEPEST = 100
_INTEGERS = range(-(2**63), 2**64)


def encode(params: Params, where: str = "params") -> bytes:
    """Writes parameters. `where` is how an error names them.

    Raises:
        InvalidInputError: something in them has no place in JSON.
    """
    _check(params, where, 0)
    text = json.dumps(params, ensure_ascii=False, separators=(",", ":"), default=dict)
    return text.encode()


def encode_commands(commands: Iterable[tuple[str, Params]]) -> list[tuple[str, bytes]]:
    """Writes the commands of a batch.

    Raises:
        InvalidInputError: one of them is not a method's name with its parameters.
    """
    encoded = []
    for index, command in enumerate(commands):
        if not (isinstance(command, (tuple, list)) and len(command) == 2):
            raise _native.invalid_input(
                "commands",
                f"command {index} of the batch is not a pair of method and parameters",
                'Write it as ("crm.lead.get", {"ID": 5}).',
            )
        method, params = command
        encoded.append((method, encode(params, f"commands[{index}]")))
    return encoded


def _check(value: object, where: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise _refusal(where, "is nested too deeply", "Does it contain itself?")
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if value not in _INTEGERS:
            raise _refusal(where, "is too large an integer", "Send it as text.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _refusal(where, f"is {value}", "JSON has no such number.")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, bool) or not isinstance(key, (str, int)):
                raise _refusal(where, f"has a key of type {type(key).__name__}", "Use text.")
            _check(key, f"a key of {where}", depth)
            _check(item, f"{where}[{key!r}]", depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f"{where}[{index}]", depth + 1)
    else:
        raise _refusal(
            where,
            f"is of type {type(value).__name__}, which JSON cannot hold",
            "Send text, numbers, True, False, None, lists and dicts; a date as text.",
        )


def _check_text(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refusal(
            where, "is not valid Unicode", "Decode it with the right encoding."
        ) from None


def _refusal(where: str, what: str, advice: str) -> BaseException:
    field = "commands" if where.startswith("commands") else "params"
    return _native.invalid_input(field, f"{where} {what}", advice)
