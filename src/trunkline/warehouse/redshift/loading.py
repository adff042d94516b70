"""Rows from the lake into a Redshift: merge, rebuild and refold, each one transaction with the ledger, done once."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from trunkline.accounting import Counts
from trunkline.aws.redshift_data import SqlError
from trunkline.aws.redshift_once import Attempt, Work, perform
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import TerminalError
from trunkline.objects.ledger import BATCH
from trunkline.objects.model import Object
from trunkline.records import Refused
from trunkline.sql.merge.plpgsql import COUNTS
from trunkline.sql.merge.redshift_load import Format
from trunkline.sql.merge.staged import elsewhere_columns, staging_sql
from trunkline.sql.order import partition_date
from trunkline.sql.relation import BATCH_ID, PARTITION_DATE, Relation, object_rows
from trunkline.sql.session import Rows, Session
from trunkline.warehouse import staging
from trunkline.warehouse.model import CommitHooks, Staged
from trunkline.warehouse.redshift.files import Folder, LoadError, load_errors
from trunkline.warehouse.redshift.request import (
    Collected,
    Fill,
    TooLongError,
    format_for,
    is_for_insert,
    ledger_request,
    merge_request,
    rebuild_request,
    refold_request,
)
from trunkline.warehouse.redshift.session import RedshiftSession

# Rows without a batch; the column is not nullable. A refold marks deleted keys and new rows.
_NO_BATCH: Final = "0" * 32
_GONE, _NEW = "f" * 32, "0" * 32
# A key takes some 50 bytes in a statement and as many as a value.
_KEYS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class RedshiftLoader:
    """Loads one database.

    `local` is the embedded engine that reads the lake's files. `s3` gives the client for staged files when they are
    first needed; `said` is called with what is waited for; `foldered` are the keys of work that has put files.
    """

    db: RedshiftSession
    local: duckdb.DuckDBPyConnection
    s3: Callable[[], Any]
    scratch: Path
    said: Callable[[str], None] = field(default=lambda _: None)
    foldered: set[str] = field(default_factory=set)

    def merge(self, obj: Object, batches: Sequence[Staged], hooks: CommitHooks) -> dict[str, Counts]:
        """Fold batches into the table: copy, merge and ledger in one transaction, sent once."""
        batch_ids = [batch.batch_id for batch in batches]
        files = [path for batch in batches for path in batch.files]
        ledger = Collected()
        refused: list[Refused] = []
        rows: Relation | None = None
        try:
            if files:
                staged = staging.stage(self.local, obj, REDSHIFT, files, has_all_columns=True)
                refused = staged.refused
                has_rows = self.local.execute(f"SELECT 1 FROM {staged.rows.sql} LIMIT 1").fetchall()
                rows = staged.rows if has_rows else None
            hooks.ledger(ledger, {}, refused)
            ledger.set_rejected(refused)
            self._perform(self._merge(obj, batch_ids, ledger, rows, hooks))
        finally:
            staging.drop(self.local, obj)
        return self._counted(batch_ids)

    def _merge(
        self, obj: Object, batch_ids: Sequence[str], ledger: Collected, rows: Relation | None, hooks: CommitHooks
    ) -> Work:
        """The merge of these batches. `rows` is None where no row is staged."""
        key = self._key("merge", obj, batch_ids)

        def made(fill: Fill) -> Attempt:
            if rows is None:
                return ledger_request(ledger, fill)
            return merge_request(self.local, obj, rows, batch_ids, ledger, fill)

        def request(number: int) -> Attempt:
            if rows is not None:
                # Before the transaction: after it, a process that dies between the two would leave none.
                elsewhere = _find_elsewhere(self.db, self.local, obj, rows)
                hooks.tombstones(staging.find_moved(self.local, staging_sql(obj), elsewhere), batch_ids)
            return self._filled(obj, rows, key, number, made)

        return Work(key, request, lambda: self._has(batch_ids), self.db.address.timeout_s, self.said)

    def rebuild(
        self, obj: Object, groups: Sequence[Sequence[Path]], before_commit: Callable[[Session, int], None]
    ) -> int:
        """Fill the table again. The fold is the local engine's, which spills to disk; Redshift gets its result."""
        folded = object_rows(obj, "all_folded", [BATCH_ID])
        try:
            rows = self._fold(obj, folded, groups)
            ledger = Collected()
            before_commit(ledger, self._rows(folded, is_live=True))
            # A rebuild leaves the same rows however often it runs, so each one is a piece of work of its own.
            key = self._key("rebuild", obj, [uuid.uuid4().hex])

            def made(fill: Fill) -> Attempt:
                return rebuild_request(self.local, obj, folded, ledger, fill, bool(rows))

            def request(number: int) -> Attempt:
                return self._filled(obj, folded, key, number, made)

            self._perform(Work(key, request, lambda: False, self.db.address.timeout_s, self.said))
        finally:
            self.local.execute(f"DROP TABLE IF EXISTS temp.{folded.sql}")
        return rows

    def _fold(self, obj: Object, folded: Relation, groups: Sequence[Sequence[Path]]) -> int:
        declared = ", ".join(f"{DUCKDB.quote(c.name)} {DUCKDB.type_of(c)}" for c in obj.columns)
        self.local.execute(f"CREATE OR REPLACE TEMP TABLE {folded.sql} ({declared}, {BATCH_ID} VARCHAR)")
        for paths in groups:
            part = staging.fold(self.local, obj, REDSHIFT, paths)
            self.local.execute(f"INSERT INTO {folded.sql} SELECT *, '{_NO_BATCH}' FROM {part.sql}")
            self.local.execute(f"DROP TABLE {part.sql}")
        return self._rows(folded)

    def refold(
        self, obj: Object, touched: Relation, winners: Relation, before_commit: Callable[[Session, int], None]
    ) -> None:
        """Replace the rows of some keys. They are counted before, so no other loader may write the table meanwhile."""
        keys, columns = (", ".join(map(DUCKDB.quote, names)) for names in (obj.key, (c.name for c in obj.columns)))
        both = object_rows(obj, "refolding", [BATCH_ID])
        try:
            self.local.execute(
                f"CREATE OR REPLACE TEMP TABLE {both.sql} AS SELECT {columns}, '{_NEW}' AS {BATCH_ID} "
                f"FROM {winners.sql} UNION ALL BY NAME SELECT {keys}, '{_GONE}' AS {BATCH_ID} FROM {touched.sql}"
            )
            rows = both if self._rows(both) else None
            ledger = Collected()
            before_commit(ledger, self._rows(winners, is_live=True) - self._rows_of_keys(obj, touched))
            batch_ids = [row["batch_id"] for row in ledger.puts[BATCH.name][2]]
            key = self._key("refold", obj, batch_ids)

            def made(fill: Fill) -> Attempt:
                if rows is None:
                    return ledger_request(ledger, fill)
                return refold_request(self.local, obj, rows, (_GONE, _NEW), ledger, fill)

            def request(number: int) -> Attempt:
                return self._filled(obj, rows, key, number, made)

            self._perform(Work(key, request, lambda: self._has(batch_ids), self.db.address.timeout_s))
        finally:
            self.local.execute(f"DROP TABLE IF EXISTS temp.{both.sql}")

    def _rows(self, relation: Relation, is_live: bool = False) -> int:
        """The number of rows; with `is_live` without those of deleted keys."""
        where = " WHERE NOT record_is_deleted" if is_live else ""
        rows: int = self.local.execute(f"SELECT count(*) FROM {relation.sql}{where}").fetchall()[0][0]
        return rows

    def _rows_of_keys(self, obj: Object, touched: Relation) -> int:
        """How many rows the table has of these keys, without deleted ones."""
        keys = self.local.execute(f"SELECT {', '.join(map(DUCKDB.quote, obj.key))} FROM {touched.sql}").fetchall()
        table, count = quote_qualified(REDSHIFT, obj.warehouse_table), 0
        for start in range(0, len(keys), _KEYS_MAX):
            values: list[object] = []
            arms = []
            for row in keys[start : start + _KEYS_MAX]:
                values += row
                marks = range(len(values) - len(row) + 1, len(values) + 1)
                same = (f"{REDSHIFT.quote(key)} = ${mark}" for key, mark in zip(obj.key, marks, strict=True))
                arms.append(f"({' AND '.join(same)})")
            where = f"({' OR '.join(arms)}) AND NOT record_is_deleted"
            count += int(self.db.query(f"SELECT COUNT(*) FROM {table} WHERE {where}", values)[0][0])
        return count

    def _perform(self, work: Work) -> None:
        """Do a piece of work once, and remove its files. Raises LoadError with the rows that COPY refused."""
        api, address = self.db.api, self.db.address
        try:
            earlier = perform(api, work)
        except SqlError as error:
            rows = load_errors(api, work.key, address.timeout_s) if "sys_load_error" in error.text else []
            if rows:
                raise LoadError(error, rows) from error
            raise
        if address.staging and (earlier or work.key in self.foldered):
            self._folder(work.key, 0).remove_all()
            self.foldered.discard(work.key)

    def _folder(self, key: str, number: int) -> Folder:
        """The place for the files of one try. Raises TerminalError where none is set."""
        address = self.db.address
        if address.staging is None:
            raise TerminalError(
                "this load is too large to be sent as values, and no place for files is set: add "
                "&staging=s3://bucket/prefix&iam_role=default to the setting warehouse, in the cluster's Region"
            )
        self.foldered.add(key)
        return Folder(self.s3(), address.staging, key, number, address.iam_role)

    def _filled(
        self, obj: Object, relation: Relation | None, key: str, number: int, made: Callable[[Fill], Attempt]
    ) -> Attempt:
        """A request with values where rows and ledger are small, else with files. `relation` None: no rows."""
        is_long = relation is not None and format_for(self.local, obj, relation, "parquet") == "json"
        if relation is None or (not is_long and is_for_insert(self.local, relation)):
            try:
                return made(Fill(None, "parquet", self.scratch))
            except TooLongError:
                pass
        format_: Format = "json" if is_long else self.db.address.format
        return made(Fill(self._folder(key, number), format_, self.scratch))

    def _key(self, kind: str, obj: Object, parts: Sequence[str]) -> str:
        """What names a piece of work in every process."""
        text = "|".join([kind, self.db.api.target.url, obj.name, *parts])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _has(self, batch_ids: Sequence[str]) -> bool:
        """Whether the ledger has all of these batches."""
        return self._recorded(batch_ids).keys() >= set(batch_ids)

    def _recorded(self, batch_ids: Sequence[str]) -> dict[str, Counts]:
        """The counts of batches that the ledger has."""
        names = [*COUNTS, "rejected"]
        marks = ", ".join(f"${number}" for number in range(1, len(batch_ids) + 1))
        table, listed = quote_qualified(REDSHIFT, BATCH.name), ", ".join(names)
        rows = self.db.query(f"SELECT batch_id, {listed} FROM {table} WHERE batch_id IN ({marks})", list(batch_ids))
        return {row[0]: replace(Counts(), **dict(zip(names, row[1:], strict=True))) for row in rows}

    def _counted(self, batch_ids: Sequence[str]) -> dict[str, Counts]:
        recorded = self._recorded(batch_ids)
        lost = [batch_id for batch_id in batch_ids if batch_id not in recorded]
        if lost:
            raise TerminalError(f"the merge ended and the ledger does not have {', '.join(lost)}; report this.")
        return recorded


def _find_elsewhere(db: Session, con: duckdb.DuckDBPyConnection, obj: Object, staged: Relation) -> Rows:
    """The table's rows at another partition date than the staged row of their key, as `add_held` takes them.

    The lake needs to know them: its older partition gets a tombstone. They are few, and asking does not wait for the
    transaction, so that tombstones are published before it and none is lost when the process dies after it.
    """
    return [row for keys in _staged_keys(con, obj, staged) for row in _elsewhere_of(db, obj, keys)]


def _staged_keys(con: duckdb.DuckDBPyConnection, obj: Object, staged: Relation) -> Iterator[list[tuple[Any, ...]]]:
    """Every staged key with the date of its best row, or NULL where its staged rows have several."""
    keys = ", ".join(f"s.{DUCKDB.quote(key)}" for key in obj.key)
    rows = con.execute(
        f"SELECT {keys}, CASE WHEN min(s.{PARTITION_DATE}) = max(s.{PARTITION_DATE}) THEN min(s.{PARTITION_DATE}) END "
        f"AS record_day FROM {staged.sql} AS s GROUP BY {keys} ORDER BY record_day, {keys}"
    ).fetchall()
    for start in range(0, len(rows), _KEYS_MAX):
        yield rows[start : start + _KEYS_MAX]


def _elsewhere_of(db: Session, obj: Object, keys: Sequence[tuple[Any, ...]]) -> Rows:
    quote, date = REDSHIFT.quote, partition_date(obj, REDSHIFT, "t")
    values: list[object] = []

    def mark(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    arms = []
    for day in dict.fromkeys(row[-1] for row in keys):
        of_day = [row[:-1] for row in keys if row[-1] == day]
        if len(obj.key) == 1:
            where = f"t.{quote(obj.key[0])} IN ({', '.join(mark(row[0]) for row in of_day)})"
        else:
            where = " OR ".join(
                "(" + " AND ".join(f"t.{quote(k)} = {mark(v)}" for k, v in zip(obj.key, row, strict=True)) + ")"
                for row in of_day
            )
        arms.append(f"(({where})" + (f" AND {date} <> DATE '{day}')" if day is not None else ")"))
    listed, table = ", ".join(elsewhere_columns(obj, REDSHIFT, "t")), quote_qualified(REDSHIFT, obj.warehouse_table)
    return db.query(f"SELECT {listed} FROM {table} AS t WHERE {' OR '.join(arms)}", values)
