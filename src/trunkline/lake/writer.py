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
    select = _select(obj, rows)
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


def write_whole(con: duckdb.DuckDBPyConnection, obj: Object, rows: Relation, path: Path) -> None:
    """Write the rows of a batch to one local file, with the columns of the lake's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"COPY ({_select(obj, rows)} FROM {rows.sql}) TO '{_escaped(path)}' ({PARQUET})")


def _select(obj: Object, rows: Relation) -> str:
    columns = [DUCKDB.quote(column.name) for column in obj.columns if column.name in rows.columns]
    return f"SELECT {', '.join(columns)}, CAST(NULL AS VARCHAR) AS {DUCKDB.quote(MOVED_TO.name)}"


def publish(obj: Object, files: Sequence[LocalFile], batch_id: str, store: Store) -> list[WrittenFile]:
    """Put the files of a batch into the lake, each by one atomic put. Raises what the store raises."""
    written = [WrittenFile(rows_key(obj, file.day, batch_id), file.rows, file.day) for file in files]
    for file, target in zip(files, written, strict=True):
        store.put_file(Path(file.path), target.key)
    return written


def write_tombstones(
    con: duckdb.DuckDBPyConnection,
    obj: Object,
    moved: Relation,
    batch_ids: Iterable[str],
    store: Store,
    scratch: Path,
) -> int:
    """Publish the tombstones of batches, see `tombstone_rows`; returns their number.

    Raises what the store raises, and TerminalError for a file outside of every partition.
    """
    chosen = f"FROM {moved.sql} WHERE {BATCH_ID} IN (SELECT unnest($1))"
    ids = list(batch_ids)
    total: int = con.execute(f"SELECT count(*) {chosen}", [ids]).fetchall()[0][0]
    if not total:
        return 0
    folder = scratch / "moved"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # One statement for all files: most have a few rows, and a statement for each would cost more than they do.
    parts = ", ".join(f"strftime({LOST_DATE}, '{code}') AS {key}" for key, code in _PARTITIONS)
    con.execute(
        f"COPY (SELECT {_tombstone(obj)}, {BATCH_ID}, {parts} {chosen}) TO '{_escaped(folder)}' "
        f"({PARQUET}, PARTITION_BY ({BATCH_ID}, year, month, day), OVERWRITE_OR_IGNORE)",
        [ids],
    )
    for batch_folder in sorted(folder.iterdir()):
        batch_id = batch_folder.name.rpartition("=")[2]
        for day_folder in sorted({path.parent for path in batch_folder.rglob("*.parquet")}):
            day = day_of(day_folder.as_posix() + "/")
            if day is None:
                raise TerminalError(f"{day_folder} is no partition year=/month=/day=; report this.")
            store.put_file(_joined(con, day_folder), tombstones_key(obj, day, batch_id))
    shutil.rmtree(folder, ignore_errors=True)
    return total


def _joined(con: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """The Parquet file of a partition; several, which threads write, are joined."""
    paths = sorted(folder.glob("*.parquet"))
    if len(paths) == 1:
        return paths[0]
    joined = folder / "joined.parquet"
    names = [str(path).replace("[", "[[]") for path in paths]  # the engine takes them for patterns
    con.execute(f"COPY (FROM read_parquet($1, hive_partitioning = false)) TO '{_escaped(joined)}' ({PARQUET})", [names])
    return joined


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
