"""Files in S3 that a COPY reads, each with a manifest, under a prefix of the try; and the rows that COPY refused."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trunkline.aws.errors import translate_errors
from trunkline.aws.redshift_data import SqlError
from trunkline.aws.redshift_once import StatementApi
from trunkline.errors import TerminalError
from trunkline.limits import S3_DELETE_KEYS_MAX
from trunkline.sql.merge.redshift_load import Files, Format
from trunkline.warehouse.redshift.session import Bound

_SHOWN_MAX: Final = 20
# SYS_LOAD_ERROR_DETAIL (database developer guide)
_QUESTION: Final = f"""\
SELECT TRIM(file_name), line_number, TRIM(column_name), TRIM(column_type), TRIM(column_length), error_code,
  TRIM(error_message)
FROM sys_load_error_detail
WHERE POSITION($1 IN file_name) > 0
ORDER BY start_time, line_number
LIMIT {_SHOWN_MAX}"""


class Folder:
    """The place of one try's files, `s3://bucket/prefix/KEY/NUMBER`. Nothing else writes there."""

    def __init__(self, client: Any, staging: str, key: str, number: int, iam_role: str) -> None:
        self._client, self._iam_role = client, iam_role
        self._bucket, _, prefix = staging.removeprefix("s3://").partition("/")
        self._root = f"{prefix}/{key}" if prefix else key
        self._number = number

    def put_file(self, name: str, path: Path) -> Files:
        """A Parquet file and its manifest, with its length, which COPY of Parquet requires."""
        with self._translated(), path.open("rb") as body:
            self._client.put_object(Bucket=self._bucket, Key=self._key(f"{name}.parquet"), Body=body)
        return self._manifest(name, f"{name}.parquet", path.stat().st_size, "parquet")

    def put_rows(self, name: str, lines: Iterator[str]) -> Files:
        """JSON lines, compressed, and their manifest."""
        # The same rows give the same bytes: no time of compression in the header.
        data = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=6, mtime=0)
        with self._translated():
            self._client.put_object(Bucket=self._bucket, Key=self._key(f"{name}.json.gz"), Body=data)
        return self._manifest(name, f"{name}.json.gz", len(data), "json")

    def remove_all(self) -> None:
        """Remove the files of this work's every try."""
        with self._translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._root}/")
            keys = [{"Key": listed["Key"]} for page in pages for listed in page.get("Contents", ())]
            for start in range(0, len(keys), S3_DELETE_KEYS_MAX):
                self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": keys[start : start + S3_DELETE_KEYS_MAX], "Quiet": True}
                )

    def _translated(self) -> AbstractContextManager[None]:
        return translate_errors("s3", f"s3://{self._bucket}/{self._root}/")

    def _key(self, name: str) -> str:
        return f"{self._root}/{self._number}/{name}"

    def _manifest(self, name: str, file: str, length: int, format_: Format) -> Files:
        # Not mandatory is the default, and a missing file would then be skipped without a word.
        entry = {
            "url": f"s3://{self._bucket}/{self._key(file)}",
            "mandatory": True,
            "meta": {"content_length": length},
        }
        key = self._key(f"{name}.manifest")
        with self._translated():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=json.dumps({"entries": [entry]}).encode())
        return Files(f"s3://{self._bucket}/{key}", self._iam_role, format_)


def json_line(row: Mapping[str, str | None], is_json: Sequence[str] = ()) -> str:
    """One object; a value is text, or JSON already where its name is in `is_json`. NULL is left out.

    Numbers too are written as text, since COPY reads JSON's through a float.
    """
    parts = (
        f"{json.dumps(name)}:{value if name in is_json else json.dumps(value, ensure_ascii=False)}"
        for name, value in row.items()
        if value is not None
    )
    return "{" + ",".join(parts) + "}"


@dataclass(frozen=True, slots=True)
class LoadErrorRow:
    """One row that COPY refused. `line` counts from 1 in the staged file; the message names no value."""

    file: str
    line: int
    column: str
    column_type: str
    column_length: str
    code: int
    message: str

    def sentence(self) -> str:
        """The row for people."""
        length = f"({self.column_length})" if self.column_length else ""
        place = f"line {self.line:,} of {self.file.rpartition('/')[2]}"
        return f"{place}: column {self.column} {self.column_type}{length}: {self.message} (code {self.code})"


class LoadError(TerminalError):
    """COPY refused rows; nothing was loaded. `rows` are the first that it names."""

    def __init__(self, error: SqlError, rows: list[LoadErrorRow]) -> None:
        lines = "".join(f"\n  {row.sentence()}" for row in rows)
        super().__init__(
            f"Redshift could not copy the staged files, and nothing was loaded ({error.text.splitlines()[0]}).{lines}\n"
            "The lake holds these rows. Please report this: rows that Redshift refuses should have been found before."
        )
        self.rows = rows


def load_errors(api: StatementApi, key: str, timeout_s: float) -> list[LoadErrorRow]:
    """What COPY refused of the files under a work's key, the first rows; empty where it refused none."""
    bound = Bound()
    sql = bound.statement(_QUESTION, [f"/{key}/"])
    seen = api.run(sql, uuid.uuid4().hex, bound.parameters, "trunkline-load-errors", timeout_s)
    return [
        LoadErrorRow(str(file), int(line), str(column), str(type_), str(length or ""), int(code), str(message))
        for file, line, column, type_, length, code, message in api.rows(seen.id)
    ]
