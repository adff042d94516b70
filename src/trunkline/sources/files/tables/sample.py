"""Reads a sample of a file whose object is not declared yet: its format, and some hundred records. No object needed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from trunkline.errors import UsageError, printable
from trunkline.objects.table_rows import unique_names
from trunkline.objects.user.guesses import looks_like_data
from trunkline.objects.user.propose import HOW_TO, Sample, toml_text
from trunkline.sources.files import framing
from trunkline.sources.files.compression import decoder
from trunkline.sources.files.containers import FormatError
from trunkline.sources.files.tables.csv_layout import READ_FORMATS, SEPARATORS
from trunkline.sources.files.tables.excel import is_workbook, read_sheets, sheet_records
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
        raise UsageError(f"{path} is {error}; name a file of {READ_FORMATS} (see {HOW_TO})") from error
    if not sample.records and not sample.fields:
        why = "is empty" if not data.strip() else "holds no records"
        raise UsageError(f"{path} {why}; name a file of {READ_FORMATS} with at least one record (see {HOW_TO})")
    return sample


def _read(data: bytes, path: Path) -> Sample:
    if data.startswith(PARQUET_MAGIC):
        return Sample("parquet", _parquet(path))
    if is_workbook(data[:64]):
        return _excel(data)
    text, encoding = _text(data)
    if text.lstrip()[:1] in ("{", "["):
        return _json(text)
    return _csv(text, encoding) if text.strip() else Sample("csv", [])


def _excel(data: bytes) -> Sample:
    """The first sheet with records."""
    sheets = read_sheets(data)
    for name, rows in sheets.items():
        if records := list(sheet_records(rows, None))[:_RECORDS_MAX]:
            note = f"  # guess: the workbook has the sheets {', '.join(map(printable, sheets))}"
            return Sample("excel", records, layout=(f"sheet = {toml_text(name)}{note}",) if len(sheets) > 1 else ())
    return Sample("excel", [])


def _text(data: bytes) -> tuple[str, str]:
    """The decoded beginning of a text file, and its encoding where a file does not show it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), ""
    stream, parts, size = decoder(data[:64], io.BytesIO(data[64:]).read), [], 0
    while size < _BYTES_MAX and (piece := stream.read(1 << 20)):
        parts.append(piece)
        size += len(piece)
    whole = b"".join(parts)
    with suppress(UnicodeDecodeError):
        return whole.decode("utf-8-sig"), ""
    return whole.decode("cp1252", errors="replace"), "cp1252"


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
    fields = records[0].get("fields") if len(records) == 1 else None
    if isinstance(fields, list) and all(isinstance(field, dict) and "type" in field for field in fields):
        return Sample("json", [], fields=fields)
    path = _array_in(records[0]) if records else ()
    if path and all(_array_in(record) == path or not record for record in records):
        inner = [item for record in records for item in _at(record, path)]
        return Sample("json", inner[:_RECORDS_MAX], records_path=path)
    return Sample("json", records[:_RECORDS_MAX])


def _array_in(document: Mapping[str, Any], depth: int = 2) -> tuple[str, ...]:
    """The path of the array of records in a document that is only their envelope; () for what is a record itself."""
    if any(key.lower() == "id" and not isinstance(value, (dict, list)) for key, value in document.items()):
        return ()
    for key, value in document.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return (key,)
    for key, value in document.items():
        if isinstance(value, dict) and depth > 1 and (below := _array_in(value, depth - 1)):
            return (key, *below)
    return ()


def _at(document: Any, path: Sequence[str]) -> list[dict[str, Any]]:
    for key in path:
        document = document.get(key, {})
    return document or []


def _csv(text: str, encoding: str) -> Sample:
    first = text.lstrip("\r\n").partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    rows = list(_rows(text, separator))
    names = unique_names(rows[0])
    if len(names) < 2:
        raise FormatError("neither JSON nor a table of several columns with a header row")
    layout = [] if separator == "," else [f"separator = {json.dumps(separator)}"]
    layout += [f"encoding = {toml_text(encoding)}  # guess: the file is not UTF-8"] if encoding else []
    if any(map(looks_like_data, rows[0])):
        names = tuple(f"column_{number}" for number in range(1, len(names) + 1))
        layout += [
            f"header = {toml_text(names)}  # guess: the file has no header row, so name its columns here and in path"
        ]
    else:
        del rows[0]
    records = [dict(zip(names, row, strict=False)) for row in rows if any(row)]
    return Sample("csv", records[:_RECORDS_MAX], layout=tuple(layout))


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=separator)):
        if number > _RECORDS_MAX:
            return
        if row:
            yield row
