"""Snappy as Firehose writes it: the framing format, and Hadoop's blocks. Decoded here, since no wheel we need has it.

Source: google/snappy, format_description.txt and framing_format.txt; Hadoop's BlockCompressorStream.
"""

from __future__ import annotations

import struct
from functools import cache

from trunkline import limits

FRAMED_MAGIC = b"\xff\x06\x00\x00sNaPpY"
_COMPRESSED, _PLAIN, _IDENTIFIER = 0x00, 0x01, 0xFF
_SKIPPABLE_FROM = 0x80
_CRC_BYTES = 4


class SnappyError(ValueError):
    """The bytes are not Snappy's."""


def decompress(block: bytes) -> bytes:
    """A raw Snappy block. Raises SnappyError where it is damaged."""
    try:
        size, at = _varint(block, 0)
        out = bytearray()
        while at < len(block):
            at = _element(block, at, out)
            if len(out) > size:
                raise SnappyError("a block is longer than it says")
    except IndexError:
        raise SnappyError("a block ends within an element") from None
    if len(out) != size:
        raise SnappyError("a block is shorter than it says")
    return bytes(out)


def _element(block: bytes, at: int, out: bytearray) -> int:
    """Append a literal or a copy to `out`; returns where the next element begins."""
    tag = block[at]
    kind, at = tag & 3, at + 1
    if kind == 0:
        size = tag >> 2
        if size >= 60:
            extra = size - 59
            size, at = int.from_bytes(block[at : at + extra], "little"), at + extra
        end = at + size + 1
        if end > len(block):
            raise SnappyError("a block ends within a literal")
        out += block[at:end]
        return end
    if kind == 1:
        size, offset, at = 4 + (tag >> 2 & 7), tag >> 5 << 8 | block[at], at + 1
    else:
        width = 2 if kind == 2 else 4
        size, offset, at = (tag >> 2) + 1, int.from_bytes(block[at : at + width], "little"), at + width
    start = len(out) - offset
    if offset == 0 or start < 0 or at > len(block):
        raise SnappyError("a copy points before the block's start")
    piece = out[start : start + size]
    out += piece if offset >= size else (piece * (size // offset + 1))[:size]
    return at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 28:
            raise SnappyError("a block's length has too many digits")


def is_hadoop(head: bytes) -> bool:
    """Whether a file's first bytes are a block of Hadoop's: its length, the length of a chunk, the chunk's own length.

    Nothing else begins so: the first byte is 0, which no text has.
    """
    if len(head) < 9 or head[0] != 0 or head[4] != 0:
        return False
    block, chunk = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    try:
        size, _ = _varint(head[8:13] + b"\0", 0)
    except SnappyError:
        return False
    return 0 < size <= block <= limits.SNAPPY_BLOCK_BYTES_MAX and 0 < chunk <= block + block // 6 + 32


def framed_chunk(kind: int, body: bytes) -> bytes:
    """What one chunk of the framing format gives. Raises SnappyError where it is damaged or of an unknown kind."""
    if kind in (_COMPRESSED, _PLAIN):
        data = decompress(body[_CRC_BYTES:]) if kind == _COMPRESSED else body[_CRC_BYTES:]
        if _masked_crc(data) != int.from_bytes(body[:_CRC_BYTES], "little"):
            raise SnappyError("a chunk's checksum is wrong")
        return data
    if kind < _SKIPPABLE_FROM:
        raise SnappyError(f"a chunk is of the unknown kind {kind:#04x}")
    if kind == _IDENTIFIER and body != FRAMED_MAGIC[4:]:
        raise SnappyError("a stream's identifier is wrong")
    return b""


@cache
def _crc_table() -> list[int]:
    """CRC-32C of two bytes at once."""
    bytewise = [_crc_of_byte(byte) for byte in range(256)]
    return [bytewise[bytewise[word & 0xFF] & 0xFF ^ word >> 8] ^ bytewise[word & 0xFF] >> 8 for word in range(1 << 16)]


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


def _masked_crc(data: bytes) -> int:
    table, crc = _crc_table(), 0xFFFFFFFF
    even = len(data) & ~1
    for word in struct.unpack(f"<{even // 2}H", data[:even]):
        crc = table[(crc ^ word) & 0xFFFF] ^ crc >> 16
    if len(data) > even:
        crc = crc >> 8 ^ _crc_of_byte((crc ^ data[even]) & 0xFF)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
