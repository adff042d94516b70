"""Reads a sample of a file whose object is not declared yet: its format, and some hundred records. No object needed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from trunkline.errors import UsageError
from trunkline.objects.user.propose import Sample
from trunkline.sources.files import framing
from trunkline.sources.files.compression import decoder
from trunkline.sources.files.containers import FormatError
from trunkline.sources.files.tables.csv_layout import READ_FORMATS, SEPARATORS
from trunkline.sources.files.tables.excel import is_workbook, read_sheet, sheet_records
from trunkline.sources.files.tables.parquet import PARQUET_MAGIC

_RECORDS_MAX: Final = 1_000
_BYTES_MAX: Final = 16 * 1024 * 1024


def read_sample(path: Path) -> Sample:
    """The sample in a file. Raises UsageError for a file that cannot be read, or holds no records."""
    try:
        data = path.read_bytes()
        sample = _read(data, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name a file of {READ_FORMATS}") from error
    except FormatError as error:
        raise UsageError(f"{path} is {error}; name a file of {READ_FORMATS}") from error
    if not sample.records and not sample.fields:
        raise UsageError(f"{path} holds no records; name a file of {READ_FORMATS}")
    return sample


def _read(data: bytes, path: Path) -> Sample:
    if data.startswith(PARQUET_MAGIC):
        return Sample("parquet", _parquet(path))
    if is_workbook(data[:64]):
        return Sample("excel", list(sheet_records(read_sheet(data), None))[:_RECORDS_MAX])
    text = _text(data)
    if text.lstrip()[:1] in ("{", "["):
        return _json(text)
    return _csv(text)


def _text(data: bytes) -> str:
    """The decoded beginning of a text file."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    stream, parts, size = decoder(data[:64], io.BytesIO(data[64:]).read), [], 0
    while size < _BYTES_MAX and (piece := stream.read(1 << 20)):
        parts.append(piece)
        size += len(piece)
    whole = b"".join(parts)
    with suppress(UnicodeDecodeError):
        return whole.decode("utf-8-sig")
    return whole.decode("cp1252", errors="replace")


def _parquet(path: Path) -> list[dict[str, Any]]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        try:
            rows = con.execute(
                f"SELECT to_json(r)::VARCHAR FROM (FROM read_parquet($1) LIMIT {_RECORDS_MAX}) AS r", [str(path)]
            )
            return [_loads(text) for (text,) in rows.fetchall()]
        except duckdb.Error as error:
            raise FormatError(f"a Parquet file that cannot be read ({type(error).__name__})") from None


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _json(text: str) -> Sample:
    """Records one after another, in an array, or in a document; or the fields of a Salesforce describe."""
    records = []
    for block in framing.frame(io.BytesIO(text.encode()).read):
        records += [_loads(record) for record in block.texts]
    if len(records) == 1:
        (document,) = records
        fields = document.get("fields")
        if isinstance(fields, list) and all(isinstance(field, dict) and "type" in field for field in fields):
            return Sample("json", [], fields=fields)
        for key, value in document.items():
            if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
                return Sample("json", value[:_RECORDS_MAX], records_path=key)
    return Sample("json", records[:_RECORDS_MAX])


def _csv(text: str) -> Sample:
    first = text.lstrip("\r\n").partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    rows = _rows(text, separator)
    names = next(rows, [])
    if len(names) < 2 or len(set(names)) < len(names):
        raise FormatError("neither JSON nor a table with a header row of different names")
    records = [dict(zip(names, row, strict=False)) for row in rows if any(row)]
    return Sample("csv", records[:_RECORDS_MAX], separator="" if separator == "," else separator)


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=separator)):
        if number > _RECORDS_MAX:
            return
        if row:
            yield row
