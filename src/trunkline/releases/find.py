"""Which file is the release, and its bytes: from S3 or from disk.

A place is a file (`.../Rel7.txt`), the beginning of names (`s3://bucket/Redshift/Rel`), or a folder (`.../Redshift/`,
which means the `Rel*.txt` in it). Names end in `.txt`, and `*` does not reach into folders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, UsageError, printable
from trunkline.limits import RELEASE_BYTES_MAX

Pick = Literal["first", "latest"]
ENDING: Final = ".txt"
NAME_BEGINS: Final = "Rel"


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """The release's file. `uri` is a path or an S3 URL; `warnings` are for the person who runs it."""

    uri: str
    data: bytes
    warnings: tuple[str, ...] = ()


def find(place: str, pick: Pick = "first", s3: Any = None) -> ReleaseFile:
    """The one release file at a place, read whole. `s3` is a boto3 client, needed for `s3://`.

    Several that match: `first` takes the first in order of key, byte by byte as S3 lists them, and warns; `latest`
    the last in natural order (Rel10 after Rel9). Raises UsageError where there is none.
    """
    if pick not in ("first", "latest"):
        raise UsageError(f"pick is {pick!r}; valid are first and latest.")
    is_s3 = place.startswith("s3://")
    names = _s3_keys(place, s3) if is_s3 else _paths(place)
    if not names:
        raise UsageError(
            f"no release file: nothing at {printable(place)} is called {NAME_BEGINS}*{ENDING}. Check the address."
        )
    name = choose(names, pick)
    warnings: tuple[str, ...] = ()
    if len(names) > 1 and pick == "first":
        others = ", ".join(printable(name.rpartition("/")[2]) for name in sorted(names, key=os.fsencode)[1:6])
        warning = (
            f"{len(names):,} files match {printable(place)}; {printable(name)} is run, the first in order of key "
            f"(the others: {others}{', ...' if len(names) > 6 else ''}). Choose `latest`, or name one file."
        )
        warnings = (warning,)
    if is_s3:
        bucket = place.removeprefix("s3://").partition("/")[0]
        return ReleaseFile(f"s3://{bucket}/{name}", _s3_bytes(s3, bucket, name), warnings)
    return ReleaseFile(name, _bytes(name), warnings)


def choose(names: Sequence[str], pick: Pick) -> str:
    """The name to run among several."""
    if pick == "latest":
        return max(names, key=lambda name: (natural(name), os.fsencode(name)))
    return min(names, key=os.fsencode)


def natural(name: str) -> list[str | int]:
    """A key under which digits sort as numbers: Rel2 before Rel10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name.removesuffix(ENDING))]


def _matches(name: str, begins: str) -> bool:
    rest = name[len(begins) :]
    return name.startswith(begins) and name.endswith(ENDING) and "/" not in rest and len(name) >= len(begins)


def _s3_keys(place: str, s3: Any) -> list[str]:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not bucket:
        raise UsageError(f"{printable(place)} names no bucket; valid is s3://bucket/prefix.")
    if prefix.endswith(ENDING):
        return [prefix]
    if not prefix or prefix.endswith("/"):
        prefix += NAME_BEGINS
    with translate_errors("s3", place, UsageError):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ()) if _matches(entry["Key"], prefix)]


def _s3_bytes(s3: Any, bucket: str, key: str) -> bytes:
    url = f"s3://{bucket}/{key}"
    with translate_errors("s3", url, UsageError):
        answer = s3.get_object(Bucket=bucket, Key=key)
        with answer["Body"] as body:
            if answer["ContentLength"] > RELEASE_BYTES_MAX:
                raise _too_large(url, answer["ContentLength"])
            data: bytes = body.read()
    return data


def _paths(place: str) -> list[str]:
    if not place or "\x00" in place:
        raise UsageError(f"{place!r} names no file; name a release file, a folder or s3://bucket/prefix.")
    path = Path(place).expanduser()
    if place.endswith(ENDING) and path.is_file():
        return [str(path)]
    folder, begins = (path, NAME_BEGINS) if path.is_dir() else (path.parent, path.name)
    if not folder.is_dir() or place.endswith(ENDING):
        raise UsageError(f"no release file: {printable(place)} does not exist. Check the path.")
    return [str(path) for path in folder.iterdir() if _matches(path.name, begins) and path.is_file()]


def _bytes(name: str) -> bytes:
    try:
        size = Path(name).stat().st_size
        if size > RELEASE_BYTES_MAX:
            raise _too_large(name, size)
        return Path(name).read_bytes()
    except OSError as error:
        raise TerminalError(f"{printable(name)} cannot be read: {error.strerror}.") from error


def _too_large(name: str, size: int) -> TerminalError:
    return TerminalError(
        f"{printable(name)} has {size:,} bytes; a release has at most {RELEASE_BYTES_MAX:,}. Split it."
    )
