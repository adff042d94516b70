"""Streams of ZIP files and of both kinds of Snappy, read from front to back. Damage ends a stream and is said.

Source: APPNOTE.TXT 6.3.10 (ZIP); a member's length may stand behind it, so that its own end is found by its bytes.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from trunkline import limits
from trunkline.sources.files import snappy

Read = Callable[[int], bytes]

ZIP_MAGIC: Final = b"PK\x03\x04"
_ZIP_ENDS: Final = (b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06")
_DESCRIPTOR: Final = b"PK\x07\x08"
_ENCRYPTED, _LENGTH_FOLLOWS = 0x01, 0x08
_STORED, _DEFLATED = 0, 8
_ZIP64: Final = 0xFFFFFFFF
_STEP: Final = 64 * 1024
_OFFICE: Final = ("[Content_Types].xml", "_rels/", "mimetype")


class FormatError(ValueError):
    """A file of a format that has no records for us, called by its name."""


class DamageError(ValueError):
    """The stored bytes cannot be decoded any further. `decoded` is what was decoded since the last piece."""

    def __init__(self, why: str, decoded: bytes = b"") -> None:
        super().__init__(why)
        self.decoded = decoded


class Input:
    """Stored bytes of which some can be looked at before they are taken."""

    def __init__(self, head: bytes, read: Read) -> None:
        self.buffer, self._read = head, read

    def fill(self, size: int) -> bool:
        """Whether there are this many bytes in the buffer, after reading as far as needed."""
        while len(self.buffer) < size:
            more = self._read(max(_STEP, size - len(self.buffer)))
            if not more:
                return False
            self.buffer += more
        return True

    def take(self, size: int) -> bytes:
        """The next bytes. Raises DamageError where the stream ends before."""
        if not self.fill(size):
            raise DamageError("is cut short")
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data


class Pieces:
    """A decoder over pieces that a generator gives; DamageError from it ends the stream."""

    name = ""

    def __init__(self, head: bytes, read: Read) -> None:
        self.input = Input(head, read)
        self.damage: str | None = None
        self._pieces = self.pieces()
        self._rest = b""

    def pieces(self) -> Iterator[bytes]:
        """The decoded bytes."""
        raise NotImplementedError

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end."""
        while not self._rest and self.damage is None:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return b""
            except DamageError as error:
                self.damage = f"{limits.DEAD_LETTER_REASONS['corrupt_compression']}: the {self.name} stream {error}"
                self._rest = error.decoded
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


class SnappyFrames(Pieces):
    """Snappy's framing format."""

    name = "Snappy"

    def pieces(self) -> Iterator[bytes]:
        """The data of the chunks."""
        while self.input.fill(1):
            header = self.input.take(4)
            body = self.input.take(int.from_bytes(header[1:], "little"))
            try:
                yield snappy.framed_chunk(header[0], body)
            except snappy.SnappyError as error:
                raise DamageError(f"is damaged: {error}") from error


class HadoopSnappy(Pieces):
    """Blocks as Hadoop writes them: a length, then chunks that have this length together."""

    name = "Hadoop-Snappy"

    def pieces(self) -> Iterator[bytes]:
        """The data of the chunks."""
        while self.input.fill(1):
            left = int.from_bytes(self.input.take(4), "big")
            if left > limits.SNAPPY_BLOCK_BYTES_MAX:
                raise DamageError(f"is damaged: a block of {left:,} bytes")
            while left > 0:
                size = int.from_bytes(self.input.take(4), "big")
                if size > limits.SNAPPY_BLOCK_BYTES_MAX * 2:
                    raise DamageError(f"is damaged: a chunk of {size:,} bytes")
                try:
                    data = snappy.decompress(self.input.take(size))
                except snappy.SnappyError as error:
                    raise DamageError(f"is damaged: {error}") from error
                left -= len(data)
                yield data


class Zip(Pieces):
    """The members of a ZIP file one after another, a line feed between them.

    Folders, and what macOS adds, are skipped. Raises FormatError where the first member is encrypted, compressed in
    another way than deflate, or part of an Office document.
    """

    name = "ZIP"

    def __init__(self, head: bytes, read: Read) -> None:
        super().__init__(head, read)
        try:
            name, _, flags, method = self._peek()
        except DamageError:
            return
        if name.startswith(_OFFICE):
            raise FormatError("an Office document (such as an .xlsx workbook)")
        if flags & _ENCRYPTED:
            raise FormatError("an encrypted ZIP file")
        if method not in (_STORED, _DEFLATED):
            raise FormatError(f"a ZIP file of compression method {method}")

    def _peek(self) -> tuple[str, bytes, int, int]:
        """Name, whole header, flags and method of the member that begins here."""
        if not self.input.fill(30):
            raise DamageError("is cut short")
        flags, method = struct.unpack_from("<HH", self.input.buffer, 6)
        name_size, extra_size = struct.unpack_from("<HH", self.input.buffer, 26)
        if not self.input.fill(30 + name_size + extra_size):
            raise DamageError("is cut short")
        header = self.input.buffer[: 30 + name_size + extra_size]
        return header[30 : 30 + name_size].decode("utf-8", "replace"), header, flags, method

    def pieces(self) -> Iterator[bytes]:
        """What the members hold."""
        has_text = False
        while self.input.fill(4) and self.input.buffer.startswith(ZIP_MAGIC):
            name, header, flags, method = self._peek()
            self.input.take(len(header))
            if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
                raise DamageError(f"goes on with {name!r}, which is encrypted or compressed in another way")
            is_skipped = name.endswith("/") or name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")
            if has_text and not is_skipped:
                yield b"\n"
            for data in self._member(header, flags, method):
                if not is_skipped:
                    has_text = True
                    yield data
        if not self.input.buffer.startswith(_ZIP_ENDS):
            raise DamageError("is cut short" if not self.input.fill(4) else "is damaged: a member's header is not one")
        while self.input.fill(1):
            self.input.buffer = b""

    def _member(self, header: bytes, flags: int, method: int) -> Iterator[bytes]:
        crc, packed, size = struct.unpack_from("<III", header, 14)
        if _ZIP64 in (packed, size):
            size, packed = _sizes64(header)
        if method == _STORED and flags & _LENGTH_FOLLOWS and not packed:
            raise DamageError("has a stored member without a length, which cannot be read from front to back")
        seen = 0
        for data in self._stored(packed) if method == _STORED else self._inflated():
            seen = zlib.crc32(data, seen)
            yield data
        if flags & _LENGTH_FOLLOWS:
            crc = self._descriptor(crc)
        if seen != crc:
            raise DamageError("is damaged: a member's checksum is wrong")

    def _stored(self, left: int) -> Iterator[bytes]:
        while left:
            if not self.input.fill(1):
                raise DamageError("is cut short")
            data = self.input.take(min(left, len(self.input.buffer)))
            left -= len(data)
            yield data

    def _inflated(self) -> Iterator[bytes]:
        member = zlib.decompressobj(-15)
        while not member.eof:
            if not self.input.fill(1):
                raise DamageError("is cut short", member.flush())
            before, stored = member.copy(), self.input.buffer
            try:
                data = member.decompress(stored, _STEP)
            except zlib.error as error:
                raise DamageError(f"is damaged: {error}", salvage(before, stored)) from error
            self.input.buffer = member.unused_data or member.unconsumed_tail
            yield data

    def _descriptor(self, crc: int) -> int:
        """The checksum behind a member, in one of four forms: with a mark or not, with lengths of 32 or 64 bits."""
        self.input.fill(28)
        start = 4 if self.input.buffer.startswith(_DESCRIPTOR) else 0
        for size in (start + 12, start + 20):
            if self.input.buffer[size : size + 4] in (ZIP_MAGIC, *_ZIP_ENDS):
                return int.from_bytes(self.input.take(size)[start : start + 4], "little")
        if not self.input.fill(start + 16):
            raise DamageError("is cut short")
        raise DamageError("is damaged: a member is followed by no other")


def _sizes64(header: bytes) -> tuple[int, int]:
    """Length and stored length from the extra field of ZIP64."""
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    extra = header[30 + name_size : 30 + name_size + extra_size]
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == 1 and size >= 16:
            return struct.unpack_from("<QQ", extra, 4)
        extra = extra[4 + size :]
    return 0, 0


def salvage(member: zlib._Decompress, data: bytes) -> bytes:
    """What can be decoded before the error, byte by byte: a failing call loses what it decoded."""
    decoded = bytearray()
    with contextlib.suppress(zlib.error):
        for index in range(len(data)):
            decoded += member.decompress(data[index : index + 1])
    return bytes(decoded)
