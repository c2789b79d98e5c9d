"""Parameters of a call as JSON: their order is kept, and nothing is changed silently."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, Optional, Union

from evergrant import _native
from evergrant.references import Reference

Params = Optional[Union[Mapping[str, Any], Sequence[Any]]]
"""A mapping; a list, for methods with positional parameters; or nothing."""

Refer = Callable[[Reference, str], object]
"""Writes a reference that stands at a place; raises if it cannot stand there."""

_DEEPEST = 100
_INTEGERS = range(-(2**63), 2**64)
_LONGEST_KEY = 40


def encode(params: object, where: str = "params", refer: Optional[Refer] = None) -> bytes:
    """Writes parameters. `where` is how an error names them.

    Raises:
        InvalidInputError: something in them has no place in JSON.
    """
    refer = refer or _out_of_place
    _Check(refer).value(params, where)

    def other(value: Any) -> object:
        return refer(value, where) if isinstance(value, Reference) else dict(value)

    text = json.dumps(params, ensure_ascii=False, separators=(",", ":"), default=other)
    return text.encode()


def encode_ids(ids: Iterable[Union[int, str]]) -> list[int]:
    """Reads ids, as numbers or in the portal's own way of writing them.

    Raises:
        InvalidInputError: one of them is no id.
    """
    read = []
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise refusal("ids", f"is of type {type(ids).__name__}", "Give a list of numbers.")
    for index, id in enumerate(ids):
        digits = isinstance(id, str) and id.isascii() and id.isdigit() and len(id) < 20
        number = int(id) if digits else id
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**63:
            raise refusal(f"ids[{index}]", "is not an id", "Ids are whole numbers, such as 5.")
        read.append(number)
    return read


def refusal(where: str, what: str, advice: str) -> BaseException:
    """The error about the value at a place, whose first word is the argument's name."""
    field = where.split(".")[0].split("[")[0]
    return _native.invalid_input(field, f"{where} {what}", advice)


class _Check:
    """Walks through a value before it is written."""

    def __init__(self, refer: Refer) -> None:
        self._refer = refer
        self._around: list[int] = []

    def value(self, value: object, where: str) -> None:
        if isinstance(value, str):
            _check_text(value, where)
        elif isinstance(value, bool) or value is None:
            return
        elif isinstance(value, int):
            if value not in _INTEGERS:
                raise refusal(where, "is too large an integer", "Send it as text.")
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise refusal(where, f"is {value}", "JSON has no such number.")
        elif isinstance(value, Reference):
            self._refer(value, where)
        elif isinstance(value, (Mapping, list, tuple)):
            self._inside(value, where)
        else:
            raise refusal(
                where,
                f"is of type {type(value).__name__}, which JSON cannot hold",
                "Decode it to text; a file goes as base64."
                if isinstance(value, (bytes, bytearray, memoryview))
                else "Send text, numbers, True, False, None, lists and dicts; a date as text.",
            )

    def _inside(self, value: object, where: str) -> None:
        if id(value) in self._around:
            raise refusal(where, "contains itself", "Send a copy that does not.")
        if len(self._around) > _DEEPEST:
            raise refusal(
                f"{where[:200]}...", "is nested too deeply", f"{_DEEPEST} levels are the most."
            )
        self._around.append(id(value))
        if isinstance(value, Mapping):
            for key, item in value.items():
                self.value(item, where + _step(key, where))
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                self.value(item, f"{where}[{index}]")
        self._around.pop()


def _step(key: object, where: str) -> str:
    """How a place goes on below a key."""
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise refusal(where, f"has a key of type {type(key).__name__}", "Use text.")
    text = str(key)
    _check_text(text, where, "has a key that ")
    short = text if len(text) <= _LONGEST_KEY else f"{text[:_LONGEST_KEY]}..."
    return f".{short}" if short.isidentifier() else f"[{short!r}]"


def _check_text(text: str, where: str, what: str = "") -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise refusal(
            where, f"{what}is not valid Unicode", "Decode it with the right encoding."
        ) from None


def _out_of_place(reference: Reference, where: str) -> object:
    raise refusal(where, "is a reference, which only a batch can hold", "Use batch.")
