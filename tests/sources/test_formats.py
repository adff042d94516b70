"""A file is read by what it holds, whatever its name: every packing people use, and a true name for what is no text."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from homes import NARROW, jsonl, letters, load_into, narrow, opened, table, totals
from packed import hadoop_snappy, snappy_block, snappy_frames, zipped

from trunkline.pipelines.jobs.load import load_stream
from trunkline.sources.files import snappy
from trunkline.sources.files.compression import HEAD_BYTES, decoder
from trunkline.sources.files.containers import FormatError

RECORDS = [narrow(f"k{number:03}", Score=number) for number in range(40)]
TEXT = jsonl(RECORDS)
HALVES = {"a.json": jsonl(RECORDS[:20]), "b.json": jsonl(RECORDS[20:])}

PACKED = {
    "zip": zipped({"export.json": TEXT}),
    "zip of two": zipped(HALVES),
    "zip that was streamed": zipped(HALVES, is_streamed=True),
    "zip without compression": zipped(HALVES, zipfile.ZIP_STORED),
    "zip with what macOS adds": zipped({"x/": b"", **HALVES, "__MACOSX/._a.json": b"\x00\x05\x16\x07", "x/.DS_Store": b"\0"}),
    "snappy": snappy_frames(TEXT),
    "hadoop snappy": hadoop_snappy(TEXT),
    "gzip in gzip": gzip.compress(gzip.compress(TEXT)),
    "gzip members in gzip": gzip.compress(gzip.compress(HALVES["a.json"]) + gzip.compress(HALVES["b.json"])),
    "zip in gzip": gzip.compress(zipped(HALVES)),
    "snappy in gzip": gzip.compress(snappy_frames(TEXT)),
    "gzip in zip": zipped({"export.json.gz": gzip.compress(TEXT)}),
}  # fmt: skip

REFUSED = {
    "ORC": (b"ORC\x08\x03" + bytes(50), "an ORC file"),
    "Avro": (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
    "Excel": (zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "an .xlsx workbook"),
    "old Excel": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100), "an .xls workbook"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG image"),
    "recording": (b"RIFF\x24\x08\x00\x00WAVEfmt ", "a WAV"),
    "bzip2": (b"BZh91AY&SY" + bytes(50), "a bzip2 file"),
    "xz": (b"\xfd7zXZ\x00\x00\x04" + bytes(50), "an xz file"),
    "UTF-16": (TEXT.decode().encode("utf-16"), "UTF-16 text"),
    "UTF-16 without a mark": (TEXT.decode().encode("utf-16-le"), "UTF-16 text"),
    "encrypted": (b"Salted__" + bytes(50), "encrypted by OpenSSL"),
    "ORC in gzip": (gzip.compress(b"ORC\x08\x03" + bytes(50)), "an ORC file"),
}


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("batch_bytes", [400, 1 << 22, pytest.param(1, marks=pytest.mark.soak)])
def test_what_is_packed_is_read(name: str, batch_bytes: int, tmp_path: Path) -> None:
    """Every record once, whatever the file is called; nothing is set aside, and a second load finds nothing new."""
    (tmp_path / "export.json").write_bytes(PACKED[name])
    with opened(tmp_path / "home", NARROW, batch_bytes=batch_bytes) as home:
        result = load_into(home, tmp_path / "export.json", obj=NARROW)
        assert (result.counts.read, result.counts.inserted) == (40, 40)
        assert result.refused == ()
        assert not result.is_useless
        assert ids(table(home, NARROW)) == [record["ContactId"] for record in RECORDS]
        assert load_into(home, tmp_path / "export.json", obj=NARROW).batches == 0


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_packed_text_does_not_depend_on_how_it_was_read(name: str, chunk: int) -> None:
    """The same bytes come out of any reads."""
    raw = io.BytesIO(PACKED[name])
    stream = decoder(raw.read(HEAD_BYTES), lambda size: raw.read(min(size, chunk)))
    out = b""
    while more := stream.read(100):
        out += more
    assert stream.damage is None
    assert out.replace(b"\n", b"") == TEXT


@pytest.mark.parametrize("name", ["zip", "zip that was streamed", "zip without compression", "snappy", "hadoop snappy"])
def test_damage_is_never_silent(name: str) -> None:
    """Cut anywhere, or with a byte changed: a prefix of the text, then damage that is said."""
    packed, chance = PACKED[name], random.Random(3)
    end = packed.index(b"PK\x01\x02") if name.startswith("zip") else len(packed)
    for place in chance.sample(range(HEAD_BYTES, end), 60):
        raw = io.BytesIO(packed[:place])
        stream = decoder(raw.read(HEAD_BYTES), raw.read)
        out = b""
        while more := stream.read(1000):
            out += more
        assert TEXT.startswith(out.replace(b"\n", b""))
        assert stream.damage is not None or name == "hadoop snappy"
    if name != "hadoop snappy":  # it has no checksums
        changed = bytearray(packed)
        changed[end * 2 // 3] ^= 0x10
        raw = io.BytesIO(bytes(changed))
        stream = decoder(raw.read(HEAD_BYTES), raw.read)
        while stream.read(1000):
            pass
        assert stream.damage is not None


@pytest.mark.parametrize("name", REFUSED)
def test_another_format_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    """It is not loaded and not set aside record by record; the files beside it are loaded; the next load says so again."""
    data, called = REFUSED[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_bytes(jsonl(RECORDS[:2]))
    (tmp_path / "in" / "b.json").write_bytes(data)
    (tmp_path / "in" / "c.json").write_bytes(jsonl(RECORDS[2:4]))
    with opened(tmp_path / "home", NARROW) as home:
        for inserted in (4, 0):
            result = load_into(home, tmp_path / "in", obj=NARROW)
            assert result.counts.inserted == inserted
            (sentence,) = result.refused
            assert sentence.startswith(f"{tmp_path / 'in' / 'b.json'} is ")
            assert called in sentence
            assert result.is_useless
        assert letters(home, NARROW) == []
        assert totals(home, NARROW).read == 4


@pytest.mark.parametrize(
    "text", [b"", b" \n", b"\xef\xbb\xbf" + TEXT, b"[]", b"{}", b'"x"', b"null", b"P", b"PK", b"\x00" * 40]
)
def test_text_is_never_taken_for_another_format(text: bytes) -> None:
    """What may be text, or is nothing known, goes on to framing."""
    raw = io.BytesIO(text)
    stream = decoder(raw.read(HEAD_BYTES), raw.read)
    out = b""
    while more := stream.read(100):
        out += more
    assert out == text


def test_an_encrypted_zip_is_refused() -> None:
    """By the flag of its first member."""
    data = bytearray(zipped({"a": TEXT}))
    data[6] |= 1
    with pytest.raises(FormatError, match="an encrypted ZIP file"):
        decoder(bytes(data[:HEAD_BYTES]), io.BytesIO(bytes(data[HEAD_BYTES:])).read)


def test_snappy_blocks() -> None:
    """Literals, near and far copies, copies that overlap themselves; and none of the damages passes."""
    for data in (b"", b"a", b"ab" * 500, TEXT, random.Random(1).randbytes(5000), bytes(100_000)):
        assert snappy.decompress(snappy_block(data)) == data
    assert snappy.decompress(b"\x0a\x00x\x15\x01\x09\x01"[:2] + b"x" + b"\x15\x01") == b"x" * 10
    for damaged in (b"", b"\x05\x10hell", b"\x02\x00x", b"\x01\x00xy", b"\x04\x01\x05", b"\xff\xff\xff\xff\xff\xff"):
        with pytest.raises(snappy.SnappyError):
            snappy.decompress(damaged)


def test_everything_set_aside_is_useless(tmp_path: Path) -> None:
    """A load of which nothing could be used says so, with the reasons; one usable record makes it a load."""
    (tmp_path / "noise").write_bytes(random.Random(4).randbytes(4000))
    (tmp_path / "mixed").write_bytes(b'{"no":"key"}\n' + json.dumps(RECORDS[0]).encode())
    with opened(tmp_path / "home", NARROW) as home:
        result = load_into(home, tmp_path / "noise", obj=NARROW)
        assert result.is_useless
        assert sum(result.reasons.values()) == result.counts.dead_letter == result.counts.read > 0
        result = load_into(home, tmp_path / "mixed", obj=NARROW)
        assert not result.is_useless
        assert result.reasons == {("missing_key", "no value for the key id"): 1}


def test_standard_input_is_loaded(tmp_path: Path) -> None:
    """Packed or not; it leaves nothing behind, and a load that was stopped is finished by the next."""
    with opened(tmp_path / "home", NARROW) as home:
        assert load_stream(home, NARROW, io.BytesIO(gzip.compress(TEXT))).counts.inserted == 40
        folder = tmp_path / "home" / "standard-input" / "narrow"
        assert list(folder.iterdir()) == []
        (folder / "stopped").write_bytes(jsonl([narrow("late")]))
        assert load_stream(home, NARROW, io.BytesIO(b"")).counts.inserted == 1
        assert list(folder.iterdir()) == []
