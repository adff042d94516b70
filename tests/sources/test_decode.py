"""Compression is told by content, and damage never loses what could be decoded nor goes unnoticed."""

from __future__ import annotations

import gzip
import io
import json
import random

import pytest
import zstandard

from trunkline.sources.files.compression import HEAD_BYTES, decoder, is_compressed

LINES = [json.dumps({"ContactId": str(n), "a": random.Random(n).random()}) for n in range(40)]
TEXT = "".join(LINES).encode()


def decoded(data: bytes, chunk: int = 1 << 20, size: int = 1 << 20) -> tuple[bytes, str | None]:
    """Everything that comes out of a stored file, and the damage."""
    raw = io.BytesIO(data)
    stream = decoder(raw.read(HEAD_BYTES), lambda n: raw.read(min(n, chunk)))
    out = b""
    while more := stream.read(size):
        out += more
    assert stream.read(size) == b""
    return out, stream.damage


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


@pytest.mark.parametrize("pack", [gzip.compress, zstd, bytes], ids=["gzip", "zstd", "plain"])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_members_back_to_back_are_one_text(pack: object, chunk: int) -> None:
    """Several gzip members or zstd frames, an empty one among them, read as one, in any chunks."""
    assert callable(pack)
    stored = pack(TEXT) + pack(b"") + pack(TEXT)
    assert is_compressed(stored[:HEAD_BYTES]) == (pack is not bytes)
    assert decoded(stored, chunk, 1000) == (TEXT * 2, None)


def test_padding_after_a_member_is_no_damage() -> None:
    """Gzip itself ignores zero bytes there; anything else is damage."""
    assert decoded(gzip.compress(TEXT) + b"\0" * 512) == (TEXT, None)
    out, damage = decoded(gzip.compress(TEXT) + b"junk")
    assert out == TEXT
    assert damage is not None


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_stream_cut_at_any_byte_gives_what_is_there_and_says_so(pack: object) -> None:
    """Cut anywhere after its magic number: a prefix of the text, damage told, and the same in any chunks."""
    assert callable(pack)
    stored = pack(TEXT)
    for cut in range(HEAD_BYTES, len(stored)):
        out, damage = decoded(stored[:cut])
        assert TEXT.startswith(out)
        assert damage is not None
        assert "cut short" in damage
        assert decoded(stored[:cut], 5, 100) == (out, damage)
    assert len(decoded(stored[:-1])[0]) == len(TEXT)


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_flipped_byte_keeps_what_came_before(pack: object) -> None:
    """Damage in the middle is told; what is decoded does not depend on how the bytes were read."""
    assert callable(pack)
    noise = random.Random(5).randbytes(300_000)
    stored = bytearray(pack(noise))
    stored[len(stored) * 3 // 4] ^= 0xFF
    out, damage = decoded(bytes(stored))
    assert damage is not None
    assert len(out) > 100_000
    assert out[:100_000] == noise[:100_000]
    assert decoded(bytes(stored), 997, 4096) == (out, damage)


def test_a_bomb_comes_in_small_pieces() -> None:
    """What one read gives is bounded, however well the text compresses."""
    raw = io.BytesIO(zstd(b"a" * 100_000_000))
    stream = decoder(raw.read(HEAD_BYTES), raw.read)
    assert 0 < max(len(stream.read(1 << 20)) for _ in range(3)) < 40_000_000
    raw = io.BytesIO(gzip.compress(b"a" * 10_000_000))
    stream = decoder(raw.read(HEAD_BYTES), raw.read)
    assert len(stream.read(1 << 20)) == 1 << 20
