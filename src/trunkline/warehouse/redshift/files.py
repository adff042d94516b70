"""Files in S3 that a COPY reads: rows and ledger rows of one try, each with a manifest, under a prefix of its own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from trunkline.aws.errors import translate_errors
from trunkline.limits import S3_DELETE_KEYS_MAX
from trunkline.sql.merge.redshift_load import Files, Format


class Folder:
    """The place of one try's files, `s3://bucket/prefix/KEY/NUMBER`. Nobody else writes there."""

    def __init__(self, client: Any, staging: str, key: str, number: int, iam_role: str) -> None:
        self._client, self._iam_role = client, iam_role
        self._bucket, _, prefix = staging.removeprefix("s3://").partition("/")
        self._root = f"{prefix}/{key}" if prefix else key
        self._number = number

    def put_file(self, name: str, path: Path) -> Files:
        """A Parquet file and its manifest, which says its length: COPY of Parquet asks for that."""
        with self._translated(), path.open("rb") as body:
            self._client.put_object(Bucket=self._bucket, Key=self._key(f"{name}.parquet"), Body=body)
        return self._manifest(name, f"{name}.parquet", path.stat().st_size, "parquet")

    def put_rows(self, name: str, lines: Iterator[str]) -> Files:
        """JSON objects, one a line, compressed, and their manifest."""
        # The same rows give the same bytes: no time of compression in the header.
        data = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=6, mtime=0)
        with self._translated():
            self._client.put_object(Bucket=self._bucket, Key=self._key(f"{name}.json.gz"), Body=data)
        return self._manifest(name, f"{name}.json.gz", len(data), "json")

    def remove_all(self) -> None:
        """Remove the files of this work's every try."""
        with self._translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._root}/")
            keys = [{"Key": one["Key"]} for page in pages for one in page.get("Contents", ())]
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
