"""Files on their way to the portal and back."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO, Callable, NamedTuple, Optional, TypeVar, Union

from evergrant import _native
from evergrant.parameters import refusal

Upload = Union[str, "os.PathLike[str]", tuple[str, bytes]]
"""A path; or a name and the content, such as a `File`."""

Target = Union[str, "os.PathLike[str]", BinaryIO]
"""A path; or anything that bytes can be written to."""

FileProgress = Callable[[int, Optional[int]], object]
"""Called with the bytes so far and the size, if it is known."""


UploadProgress = Callable[[int, int], object]
"""Called with the bytes so far and the size."""

_Listener = TypeVar("_Listener", bound=Callable[..., object])


class File(NamedTuple):
    """A file to be given to a method. Methods want it in different shapes."""

    name: str
    """Its name, as people see it."""
    content: bytes
    """What is in it."""

    def base64(self) -> str:
        """The content alone, for methods that take the name beside it."""
        return base64.b64encode(content_of(self)[1]).decode()

    def pair(self) -> list[str]:
        """`[name, base64]`: fields of lists and tasks, `fileContent` of the drive. A field for
        several files takes a list of such pairs.
        """
        return [self.name, self.base64()]

    def file_data(self) -> dict[str, list[str]]:
        """`{"fileData": [name, base64]}`: fields of leads, deals, contacts and companies."""
        return {"fileData": self.pair()}


def content_of(file: Upload) -> tuple[str, bytes]:
    """A file's name and content.

    Raises:
        InvalidInputError: this is neither a path nor a pair of name and content.
        OSError: the file cannot be read.
    """
    if isinstance(file, tuple):
        if len(file) == 2 and isinstance(file[0], str) and isinstance(file[1], (bytes, bytearray)):
            return file[0], bytes(file[1])
    elif isinstance(file, (str, os.PathLike)):
        with open(file, "rb") as stream:
            return os.path.basename(os.fspath(file)), stream.read()
    raise refusal(
        "file", "is neither a path nor a name with bytes", 'Give ("a.pdf", content) or a path.'
    )


def heard(progress: Optional[_Listener]) -> Optional[_Listener]:
    """Who hears how far a file is.

    Raises:
        InvalidInputError: this is not a function.
    """
    if progress is None or callable(progress):
        return progress
    raise refusal("progress", "is not a function", "Give a function of bytes and size.")


@contextlib.contextmanager
def sending(native: _native.Upload) -> Iterator[None]:
    """Until the portal has said what became of an upload; whatever else ends this, cancels it."""
    try:
        yield
    except BaseException:
        native.abort()
        raise


class Sink:
    """Where a download goes."""

    def __init__(
        self, stream: BinaryIO, native: _native.Download, progress: Optional[FileProgress]
    ) -> None:
        """Writes to `stream`."""
        self.received = 0
        self._stream = stream
        self._size = native.size
        self._progress = progress

    def take(self, chunk: Optional[bytes]) -> bool:
        """Writes a part; false at the end."""
        if chunk is None:
            return False
        self._stream.write(chunk)
        self.received += len(chunk)
        if self._progress is not None:
            self._progress(self.received, self._size)
        return True


@contextlib.contextmanager
def opened(target: Target) -> Iterator[BinaryIO]:
    """A stream to write to. A path gets its file once that is whole, and never a part of it."""
    if not isinstance(target, (str, os.PathLike)):
        if not callable(getattr(target, "write", None)):
            raise refusal("to", "is neither a path nor a stream", "Give a path.")
        yield target
        return
    path = os.fspath(target)
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "wb") as stream:
            yield stream
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        raise
