"""A file from its stored bytes to a decoded stream: local or in S3, compressed or not, from any byte on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Final, Protocol

from trunkline.aws import s3 as s3_client
from trunkline.aws.clients import make_client
from trunkline.errors import SourceChangedError
from trunkline.objects.model import Object
from trunkline.sources.files.compression import Decoder, Plain, decoder, is_compressed
from trunkline.sources.files.framing import BLOCK_BYTES
from trunkline.sources.files.listing import SourceFile, unreadable, version_of
from trunkline.sources.files.tables.encodings import Transcoded, encoding_of
from trunkline.sources.files.tables.excel import ExcelText, is_workbook
from trunkline.sources.files.tables.parquet import PARQUET_MAGIC, ParquetText

# Enough for the magic of any format, and for the name of a ZIP file's first member.
_HEAD_BYTES: Final = 64


class RawFile(Protocol):
    """The stored bytes of one version of one file."""

    def seek(self, position: int) -> None:
        """Continue at byte `position`."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end."""

    def check(self) -> None:
        """Raises SourceChangedError unless the file is still the listed version."""

    def close(self) -> None:
        """Close it."""


@contextmanager
def opened(file: SourceFile, start: int, client: Any, obj: Object | None = None) -> Iterator[tuple[RawFile, Decoder]]:
    """The stored and the decoded bytes of a file, the latter from byte `start` on.

    With an object, Parquet files and Excel workbooks are JSON texts, one a line, and text in another encoding is UTF-8.
    Raises FormatError for what cannot be read.
    """
    raw: RawFile = _Local(file) if not file.uri.startswith("s3://") else _s3_raw(file, client)
    try:
        head = b""
        while len(head) < _HEAD_BYTES and (more := raw.read(_HEAD_BYTES - len(head) if start else BLOCK_BYTES)):
            head += more
        made = _made(head, raw.read, obj)
        if made is None and start and not is_compressed(head):
            raw.seek(start)
            yield raw, decoder(b"", raw.read)
        else:
            yield raw, _skipped(made or decoder(head, raw.read), start)
    finally:
        raw.close()


def _made(head: bytes, read: Callable[[int], bytes], obj: Object | None) -> Decoder | None:
    """The stream of a file whose stored bytes are made into others; None for one that is read as it is."""
    if obj is None:
        return None
    if head.startswith(PARQUET_MAGIC):
        return ParquetText(head, read, obj)
    if is_workbook(head):
        return ExcelText(head, read, obj)
    encoding = encoding_of(head, obj)
    return Transcoded(Plain(head, read), encoding) if encoding else None


def _skipped(stream: Decoder, size: int) -> Decoder:
    """The stream without its first `size` bytes."""
    while size > 0 and (data := stream.read(BLOCK_BYTES)):
        size -= len(data)
        if size < 0:
            return After(data[size:], stream)
    return stream


class After:
    """A stream with bytes put back before it."""

    def __init__(self, first: bytes, stream: Decoder) -> None:
        self._first, self._stream = first, stream

    @property
    def damage(self) -> str | None:
        """Why the stream ended early."""
        return self._stream.damage

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        if self._first:
            first, self._first = self._first, b""
            return first
        return self._stream.read(size)


def _s3_raw(file: SourceFile, client: Any) -> s3_client.S3Raw:
    return s3_client.S3Raw(client or make_client("s3"), file.uri, file.version)


class _Local:
    """A local file that must stay the version that was listed."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        try:
            self._io: IO[bytes] = open(file.uri, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        except FileNotFoundError as error:
            raise changed(file.uri, file.version) from error
        except OSError as error:
            raise unreadable(file.uri, error) from error
        self.check()

    def seek(self, position: int) -> None:
        """Continue at byte `position`."""
        self._io.seek(position)

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end."""
        try:
            return self._io.read(size)
        except OSError as error:
            raise unreadable(self._file.uri, error) from error

    def check(self) -> None:
        """Raises SourceChangedError unless the file is still the listed version."""
        if version_of(os.fstat(self._io.fileno())) != self._file.version:
            self._io.close()
            raise changed(self._file.uri, self._file.version)

    def close(self) -> None:
        """Close the file."""
        self._io.close()


def changed(uri: str, version: str) -> SourceChangedError:
    """The error for a file that is no longer the version that was listed or planned."""
    return SourceChangedError(
        f"{uri} is no longer the version {version} that was listed or planned: wait until nothing writes to it, "
        "then run the same command again."
    )
