"""A Redshift behind its Data API as the pipelines' warehouse."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from trunkline.accounting import Counts
from trunkline.aws.clients import make_client
from trunkline.aws.redshift_data import DataApi, SqlError
from trunkline.aws.redshift_once import Attempt, StatementApi, Work, perform
from trunkline.engines.model import Engine, quote_qualified
from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import TerminalError, UsageError
from trunkline.objects.ledger import BATCH, LedgerTable
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.records import Refused
from trunkline.sql.merge.plpgsql import COUNTS
from trunkline.sql.merge.redshift_load import Format, create_staged, put_statements, staged_table
from trunkline.sql.merge.staged import staging_sql
from trunkline.sql.relation import Relation
from trunkline.sql.session import Rows, Session
from trunkline.warehouse import staging
from trunkline.warehouse.duckdb.warehouse import open_beside
from trunkline.warehouse.model import Answer, CommitHooks, Lock, Opening, Staged
from trunkline.warehouse.redshift import installing, rebuilding, refolding
from trunkline.warehouse.redshift.address import Address, address_of
from trunkline.warehouse.redshift.bound import Bound, as_text, from_api
from trunkline.warehouse.redshift.files import Folder
from trunkline.warehouse.redshift.held import find_elsewhere
from trunkline.warehouse.redshift.load_errors import LoadError, load_errors
from trunkline.warehouse.redshift.question import check_question
from trunkline.warehouse.redshift.request import (
    Collected,
    Fill,
    TooLongError,
    format_for,
    is_for_insert,
    ledger_request,
    merge_request,
)

_SEARCH_PATH: Final = "SET search_path TO connect_datalake, connect, ledger, public"


@dataclass(frozen=True, slots=True)
class RedshiftWarehouse:
    """One Redshift database. `local` is the embedded engine that reads the lake's files.

    `s3` gives the client for staged files when they are first needed; `foldered` are the works that have put some.
    """

    api: StatementApi
    address: Address
    s3: Callable[[], Any]
    local: duckdb.DuckDBPyConnection
    scratch: Path
    said: Callable[[str], None] = field(default=lambda _: None)
    foldered: set[str] = field(default_factory=set)

    @property
    def engine(self) -> Engine:
        """Redshift."""
        return REDSHIFT

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """All rows of a query."""
        statement_id = self._run(sql, values)
        columns, rows = self.api.table(statement_id)
        return [tuple(from_api(value, type_) for value, (_, type_) in zip(row, columns, strict=True)) for row in rows]

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """A statement that changes something."""
        self._run(sql, values)

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        """Insert ledger rows whose key is not there, in one transaction."""
        collected = Collected()
        collected.put(table, rows, better)
        if rows:
            bound = Bound()
            texts = [[as_text(row[column.name]) for column in table.columns] for row in rows]
            fill = bound.insert(staged_table(table), table.columns, texts)
            self.send([create_staged(table), fill, *put_statements(table, better)], bound)

    def ask(self, sql: str) -> Answer:
        """A person's question: one query that changes nothing."""
        check_question(sql)
        # A session lasts as long as a request, so that the names are told anew in each.
        batch = self.api.batch([_SEARCH_PATH, sql], uuid.uuid4().hex)
        try:
            self.api.ended(batch, self.address.timeout_s)
        except SqlError as error:
            raise UsageError(f"the query cannot be run: {error.text}") from None
        columns, rows = self.api.table(f"{batch}:2")
        typed = [tuple(from_api(value, type_) for value, (_, type_) in zip(row, columns, strict=True)) for row in rows]
        return Answer([name for name, _ in columns], [*typed])

    def locks(self) -> list[Lock]:
        """Who holds or waits for our tables just now."""
        rows = self.query(
            "SELECT n.nspname || '.' || c.relname, 'process ' || t.pid || ' of ' || TRIM(t.txn_owner), t.granted, "
            "t.txn_start FROM svv_transactions AS t JOIN pg_class AS c ON c.oid = t.relation "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE t.lock_mode = 'AccessExclusiveLock' AND n.nspname IN ('connect', 'ledger') ORDER BY 1, 4"
        )
        return [Lock(str(table), str(holder), bool(granted), since) for table, holder, granted, since in rows]

    def install(self, objects: Sequence[Object], views: Sequence[View]) -> list[str]:
        """Create what is not there, add columns that the catalogue has gained."""
        return installing.install(self, objects, views)

    def missing(self, objects: Sequence[Object]) -> list[str]:
        """Names of the objects that `install` has something to do for."""
        return installing.missing(self, objects)

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
            self.perform(self._work(obj, batch_ids, ledger, rows, hooks))
        finally:
            staging.drop(self.local, obj)
        return self._counted(batch_ids)

    def rebuild(
        self, obj: Object, groups: Sequence[Sequence[Path]], before_commit: Callable[[Session, int], None]
    ) -> int:
        """Fill the table again from the lake's files; the old rows stay until the new are there."""
        return rebuilding.rebuild(self, obj, groups, before_commit)

    def refold(
        self, obj: Object, touched: Relation, winners: Relation, before_commit: Callable[[Session, int], None]
    ) -> None:
        """Delete the rows whose keys are in `touched`, insert those of `winners`."""
        refolding.refold(self, obj, touched, winners, before_commit)

    def count(self, obj: Object) -> int:
        """Rows of the table that are not deleted."""
        table = quote_qualified(REDSHIFT, obj.warehouse_table)
        return int(self.query(f"SELECT COUNT(*) FROM {table} WHERE NOT record_is_deleted")[0][0])

    def send(self, sqls: Sequence[str], bound: Bound | None = None) -> None:
        """Statements as one transaction that may be repeated; waits for its end."""
        parameters = bound.parameters if bound else {}
        self.api.ended(self.api.batch(list(sqls), uuid.uuid4().hex, parameters), self.address.timeout_s)

    def perform(self, work: Work) -> None:
        """Do a piece of work once, and remove its files. Raises LoadError with the rows that COPY refused."""
        try:
            earlier = perform(self.api, work)
        except SqlError as error:
            rows = load_errors(self.api, work.key, self.address.timeout_s) if "sys_load_error" in error.text else []
            if rows:
                raise LoadError(error, rows) from error
            raise
        if self.address.staging and (earlier or work.key in self.foldered):
            self.folder(work.key, 0).remove_all()
            self.foldered.discard(work.key)

    def folder(self, key: str, number: int) -> Folder:
        """The place for the files of one try. Raises TerminalError where none is set."""
        if self.address.staging is None:
            raise TerminalError(
                "this load is too large to be sent as values, and no place for files is set: add "
                "&staging=s3://bucket/prefix&iam_role=default to the setting warehouse, in the cluster's Region"
            )
        self.foldered.add(key)
        return Folder(self.s3(), self.address.staging, key, number, self.address.iam_role)

    def filled(
        self, obj: Object, relation: Relation | None, key: str, number: int, made: Callable[[Fill], Attempt]
    ) -> Attempt:
        """A request with values where rows and ledger are small, else with files. `relation` None: no rows."""
        is_long = relation is not None and format_for(self.local, obj, relation, "parquet") == "json"
        if relation is None or (not is_long and is_for_insert(self.local, relation)):
            try:
                return made(Fill(None, "parquet", self.scratch))
            except TooLongError:
                pass
        format_: Format = "json" if is_long else self.address.format
        return made(Fill(self.folder(key, number), format_, self.scratch))

    def key_of(self, kind: str, obj: Object, parts: Sequence[str]) -> str:
        """What names a piece of work in every process."""
        text = "|".join([kind, self.api.target.url, obj.name, *parts])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _run(self, sql: str, values: Sequence[object]) -> str:
        bound = Bound()
        text = bound.statement(sql, values)
        return self.api.run(text, uuid.uuid4().hex, bound.parameters, timeout_s=self.address.timeout_s).id

    def _work(
        self, obj: Object, batch_ids: Sequence[str], ledger: Collected, rows: Relation | None, hooks: CommitHooks
    ) -> Work:
        """The merge of these batches. `rows` is None where no row is staged."""
        key = self.key_of("merge", obj, batch_ids)

        def made(fill: Fill) -> Attempt:
            if rows is None:
                return ledger_request(ledger, fill)
            return merge_request(self.local, obj, rows, batch_ids, ledger, fill)

        def request(number: int) -> Attempt:
            if rows is not None:
                # Before the transaction: were it after, a process that dies between the two would leave none.
                elsewhere = find_elsewhere(self, self.local, obj, rows)
                hooks.tombstones(staging.find_moved(self.local, staging_sql(obj), elsewhere), batch_ids)
            return self.filled(obj, rows, key, number, made)

        return Work(key, request, lambda: self.holds(batch_ids), self.address.timeout_s, self.said)

    def holds(self, batch_ids: Sequence[str]) -> bool:
        """Whether the ledger has all of these batches."""
        return self._held(batch_ids).keys() >= set(batch_ids)

    def _held(self, batch_ids: Sequence[str]) -> dict[str, Counts]:
        """What the ledger says of batches; without those that it does not know."""
        names = [*COUNTS, "rejected"]
        marks = ", ".join(f"${number}" for number in range(1, len(batch_ids) + 1))
        table, listed = quote_qualified(REDSHIFT, BATCH.name), ", ".join(names)
        rows = self.query(f"SELECT batch_id, {listed} FROM {table} WHERE batch_id IN ({marks})", list(batch_ids))
        return {row[0]: replace(Counts(), **dict(zip(names, row[1:], strict=True))) for row in rows}

    def _counted(self, batch_ids: Sequence[str]) -> dict[str, Counts]:
        held = self._held(batch_ids)
        lost = [batch_id for batch_id in batch_ids if batch_id not in held]
        if lost:
            raise TerminalError(f"the merge ended and the ledger does not have {', '.join(lost)}; report this.")
        return held


@contextmanager
def open_warehouse(opening: Opening) -> Iterator[RedshiftWarehouse]:
    """The database, to change or to ask it. Nothing is asked before the first question."""
    address = address_of(opening.url)
    api = DataApi(make_client("redshift-data", address.target.region), address.target)
    clients: list[Any] = []

    def s3() -> Any:
        if not clients:
            clients.append(make_client("s3", address.target.region))
        return clients[0]

    opening.scratch.mkdir(parents=True, exist_ok=True)
    try:
        with open_beside(opening, opening.scratch / "spill") as local:
            yield RedshiftWarehouse(api, address, s3, local, opening.scratch)
    finally:
        for client in [api.client, *clients]:
            client.close()


open_reader = open_warehouse
