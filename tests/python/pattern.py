"""Patterns of the scenarios: what must be in a value, not what may be besides."""

from __future__ import annotations

from typing import Any, Callable, Optional

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$contains": lambda wanted, value: isinstance(value, str) and wanted in value,
    "$min": lambda wanted, value: _is_number(value) and value >= wanted,
    "$min_length": lambda wanted, value: isinstance(value, str) and len(value) >= wanted,
    "$not": lambda wanted, value: mismatch(wanted, value) is not None,
}


def mismatch(pattern: Any, value: Any, path: str = "value") -> Optional[str]:
    """Says where `value` does not match `pattern`; `None` where it does."""
    if pattern == "$any":
        return None
    differs = f"{path}: want {pattern!r}, got {value!r}"
    if isinstance(pattern, dict):
        for name, wanted in pattern.items():
            if name in OPERATORS:
                return None if OPERATORS[name](wanted, value) else differs
            found = value.get(name) if isinstance(value, dict) else None
            # A counter that counted nothing may be absent.
            if found is None and _is_number(wanted) and wanted == 0:
                continue
            difference = mismatch(wanted, found, f"{path}.{name}")
            if difference:
                return difference
        return None
    if isinstance(pattern, list):
        if not isinstance(value, list) or len(value) != len(pattern):
            return differs
        pairs = enumerate(zip(pattern, value))
        differences = (mismatch(wanted, got, f"{path}[{index}]") for index, (wanted, got) in pairs)
        return next((difference for difference in differences if difference), None)
    same_type = type(pattern) is type(value) or (_is_number(pattern) and _is_number(value))
    return None if same_type and pattern == value else differs


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
