"""Commands of a batch on their way in, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable, Optional, Union

from evergrant import _native
from evergrant.errors import EvergrantError
from evergrant.parameters import Params, encode, refusal
from evergrant.references import Reference

Command = Union[tuple[str, Params], tuple[str, Params, Optional[str]]]
"""A method, its parameters, and the name by which later commands refer to its result."""


@dataclass(frozen=True)
class BatchResult:
    """What became of one command of a batch."""

    ok: bool
    """True if the command was executed."""
    value: Any = None
    """The command's result."""
    error: Optional[EvergrantError] = None
    """Why there is none."""


def encode_commands(
    commands: Iterable[Command], write: Callable[[Reference, str], object]
) -> list[tuple[str, bytes, Optional[str]]]:
    """Writes the commands of a batch, in which `write` writes the references.

    Raises:
        InvalidInputError: one of them is not a method's name with its parameters.
    """
    encoded: list[tuple[str, bytes, Optional[str]]] = []
    names: set[str] = set()

    def refer(reference: Reference, where: str) -> object:
        if reference.name not in names:
            raise refusal(
                where,
                f"refers to {reference.name!r}, and no command before has that name",
                'Name it: ("crm.lead.add", {...}, "lead").',
            )
        return write(reference, where)

    for index, command in enumerate(commands):
        if not (isinstance(command, (tuple, list)) and len(command) in (2, 3)):
            raise refusal(
                "commands",
                f"has at {index} what is not a method and its parameters",
                'Write it as ("crm.lead.get", {"ID": 5}), with a name behind if it needs one.',
            )
        method, params, *names_of_it = command
        name = names_of_it[0] if names_of_it else None
        encoded.append((method, encode(params, f"commands[{index}]", refer), name))
        if isinstance(name, str):
            names.add(name)
    return encoded


def as_text(reference: Reference, where: str) -> str:
    """References of REST 2."""
    if reference.is_each:
        raise refusal(
            where, "asks for a field of each item", "Batches of REST 3.0 can do that: v3.batch."
        )
    return reference.text()


def as_path(reference: Reference, _where: str) -> object:
    """References of REST 3.0."""
    return reference.path()


def results(outcomes: _native._Outcomes) -> list[BatchResult]:
    """What became of the commands."""
    return [
        BatchResult(ok=True, value=json.loads(value))
        if value is not None
        else BatchResult(ok=False, error=error)
        for value, error in outcomes
    ]
