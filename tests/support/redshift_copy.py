"""COPY from a manifest in S3, for the emulator: real files, loaded with DuckDB into the real PostgreSQL.

What the developer guide says is kept (COPY from columnar data formats, COPY from JSON, Using a manifest): Parquet goes
by position, the number of columns has to match, types are compared strictly, `meta.content_length` is required and
has to be true; JSON goes by exact name, what is missing is NULL, unknown keys are left out; a missing file that is not
mandatory is skipped without a word. A text that goes into SUPER from Parquet stays one text. What is refused is written
into `sys_load_error_detail` at once, whatever becomes of the transaction. Only the forms that our statements have are
understood: another option is a syntax error.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import psycopg

SETUP = """
CREATE TABLE IF NOT EXISTS sys_load_error_detail (
    start_time timestamp DEFAULT timezone('UTC', clock_timestamp()), file_name char(256), line_number int,
    column_name char(127), column_type char(10), column_length char(10), error_code int, error_message char(512)
)
"""
PATTERN = re.compile(
    r"COPY (?P<table>\"[^\"]+\")(?: \((?P<columns>[^)]*)\))?\s+FROM '(?P<manifest>s3://[^'\\]+)'\s+"
    r"IAM_ROLE (?:'(?P<role>arn:[^'\\]+)'|(?P<default>default))\s+"
    r"FORMAT AS (?:(?P<parquet>PARQUET)|JSON 'auto'\s+(?P<gzip>GZIP))\s+MANIFEST"
    r"(?(gzip)\s+TIMEFORMAT 'auto'\s+DATEFORMAT 'auto'\s+COMPUPDATE OFF\s+STATUPDATE OFF)"
)
_KINDS = {"VARCHAR": "character varying", "BIGINT": "bigint", "INTEGER": "integer", "DOUBLE": "double precision",
          "BOOLEAN": "boolean", "TIMESTAMP": "timestamp without time zone", "DATE": "date", "DECIMAL": "numeric"}  # fmt: skip


class Copier:
    """COPY as a command of the emulator. `roles` are the roles that the cluster has."""

    def __init__(self, s3: Any, uri: str, roles: tuple[str, ...] = ("default",)) -> None:
        self.s3, self.uri, self.roles = s3, uri, roles
        self.copied: list[str] = []

    def __call__(self, connection: psycopg.Connection[Any], found: re.Match[str]) -> int:
        role = found["role"] or "default"
        if role not in self.roles:
            raise _error(f"User arn:aws:redshift:us-east-1:1:dbuser:c/u is not authorized to assume IAM Role {role}")
        kind = "parquet" if found["parquet"] else "json"
        table = found["table"]
        columns = _columns(connection, table)
        if found["columns"]:
            named = [name.strip().strip('"') for name in found["columns"].split(",")]
            columns = [next(column for column in columns if column[0] == name) for name in named]
        count = 0
        for url, data in self._files(found["manifest"], kind):
            rows = _parquet_rows(data, columns) if kind == "parquet" else _json_rows(data, columns)
            checked = [self._checked(url, number, row, columns) for number, row in enumerate(rows, 1)]
            listed = ", ".join(f'"{name}"' for name, _, _ in columns)
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({listed}) FROM STDIN") as copy:
                for row in checked:
                    copy.write_row(row)
            count += len(checked)
        self.copied.append(found["manifest"])
        return count

    def _get(self, url: str) -> bytes:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def _files(self, manifest: str, kind: str) -> list[tuple[str, bytes]]:
        try:
            entries = json.loads(self._get(manifest))["entries"]
        except self.s3.exceptions.NoSuchKey:
            raise _error(f"The specified S3 prefix '{manifest}' does not exist") from None
        found = []
        for entry in entries:
            if entry.keys() - {"url", "mandatory", "meta"}:
                raise _error("Manifest file is not in correct json format")
            try:
                data = self._get(entry["url"])
            except self.s3.exceptions.NoSuchKey:
                if entry.get("mandatory", False):
                    raise _error(f"File {entry['url']} of the manifest does not exist and is mandatory") from None
                continue
            length = entry.get("meta", {}).get("content_length")
            if kind == "parquet" and length is None:
                raise _error("Missing content_length in the manifest, which columnar formats require")
            if length is not None and length != len(data):
                raise _error(f"File {entry['url']} has {len(data)} bytes where its content_length says {length}")
            found.append((entry["url"], data))
        if not found:
            raise _error("No file of the manifest was found")
        return found

    def _checked(self, url: str, number: int, row: list[Any], columns: list[tuple[str, str, bool]]) -> list[Any]:
        for value, (name, type_, is_required) in zip(row, columns, strict=True):
            length = re.fullmatch(r"character varying\((\d+)\)", type_)
            if isinstance(value, str) and length and len(value.encode()) > int(length[1]):
                self._refuse(url, number, name, "varchar", length[1], 1204, "String length exceeds DDL length")
            if isinstance(value, str) and "\0" in value:
                self._refuse(url, number, name, "varchar", "", 1220, "Multibyte character not supported: NUL")
            if value is None and is_required:
                self._refuse(url, number, name, "varchar", "", 1213, "Missing data for not-null field")
        return row

    def _refuse(self, url: str, number: int, column: str, type_: str, length: str, code: int, message: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as aside:
            aside.execute(
                "INSERT INTO sys_load_error_detail (file_name, line_number, column_name, column_type, column_length, "
                "error_code, error_message) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [url[:256], number, column, type_, length, code, message],
            )
        raise _error("Load into table failed. Check 'sys_load_error_detail' system table for details.")


def _error(text: str) -> psycopg.Error:
    return psycopg.errors.InternalError_(text)


def _columns(connection: psycopg.Connection[Any], table: str) -> list[tuple[str, str, bool]]:
    rows = (
        psycopg.Cursor(connection)
        .execute(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        )
        .fetchall()
    )
    if not rows:
        raise _error(f"Cannot COPY into nonexistent table {table}")
    return [(str(name), str(type_), bool(required)) for name, type_, required in rows]


def _parquet_rows(data: bytes, columns: list[tuple[str, str, bool]]) -> list[list[Any]]:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        path = Path(folder) / "file.parquet"
        path.write_bytes(data)
        source = f"read_parquet('{path}')"
        kinds = [row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        if len(kinds) != len(columns):
            raise _error(f"Unmatched number of columns between table and file. Table columns: {len(columns)}, "
                         f"Data columns: {len(kinds)}")  # fmt: skip
        for kind, (name, type_, _) in zip(kinds, columns, strict=True):
            base, _, size = kind.partition("(")
            is_other_size = base == "DECIMAL" and size != type_.partition("(")[2]
            if type_ != "jsonb" and (_KINDS.get(base) != type_.partition("(")[0] or is_other_size):
                raise _error(f"Column {name} has an incompatible Parquet schema: {kind} for {type_}")
            if type_ == "jsonb" and kind != "VARCHAR":
                raise _error(f"Column {name}: a nested value needs SERIALIZETOJSON")
        rows = con.execute(f"SELECT * FROM {source}").fetchall()
    is_super = [type_ == "jsonb" for _, type_, _ in columns]
    return [
        [
            json.dumps(value) if nested and value is not None else value
            for value, nested in zip(row, is_super, strict=True)
        ]
        for row in rows
    ]


def _json_rows(data: bytes, columns: list[tuple[str, str, bool]]) -> list[list[Any]]:
    rows = []
    for line in gzip.decompress(data).decode().removesuffix("\n").split("\n"):
        record = json.loads(line, parse_float=str, parse_int=str)
        raw = _members(line)
        rows.append([raw.get(name) if type_ == "jsonb" and record.get(name) is not None else record.get(name)
                     for name, type_, _ in columns])  # fmt: skip
    return rows


def _members(line: str) -> dict[str, str]:
    """The text of each member of an object, as it stands there: SUPER keeps numbers as they were written."""
    decoder, found, at = json.JSONDecoder(), {}, 1
    while line[at] != "}":
        name, at = decoder.raw_decode(line, at)
        _, end = decoder.raw_decode(line, at + 1)
        found[name] = line[at + 1 : end]
        at = end + (line[end] == ",")
    return found
