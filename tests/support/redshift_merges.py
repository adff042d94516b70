"""Merges into an emulated Redshift without the rest of a load: rows written by hand, staged as a batch of the lake."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from homes import NARROW, SCHEMAS
from redshift_home import URL, Mortal, Redshift

from trunkline.accounting import Counts
from trunkline.aws.redshift_data import DataApi
from trunkline.engines.duckdb import DUCKDB
from trunkline.objects.ledger import BATCH
from trunkline.objects.model import Object
from trunkline.records import Refused
from trunkline.sql.lake.views import lake_columns
from trunkline.sql.session import Session
from trunkline.warehouse.model import CommitHooks, Staged
from trunkline.warehouse.redshift.address import address_of
from trunkline.warehouse.redshift.loading import RedshiftLoader
from trunkline.warehouse.redshift.session import RedshiftSession
from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

AT = datetime(2026, 3, 3, 10)


def row_of(id_: str, obj: Object = NARROW, **changes: Any) -> dict[str, Any]:
    """A row of the lake; what is not said is NULL."""
    second = changes.pop("second", 0)
    base = {
        "id": id_, "began_at": AT, "changed_at": AT, "record_version": f"2026-03-03 10:00:{second:02}",
        "record_fidelity": "stream", "record_is_redacted": False, "record_catalogue_version": 1,
        "record_position": "p", "record_arrived_at": AT, "record_loaded_at": AT, "record_is_deleted": False,
    }  # fmt: skip
    row = {column.name: None for column in obj.columns} | base | changes
    text = repr(sorted((name, repr(value)) for name, value in row.items() if not name.startswith("record_")))
    return row | {"record_hash": hashlib.md5(text.encode()).hexdigest()}


def batch_id(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


def write_batch(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], obj: Object = NARROW) -> Staged:
    """The rows as a file of the lake."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{batch_id(name)}.parquet"
    columns = lake_columns(obj)
    with duckdb.connect() as con:
        declared = ", ".join(f"{DUCKDB.quote(c.name)} {DUCKDB.type_of(c)}" for c in columns)
        con.execute(f"CREATE TABLE rows ({declared})")
        marks = ", ".join("?" for _ in columns)
        for row in rows:
            con.execute(f"INSERT INTO rows VALUES ({marks})", [row.get(c.name) for c in columns])
        con.execute(f"COPY rows TO '{path}' (FORMAT parquet)")
    return Staged(batch_id(name), (path,) if rows else ())


def hooks(obj: Object, batches: Mapping[str, int], tombstones: list[str] | None = None) -> CommitHooks:
    """A ledger of batches by id, with the rows that they read."""

    def ledger(session: Session, counts: Mapping[str, Counts], refused: Sequence[Refused]) -> None:
        for id_, read in batches.items():
            session.put(BATCH, [{
                **{column.name: 0 for column in BATCH.columns if column.type == "bigint"},
                "batch_id": id_, "object": obj.name, "source": "test", "first_position": "it's here: :p0 -- ''",
                "read": read, "drift": None, "loaded_at": AT, "merged_at": AT, "code_version": "",
            }])  # fmt: skip

    return CommitHooks(lambda _, ids: (tombstones if tombstones is not None else []).extend(ids), ledger)


@contextmanager
def warehouse_of(
    redshift: Redshift, scratch: Path, url: str = URL, steps: list[str] | None = None, at: int | None = None,
    sleeps: list[float] | None = None,
) -> Iterator[RedshiftWarehouse]:  # fmt: skip
    """The warehouse over clients in process; with `at` it dies after that call."""
    shared: list[str] = [] if steps is None else steps
    api = Mortal(redshift.emulator.in_process(), shared, at)
    s3 = Mortal(redshift.s3, shared, at)
    slept: list[float] = [] if sleeps is None else sleeps
    scratch.mkdir(parents=True, exist_ok=True)
    address = address_of(url)
    with duckdb.connect(config={"threads": 1}) as local:
        local.execute("SET TimeZone = 'UTC'")
        db = RedshiftSession(DataApi(api, address.target, slept.append), address, SCHEMAS)
        yield RedshiftWarehouse(db, RedshiftLoader(db, local, lambda: s3, scratch))


def counted(redshift: Redshift, obj: Object = NARROW) -> Counts:
    """What the ledger has of all batches."""
    names = ("read", "inserted", "updated", "deleted", "superseded", "duplicate", "rejected")
    sums = ", ".join(f"COALESCE(SUM({name}), 0)::int" for name in names)
    (row,) = redshift.query(f"SELECT {sums} FROM ledger.batch WHERE object = '{obj.name}'")
    return replace(Counts(), **dict(zip(names, row, strict=True)))


__all__ = ["batch_id", "counted", "hooks", "row_of", "warehouse_of", "write_batch"]
