"""A new target is an engine's record, a module that does what `warehouse/model.py` says, and a line in each list."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from homes import NARROW, lake_best, load_into, narrow, opened, table, totals, write

from trunkline.accounting import Counts
from trunkline.engines import catalogue as engines
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, TableRules, quote_qualified
from trunkline.objects.ledger import LEDGER_TABLES, LedgerTable
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.pipelines.jobs.undo import undo
from trunkline.pipelines.jobs.upkeep import rebuild
from trunkline.sql.ddl import ledger_statements, warehouse_statements
from trunkline.sql.merge.plpgsql import COUNTS
from trunkline.sql.merge.staged import elsewhere_columns
from trunkline.sql.order import comparison, order_by, partition_date, same_key
from trunkline.sql.relation import PARTITION_DATE, Relation
from trunkline.sql.session import Rows, Session
from trunkline.urls import WAREHOUSE_URLS
from trunkline.warehouse import staging, targets
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse, open_beside
from trunkline.warehouse.model import Answer, CommitHooks, Lock, Opening, Staged

TOY = replace(DUCKDB, name="toy", tables=TableRules(has_primary_keys=False), text_bytes_max=1000, refuses_nul=True)
"""A server that speaks DuckDB's SQL, takes no text of more than 1,000 bytes, and gets its rows as files."""


@dataclass(frozen=True)
class ToyWarehouse:
    """The server is a DuckDB of its own; `local` reads the lake's files."""

    server: DuckDBWarehouse
    local: duckdb.DuckDBPyConnection
    scratch: Path

    @property
    def engine(self) -> Engine:
        return TOY

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        return self.server.query(sql, values)

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        self.server.run(sql, values)

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        self.server.put(table, rows, better)

    def query_read_only(self, sql: str) -> Answer:
        return self.server.query_read_only(sql)

    def shared(self) -> AbstractContextManager[None]:
        """Nothing to do: a server is always shared."""
        return nullcontext()

    def locks(self) -> list[Lock]:
        return []

    def install(self, objects: Sequence[Object], views: Sequence[View], zone: str = "UTC") -> list[str]:
        statements = [
            *ledger_statements(LEDGER_TABLES, TOY),
            *(s for o in objects for s in warehouse_statements(o, TOY)),
        ]
        for statement in statements:
            self.run(statement)
        return []

    def missing(self, objects: Sequence[Object]) -> list[str]:
        return []

    def count(self, obj: Object) -> int:
        return self.server.count(obj)

    def merge(self, obj: Object, batches: Sequence[Staged], hooks: CommitHooks) -> dict[str, Counts]:
        counts = {batch.batch_id: Counts() for batch in batches}
        files = [path for batch in batches for path in batch.files]
        staged = staging.stage(self.local, obj, TOY, files, has_all_columns=True)
        tombstones = staging.Tombstones(self.local, staged)
        with self._transaction():
            for batch_id in staging.batches(self.local, staged.rows):
                self._copy(staged.rows, f"WHERE record_batch_id = '{batch_id}'")
                tombstones.add(batch_id, self._elsewhere(obj))
                counts[batch_id] = self._merge(obj)
            for refused in staged.refused:
                merged = counts[refused.batch_id]
                counts[refused.batch_id] = replace(merged, rejected=merged.rejected + 1)
            if moved := tombstones.batches():
                hooks.tombstones(tombstones.rows, moved)
            hooks.ledger(self, counts, staged.refused)
        return counts

    def _copy(self, rows: Relation, where: str = "") -> None:
        path = self.scratch / "toy.parquet"
        self.local.execute(f"COPY (SELECT * FROM {rows.sql} {where}) TO '{path}' (FORMAT parquet)")
        self.run(f"CREATE OR REPLACE TEMP TABLE record_staged AS FROM '{path}'")

    def _elsewhere(self, obj: Object) -> Rows:
        columns = ", ".join(elsewhere_columns(obj, TOY, "t"))
        other = f"s.{PARTITION_DATE} <> {partition_date(obj, TOY, 't')} AND {same_key(obj, TOY, 's', 't')}"
        return self.query(
            f"SELECT {columns} FROM {_table(obj)} AS t WHERE EXISTS (SELECT 1 FROM record_staged AS s WHERE {other})"
        )

    def _merge(self, obj: Object) -> Counts:
        keys, names = ", ".join(map(TOY.quote, obj.key)), ", ".join(TOY.quote(column.name) for column in obj.columns)
        compared = " ".join(comparison(obj, TOY, "s", "t"))
        self.run(
            f"CREATE OR REPLACE TEMP TABLE record_best AS SELECT s.*, s.rowid AS record_row, t.record_is_deleted AS "
            f"record_was_deleted, CASE WHEN t.record_hash IS NULL THEN 1 {compared} ELSE 0 END AS record_comparison FROM "
            f"(SELECT rowid, * FROM record_staged QUALIFY row_number() OVER (PARTITION BY {keys} "
            f"ORDER BY {order_by(obj, TOY)}) = 1) AS s LEFT JOIN {_table(obj)} AS t ON {same_key(obj, TOY, 's', 't')}"
        )
        won = "SELECT * FROM record_best WHERE record_comparison = 1"
        self.run(f"DELETE FROM {_table(obj)} WHERE ({keys}) IN (SELECT ({keys}) FROM ({won}))")
        self.run(f"INSERT INTO {_table(obj)} ({names}) SELECT {names} FROM ({won})")
        changed = self.query(
            f"SELECT count(*) FILTER (is_new AND NOT is_gone), count(*) FILTER (NOT is_new AND NOT is_gone), "
            f"count(*) FILTER (NOT is_new AND is_gone) FROM (SELECT COALESCE(record_was_deleted, true) AS is_new, "
            f"record_is_deleted AS is_gone FROM ({won}))"
        )[0]
        arms = " ".join(comparison(obj, TOY, "s", "t"))
        ((superseded,),) = self.query(
            f"SELECT count(*) FILTER (CASE {arms} ELSE 0 END = -1) FROM record_staged AS s "
            f"JOIN {_table(obj)} AS t ON {same_key(obj, TOY, 's', 't')}"
        )
        ((rows,),) = self.query("SELECT count(*) FROM record_staged")
        terms = (*changed, superseded, rows - sum(changed) - superseded)
        return replace(Counts(), **dict(zip(COUNTS, terms, strict=True)))

    def rebuild(
        self, obj: Object, groups: Sequence[Sequence[Path]], before_commit: Callable[[Session, int], None]
    ) -> int:
        with self._transaction():
            self.run(f"DELETE FROM {_table(obj)}")
            for paths in groups:
                self._copy(staging.fold(self.local, obj, TOY, paths))
                self.run(f"INSERT INTO {_table(obj)} BY NAME FROM record_staged")
            before_commit(self, self.count(obj))
        return self.count(obj)

    def refold(
        self, obj: Object, touched: Relation, winners: Relation, before_commit: Callable[[Session, int], None]
    ) -> None:
        keys, names = ", ".join(map(TOY.quote, obj.key)), ", ".join(TOY.quote(column.name) for column in obj.columns)
        with self._transaction():
            before = self.count(obj)
            self._copy(touched)
            self.run(f"DELETE FROM {_table(obj)} WHERE ({keys}) IN (SELECT ({keys}) FROM record_staged)")
            self._copy(winners)
            self.run(f"INSERT INTO {_table(obj)} ({names}) SELECT {names} FROM record_staged")
            before_commit(self, self.count(obj) - before)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")


def _table(obj: Object) -> str:
    return quote_qualified(TOY, obj.warehouse_table)


@contextmanager
def open_warehouse(opening: Opening) -> Iterator[ToyWarehouse]:
    opening.scratch.mkdir(parents=True, exist_ok=True)
    with (
        duckdb.connect(opening.url.removeprefix("toy://")) as con,
        open_beside(opening, opening.scratch / "spill") as local,
    ):
        yield ToyWarehouse(DuckDBWarehouse(con), local, opening.scratch)


@pytest.fixture
def toy_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that a target needs: its engine, its module, its line in each of the two lists."""
    module: Any = ModuleType("trunkline.warehouse.toy")
    module.open_warehouse = module.open_reader = open_warehouse
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(engines.ENGINES, "toy", TOY)
    monkeypatch.setitem(targets.TARGETS, "toy", targets.Target("toy", "toy"))
    monkeypatch.setitem(WAREHOUSE_URLS, "toy", "toy:///path/to/file")
    return f"toy://{tmp_path}/server.db"


def test_a_new_target_loads_like_the_others(tmp_path: Path, toy_url: str) -> None:
    """Late, repeated, moved and refused rows; the lake, a rebuild and an undo agree."""

    def at(key: str, second: int, day: int, **more: Any) -> dict[str, Any]:
        return narrow(key, Changed=f"2026-03-09T10:00:0{second}Z", Began=f"2026-03-0{day}T10:00:00Z", **more)

    with opened(tmp_path / "home", NARROW, warehouse=toy_url, pii="keep") as home:
        home.warehouse.install([NARROW], [])
        first = load_into(home, write(tmp_path / "in" / "1", at("a", 2, 3), at("a", 1, 3), at("b", 1, 3)), obj=NARROW)
        assert (first.counts.inserted, first.counts.superseded) == (2, 1)
        before = table(home, NARROW)
        path = write(
            tmp_path / "in" / "2",
            at("a", 1, 3), at("b", 2, 4), at("c", 1, 3), at("c", 1, 3), at("d", 1, 3, Phone="x" * 1001),
        )  # fmt: skip
        second = load_into(home, path, obj=NARROW)
        assert (second.counts.inserted, second.counts.updated, second.counts.rejected) == (1, 1, 1)
        # The late copy of a may be superseded or, where it equals a row that lost before, too.
        assert second.counts.superseded + second.counts.duplicate == 2
        rows = table(home, NARROW)
        assert [(row["id"], row["began_at"].day) for row in rows] == [("a", 3), ("b", 4), ("c", 3)]
        assert rows == [row for row in lake_best(home, NARROW) if row["id"] != "d"]
        rebuild(home, NARROW)
        assert table(home, NARROW) == rows
        ((batch,),) = home.warehouse.query(
            "SELECT batch_id FROM ledger.batch WHERE first_position LIKE $1", [f"{path}@%"]
        )
        undo(home, [NARROW], batch)
        assert table(home, NARROW) == before == lake_best(home, NARROW)
        assert totals(home, NARROW).inserted == len(before)
