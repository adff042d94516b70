"""Texts packed as Firehose and people pack them, by code that owes the decoders nothing."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

MAGIC = b"\xff\x06\x00\x00sNaPpY"


def snappy_block(data: bytes) -> bytes:
    """A raw block with literals and copies, by a greedy search for what came in the last 60,000 bytes."""
    out = bytearray(_varint(len(data)))
    seen: dict[bytes, int] = {}
    at = literal = 0
    while at < len(data):
        word = data[at : at + 4]
        before = seen.get(word)
        if len(word) == 4:
            seen[word] = at
        if before is None or len(word) < 4 or at - before > 60_000:
            at += 1
            continue
        size = 4
        while at + size < len(data) and size < 64 and data[before + size] == data[at + size]:
            size += 1
        out += _literal(data[literal:at])
        out += bytes([(size - 1) << 2 | 2]) + (at - before).to_bytes(2, "little")
        at = literal = at + size
    return bytes(out + _literal(data[literal:]))


def _varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def _literal(data: bytes) -> bytes:
    out = b""
    for first in range(0, len(data), 256):
        piece = data[first : first + 256]
        size = len(piece) - 1
        out += (bytes([size << 2]) if size < 60 else bytes([60 << 2, size])) + piece
    return out


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def snappy_frames(data: bytes, chunk: int = 1000) -> bytes:
    """The framing format, every third chunk left as it is, with a skippable chunk between."""
    out = MAGIC
    for number, first in enumerate(range(0, len(data), chunk)):
        piece = data[first : first + chunk]
        crc = crc32c(piece)
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        is_plain = number % 3 == 2
        body = masked.to_bytes(4, "little") + (piece if is_plain else snappy_block(piece))
        out += bytes([1 if is_plain else 0]) + len(body).to_bytes(3, "little") + body
        if number == 0:
            out += b"\xfe\x03\x00\x00\x00\x00\x00"
    return out


def hadoop_snappy(data: bytes, block: int = 3000, chunk: int = 1000) -> bytes:
    """Hadoop's blocks of several chunks."""
    out = b""
    for first in range(0, len(data), block):
        whole = data[first : first + block]
        out += len(whole).to_bytes(4, "big")
        for start in range(0, len(whole), chunk):
            packed = snappy_block(whole[start : start + chunk])
            out += len(packed).to_bytes(4, "big") + packed
    return out


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, is_streamed: bool = False) -> bytes:
    """A ZIP file; `is_streamed`: as a program writes it that cannot go back, lengths behind the members."""
    out: io.BytesIO = _NoSeek() if is_streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


class _NoSeek(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """An .xlsx workbook of sheets by name, as small as Excel opens it; None is a blank cell."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbered = list(enumerate(sheets, 1))
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    formats = "".join(f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0"/>' for number in (0, 14, 22))
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="{types}.worksheet+xml"/><Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{types}.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{related}'
        f'<Relationship Id="rId99" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f"<styleSheet {main}><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>"
        f"<cellStyleXfs><xf/></cellStyleXfs><cellXfs>{formats}</cellXfs></styleSheet>",
    }
    for number, name in numbered:
        rows = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in sheets[name])
        members[f"xl/worksheets/sheet{number}.xml"] = f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>"
    return zipped({name: text.encode() for name, text in members.items()})


def _cell(value: object) -> str:
    """A cell of a sheet. Excel's days count from 30 December 1899."""
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, dt.date):
        is_time = isinstance(value, dt.datetime)
        at = value if is_time else dt.datetime(value.year, value.month, value.day)
        return f'<c s="{2 if is_time else 1}"><v>{(at - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'
