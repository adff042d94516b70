"""Write rows to the lake: one Parquet file per batch and partition, each published by one put."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError
from trunkline.lake.layout import day_of, rows_key, tombstones_key
from trunkline.lake.store import Store
from trunkline.objects.model import Object
from trunkline.sql.lake.views import MOVED_TO
from trunkline.sql.relation import BATCH_ID, LOST_DATE, PARTITION_DATE, WON_DATE, Relation

_PARTITIONS = (("year", "%Y"), ("month", "%m"), ("day", "%d"))

# Bloom filters cost 5 % of time and size, and help no query: columns searched by a single value are too varied.
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false"
"""COPY options of lake files, compacted ones too. For ids and hashes, most of a file, zstd level 1 gives 6 % less than
levels 3 to 15, and level 19 another 6 % less for a hundred times the CPU time. Contact records are alike at 1 and 3."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A published file: its key, its rows, its partition."""

    key: str
    rows: int
    day: date


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that is to be published: the folder of its batch, its path, its rows, its partition."""

    folder: str
    path: str
    rows: int
    day: date


def write_rows(
    con: duckdb.DuckDBPyConnection, obj: Object, rows: Relation, batch_id: str, store: Store, scratch: Path
) -> list[WrittenFile]:
    """Publish the rows of a batch. A second call with the same batch replaces the same files.

    `rows` are some or all of the object's columns, and PARTITION_DATE. Raises what the store raises.
    """
    folder = scratch / batch_id
    days = con.execute(f"SELECT {PARTITION_DATE}, count(*) FROM {rows.sql} GROUP BY 1 ORDER BY 1").fetchall()
    written = publish(obj, write_files(con, obj, rows, dict(days), folder), batch_id, store)
    shutil.rmtree(folder, ignore_errors=True)
    return written


def write_files(
    con: duckdb.DuckDBPyConnection, obj: Object, rows: Relation, days: Mapping[date, int], folder: Path
) -> list[LocalFile]:
    """Write the rows of a batch to an empty folder, a Parquet file for each partition.

    `days` counts the rows of each partition date. A column that the relation lacks is not in the files either; readers
    take it as NULL. Raises TerminalError for a file outside of every partition.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    columns = [DUCKDB.quote(column.name) for column in obj.columns if column.name in rows.columns]
    select = f"SELECT {', '.join(columns)}, CAST(NULL AS VARCHAR) AS {DUCKDB.quote(MOVED_TO.name)}"
    if len(days) == 1:
        ((day, count),) = days.items()
        path = folder / "rows.parquet"
        con.execute(f"COPY ({select} FROM {rows.sql}) TO '{_escaped(path)}' ({PARQUET})")
        return [LocalFile(str(folder), str(path), count, day)]
    # Hive folders name the partition; the columns that name it stay out of the files.
    parts = ", ".join(f"strftime({PARTITION_DATE}, '{code}') AS {key}" for key, code in _PARTITIONS)
    con.execute(
        f"COPY ({select}, {parts} FROM {rows.sql}) TO '{_escaped(folder)}' "
        f"({PARQUET}, PARTITION_BY (year, month, day), OVERWRITE_OR_IGNORE)"
    )
    files = []
    for path in sorted(folder.rglob("*.parquet")):
        partition = day_of(path.relative_to(folder).as_posix())
        if partition is None:
            raise TerminalError(f"{path} is in no partition year=/month=/day=, so its rows have no date; report this.")
        files.append(LocalFile(str(folder), str(path), days[partition], partition))
    return files


def publish(obj: Object, files: Sequence[LocalFile], batch_id: str, store: Store) -> list[WrittenFile]:
    """Put the files of a batch into the lake, each by one atomic put. Raises what the store raises."""
    written = [WrittenFile(rows_key(obj, file.day, batch_id), file.rows, file.day) for file in files]
    for file, target in zip(files, written, strict=True):
        store.put_file(Path(file.path), target.key)
    return written


def _export(con: duckdb.DuckDBPyConnection, obj: Object, flat: Relation, folder: Path) -> list[tuple[Path, date, int]]:
    """A local file for each partition of `flat`, with its day and its rows; in order of day."""
    day_column = flat.column(PARTITION_DATE)
    counts = con.execute(f"SELECT {day_column}, count(*) FROM {flat.sql} GROUP BY 1 ORDER BY 1").fetchall()
    columns = ", ".join(DUCKDB.quote(column.name) for column in obj.columns)
    rows = f"SELECT {columns}, CAST(NULL AS VARCHAR) AS {DUCKDB.quote(MOVED_TO.name)}"
    if len(counts) == 1:
        path = folder / "rows.parquet"
        con.execute(f"COPY ({rows} FROM {flat.sql}) TO '{_escaped(path)}' ({PARQUET})")
        return [(path, *counts[0])]
    # Hive folders name the partition; the columns that name it stay out of the files.
    parts = ", ".join(f"strftime({day_column}, '{format_}') AS {name}" for name, format_ in _PARTITIONS)
    con.execute(
        f"COPY ({rows}, {parts} FROM {flat.sql}) TO '{_escaped(folder)}' "
        f"({PARQUET}, PARTITION_BY (year, month, day), OVERWRITE_OR_IGNORE)"
    )
    rows_of_day = dict(counts)
    exported = []
    for path in sorted(folder.rglob("*.parquet")):
        day = day_of(path.relative_to(folder).as_posix())
        if day is None:
            raise TerminalError(f"{path} is in no partition year=/month=/day=, so its rows have no date; report this.")
        exported.append((path, day, rows_of_day[day]))
    return exported


def write_tombstones(
    con: duckdb.DuckDBPyConnection,
    obj: Object,
    moved: Relation,
    batch_ids: Iterable[str],
    store: Store,
    scratch: Path,
) -> int:
    """Publish the tombstones of batches, see `tombstone_rows`; returns their number."""
    scratch.mkdir(parents=True, exist_ok=True)
    total = 0
    for batch_id in batch_ids:
        for day, count in con.execute(
            f"SELECT {LOST_DATE}, count(*) FROM {moved.sql} WHERE {BATCH_ID} = $1 GROUP BY 1 ORDER BY 1", [batch_id]
        ).fetchall():
            path = scratch / f"{batch_id}.moved"
            con.execute(
                f"COPY (SELECT {_tombstone(obj)} FROM {moved.sql} WHERE {BATCH_ID} = '{batch_id}' "
                f"AND {LOST_DATE} = DATE '{day}') "
                f"TO '{_escaped(path)}' ({PARQUET})"
            )
            store.put_file(path, tombstones_key(obj, day, batch_id))
            total += count
    return total


def _tombstone(obj: Object) -> str:
    parts = []
    for column in obj.columns:
        name = DUCKDB.quote(column.name)
        if column.name == "record_is_deleted":
            parts.append(f"true AS {name}")
        elif column.name in obj.key or (column.name.startswith("record_") and column.name != "record_unmapped"):
            parts.append(name)
        else:
            parts.append(f"CAST(NULL AS {DUCKDB.type_of(column)}) AS {name}")
    parts.append(f"CAST({WON_DATE} AS VARCHAR) AS {DUCKDB.quote(MOVED_TO.name)}")
    return ", ".join(parts)


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
