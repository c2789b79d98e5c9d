"""References: values that earlier commands of a batch will have brought."""

from __future__ import annotations

from typing import Union


class Reference:
    """A value that an earlier command of the same batch brings; made by `ref`.

    `ref("lead")["ID"]` is a field, `ref("found")[0]["ID"]` a field of the first row.
    """

    __slots__ = ("_each", "_keys", "_name")

    def __init__(self, name: str, keys: tuple[str, ...] = (), each: bool = False) -> None:
        """Use `ref`."""
        self._name = name
        self._keys = keys
        self._each = each

    @property
    def name(self) -> str:
        """The command's name."""
        return self._name

    @property
    def is_each(self) -> bool:
        """Whether it stands for a field of every item."""
        return self._each

    def __getitem__(self, key: Union[str, int]) -> Reference:
        """A field, or an element of a list by its number from 0."""
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            raise TypeError(f"a reference goes on with a text or a number, not {key!r}")
        return Reference(self._name, (*self._keys, str(key)), self._each)

    # Otherwise a reference would look like an endless sequence.
    __iter__ = None

    def each(self, field: str) -> Reference:
        """One field of every item, as a list. In batches of REST 3.0 only."""
        return Reference(self._name, (*self._keys, field), True)

    def text(self) -> str:
        """As the batch of REST 2 writes it."""
        return f"$result[{self._name}]" + "".join(f"[{key}]" for key in self._keys)

    def path(self) -> dict[str, str]:
        """As the batch of REST 3.0 writes it."""
        word = "$refArray" if self._each else "$ref"
        return {word: ".".join((self._name, *self._keys))}

    def __repr__(self) -> str:
        """As it was made, nearly."""
        return f"<reference {self.text()}>"


def ref(name: str) -> Reference:
    """What the command of that name brings, for the parameters of a later command of the batch."""
    return Reference(name)
