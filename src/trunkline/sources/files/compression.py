"""File formats, recognized by a file's first bytes and never by its name: gzip, zstd, Snappy, ZIP, plain text.

A damaged or truncated stream gives everything that can be decoded, then ends with `damage` set. How much that is
depends on the bytes alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

from trunkline import limits
from trunkline.sources.files import snappy
from trunkline.sources.files.containers import ZIP_MAGIC, FormatError, HadoopSnappy, Read, SnappyFrames, Zip, salvage

if TYPE_CHECKING:
    import zstandard

HEAD_BYTES: Final = 16
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_GZIP_STEP: Final = 64 * 1024
# zstd has no bound on the output of one call: 1 KiB of input decodes to 33 MB at the very most.
_ZSTD_STEP: Final = 1024
_READ_BYTES: Final = 256 * 1024


class Decoder(Protocol):
    """A stream of decoded bytes. `read(n)` gives some, b"" at the end; `damage` says why it ended early."""

    @property
    def damage(self) -> str | None:
        """Why the stream ended early; None while nothing is known to be wrong."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, about `size` of them."""


_REFUSED: Final[Mapping[bytes, str]] = {
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"PAR1": "a Parquet file",
    b"PARE": "an encrypted Parquet file",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Office document (such as an .xls workbook)",
    b"%PDF-": "a PDF document",
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a WAV or another RIFF file",
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x04\x22\x4d\x18": "an LZ4 file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3\x00": "a SQLite database",
    b"Salted__": "a file encrypted by OpenSSL",
    b"age-encryption.org": "a file encrypted by age",
    b"-----BEGIN PGP": "a file encrypted by PGP",
    b"\x85\x01": "a file encrypted by PGP",
    b"\x85\x02": "a file encrypted by PGP",
    b"\x00\x00\xfe\xff": "UTF-32 text",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"{\x00": "UTF-16 text",
    b"[\x00": "UTF-16 text",
    b"\x00{": "UTF-16 text",
    b"\x00[": "UTF-16 text",
}
"""Leading bytes of formats that are refused. None of them begins JSON text in UTF-8."""


def is_compressed(head: bytes) -> bool:
    """Whether the first `HEAD_BYTES` bytes of a file are those of a compressed one."""
    return _kind(head) is not None


def _kind(head: bytes) -> type[_Gzip | _Zstd | SnappyFrames | HadoopSnappy | Zip] | None:
    if head.startswith(_GZIP):
        return _Gzip
    if head.startswith(_ZSTD):
        return _Zstd
    if head.startswith(snappy.FRAMED_MAGIC):
        return SnappyFrames
    if head.startswith(ZIP_MAGIC):
        return Zip
    return HadoopSnappy if snappy.is_hadoop(head) else None


def decoder(head: bytes, read: Read, depth: int = 0) -> Decoder:
    """The decoded stream of a file whose first bytes are `head`; `read` gives the bytes after these.

    Compression within compression is undone too. Raises FormatError for what is neither text nor compressed text.
    """
    kind = _kind(head)
    if kind is not None and depth < limits.COMPRESSION_DEPTH_MAX:
        return _Nested(kind(head, read), depth + 1)
    for magic, name in _REFUSED.items():
        if head.startswith(magic):
            raise FormatError(name)
    return Plain(head, read)


class _Nested:
    """A decoded stream that may be compressed once more, which its own first bytes say."""

    def __init__(self, outer: Decoder, depth: int) -> None:
        self._outer, self._depth = outer, depth
        self._inner: Decoder | None = None

    @property
    def damage(self) -> str | None:
        """Why the stream ended early, inside or outside."""
        return self._outer.damage or (self._inner.damage if self._inner is not None else None)

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        if self._inner is None:
            head = self._outer.read(size)
            while len(head) < HEAD_BYTES and (more := self._outer.read(size)):
                head += more
            self._inner = decoder(head, self._outer.read, self._depth)
        return self._inner.read(size)


class Plain:
    """Bytes as they are stored."""

    damage: str | None

    def __init__(self, head: bytes, read: Read) -> None:
        self._head, self._read, self.damage = head, read, None

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
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
            return salvage(before, data)
        self._input = member.unconsumed_tail
        if member.eof:
            self._input, self._member = member.unused_data, None
        return decoded


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
