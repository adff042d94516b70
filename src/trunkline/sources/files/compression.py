"""Compression, recognized by a file's first bytes and never by its name: gzip (many members), zstd (many frames), none.

A damaged or truncated stream gives everything that can be decoded, then ends with `damage` set. How much that is
depends on the bytes alone.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from trunkline import limits

if TYPE_CHECKING:
    import zstandard

HEAD_BYTES: Final = 4
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_GZIP_STEP: Final = 64 * 1024
# zstd has no bound on the output of one call: 1 KiB of input decodes to 33 MB at the very most.
_ZSTD_STEP: Final = 1024
_READ_BYTES: Final = 256 * 1024

Read = Callable[[int], bytes]


class Decoder(Protocol):
    """A stream of decoded bytes. `read(n)` gives some, b"" at the end; `damage` says why it ended early."""

    @property
    def damage(self) -> str | None:
        """Why the stream ended early; None while nothing is known to be wrong."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, about `size` of them."""


def is_compressed(head: bytes) -> bool:
    """Whether the first `HEAD_BYTES` bytes of a file are those of a compressed one."""
    return head.startswith((_GZIP, _ZSTD))


def decoder(head: bytes, read: Read) -> Decoder:
    """The decoded stream of a file whose first bytes are `head`; `read` gives the bytes after these."""
    if head.startswith(_GZIP):
        return _Gzip(head, read)
    if head.startswith(_ZSTD):
        return _Zstd(head, read)
    return _Plain(head, read)


class _Plain:
    damage: str | None

    def __init__(self, head: bytes, read: Read) -> None:
        self._head, self._read, self.damage = head, read, None

    def read(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._read(size)


def _damaged(why: str) -> str:
    return f"{limits.DEAD_LETTER_REASONS['corrupt_compression']}: {why}"


class _Gzip:
    def __init__(self, head: bytes, read: Read) -> None:
        self._input, self._read, self.damage = head, read, None
        self._member: zlib._Decompress | None = zlib.decompressobj(31)

    damage: str | None

    def read(self, size: int, /) -> bytes:
        while self.damage is None:
            if not self._input:
                self._input = self._read(_GZIP_STEP)
            if self._member is None:
                self._input = self._input.lstrip(b"\0")  # padding after a member, as gzip itself allows
                if self._input:
                    self._member = zlib.decompressobj(31)
                elif not self._refill():
                    return b""
                continue
            if not self._input:
                self.damage = _damaged("the gzip stream is cut short")
                return self._member.flush()
            decoded = self._step(self._member, size)
            if decoded:
                return decoded
        return b""

    def _refill(self) -> bool:
        self._input = self._read(_GZIP_STEP)
        return bool(self._input)

    def _step(self, member: zlib._Decompress, size: int) -> bytes:
        before = member.copy()
        data = self._input
        try:
            decoded = member.decompress(data, size)
        except zlib.error as error:
            self.damage = _damaged(f"gzip says {error}")
            return _salvage(before, data)
        self._input = member.unconsumed_tail
        if member.eof:
            self._input, self._member = member.unused_data, None
        return decoded


def _salvage(member: zlib._Decompress, data: bytes) -> bytes:
    """What can be decoded before the error, byte by byte: a failing call loses what it decoded."""
    decoded = bytearray()
    with contextlib.suppress(zlib.error):
        for index in range(len(data)):
            decoded += member.decompress(data[index : index + 1])
    return bytes(decoded)


class _Zstd:
    damage: str | None

    def __init__(self, head: bytes, read: Read) -> None:
        self._input, self._read, self.damage, self._is_eof = head, read, None, False
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def read(self, size: int, /) -> bytes:
        import zstandard

        while self.damage is None:
            # Steps end at fixed offsets, so that what a failing call loses does not depend on the reads.
            while len(self._input) < _ZSTD_STEP and not self._is_eof:
                more = self._read(_READ_BYTES)
                self._input += more
                self._is_eof = not more
            if not self._input:
                if self._frame is not None:
                    self.damage = _damaged("the zstd stream is cut short")
                return b""
            step, self._input = self._input[:_ZSTD_STEP], self._input[_ZSTD_STEP:]
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            try:
                decoded = self._frame.decompress(step)
            except zstandard.ZstdError as error:
                self.damage = _damaged(str(error))
                return b""
            if self._frame.eof:
                self._input = self._frame.unused_data + self._input
                self._frame = None
            if decoded:
                return decoded
        return b""
