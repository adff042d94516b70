"""The embedded warehouse: one DuckDB file, written by one process at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from trunkline.accounting import Counts
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, quote_qualified
from trunkline.errors import TerminalError, UsageError
from trunkline.objects.ledger import INSTALLATION, LedgerTable
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.merge.embedded import merge_tables
from trunkline.sql.relation import Relation
from trunkline.sql.session import Rows, Session
from trunkline.table import Table, rows_of
from trunkline.urls import path_of
from trunkline.warehouse.duckdb import install as duckdb_install
from trunkline.warehouse.duckdb import merge as duckdb_merge
from trunkline.warehouse.duckdb.attachment import CATALOG, Attachment, attach_to_read
from trunkline.warehouse.model import Answer, CommitHooks, Lock, Opening, Staged, installation_rows

# DuckDB's storage format: a main header and two database headers of 4,096 bytes, the magic word after a checksum.
_HEADERS_BYTES = 3 * 4_096
_MAGIC = b"DUCK"
_MAGIC_END = 12
_UNKNOWN_COLUMN: Final = re.compile(r"(?:Referenced column|does not have a column named) \"([^\"]+)\"")
# Every column of the warehouse and of the lake, with its table as a query names it.
_COLUMNS: Final = (
    "(SELECT CASE WHEN database_name = 'lake' THEN 'lake.' ELSE '' END || CASE WHEN database_name = 'lake' AND "
    "schema_name = 'main' THEN '' ELSE schema_name || '.' END || table_name AS name, table_name, column_name "
    "FROM duckdb_columns() WHERE database_name IN ($1, 'lake') AND NOT internal)"
)


@dataclass(frozen=True, slots=True)
class DuckDBWarehouse:
    """The embedded warehouse over one connection, which reads the lake's files too.

    `attachment` is the file that it writes; None where it reads only, or has no file.
    """

    con: duckdb.DuckDBPyConnection
    attachment: Attachment | None = None

    @property
    def local(self) -> duckdb.DuckDBPyConnection:
        """The connection. While the warehouse is shared its tables are there only within a method."""
        if self.attachment is not None:
            self.attachment.ensure()
        return self.con

    def shared(self) -> AbstractContextManager[None]:
        """Meanwhile other processes can read the file, except while a method runs."""
        return self.attachment.shared() if self.attachment is not None else nullcontext()

    def _used(self) -> AbstractContextManager[None]:
        return self.attachment.use() if self.attachment is not None else nullcontext()

    @property
    def engine(self) -> Engine:
        """DuckDB."""
        return DUCKDB

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """All rows of a query."""
        with self._used():
            return self.local.execute(sql, list(values)).fetchall()

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """A statement that changes something."""
        with self._used():
            self.local.execute(sql, list(values))

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        """Insert rows whose key is not there, and replace those that are worse in `better`; two statements for all."""
        if not rows:
            return
        names = [column.name for column in table.columns]
        target, listed = quote_qualified(DUCKDB, table.name), ", ".join(DUCKDB.quote(name) for name in names)
        columns = ", ".join(
            f"unnest(${n}::{DUCKDB.type_of(c)}[]) AS {DUCKDB.quote(c.name)}" for n, c in enumerate(table.columns, 1)
        )
        there = " AND ".join(f"t.{DUCKDB.quote(key)} = new_rows.{DUCKDB.quote(key)}" for key in table.key)
        values = [[row[name] for row in rows] for name in names]
        if better:
            held, new = (f"ROW({', '.join(f'{one}.{DUCKDB.quote(c)}' for c in better)})" for one in ("t", "new_rows"))
            self.local.execute(
                f"DELETE FROM {target} AS t USING (SELECT {columns}) AS new_rows WHERE {there} AND {held} < {new}",
                values,
            )
        self.local.execute(
            f"INSERT INTO {target} ({listed}) SELECT {listed} FROM (SELECT {columns}) AS new_rows "
            f"WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {there})",
            values,
        )

    def query_read_only(self, sql: str) -> Answer:
        """One query. Raises UsageError for a faulty query, else the engine's own error."""
        with self._query_errors(sql):
            relation = self.local.sql(sql)
            return Answer([str(name) for name in relation.columns], rows_of(relation))

    def table(self, sql: str, values: Sequence[object] = ()) -> Table:
        """One query as an Arrow table. Raises UsageError for a faulty query, else the engine's own error."""
        with self._query_errors(sql):
            return Table(self.local.sql(sql, params=list(values)))

    @contextmanager
    def _query_errors(self, sql: str) -> Iterator[None]:
        try:
            yield
        except (duckdb.InterruptException, duckdb.OutOfMemoryException, duckdb.IOException):
            raise
        except duckdb.Error as error:
            is_of_lake = ".parquet" in str(error) and isinstance(error, duckdb.InvalidInputException)
            if type(error) is duckdb.Error or is_of_lake:
                raise
            raise UsageError(f"the query cannot be run: {str(error).strip()}{self._hint(sql, str(error))}") from None

    def _hint(self, sql: str, error: str) -> str:
        """The tables that there are where one is unknown, and those with a column that is unknown in the query's."""
        if error.startswith("Catalog Error: Table"):
            rows = self.local.execute(f"SELECT DISTINCT name FROM {_COLUMNS} ORDER BY name", [CATALOG]).fetchall()
            return "\nTables: " + ", ".join(name for (name,) in rows)
        column = _UNKNOWN_COLUMN.search(error)
        if column is None:
            return ""
        try:
            tables = [name.rpartition(".")[2].strip('"') for name in self.local.get_table_names(sql)]
        except duckdb.Error:
            return ""
        # The tables of the same object share the most columns with those of the query.
        rows = self.local.execute(
            f"WITH known AS (SELECT * FROM {_COLUMNS}), used AS (SELECT column_name FROM known WHERE table_name IN "
            "(SELECT unnest($2::VARCHAR[]))) SELECT name FROM known SEMI JOIN used USING (column_name) WHERE name IN "
            "(SELECT name FROM known WHERE lower(column_name) = lower($3)) AND name NOT LIKE '%\\_staging' ESCAPE '\\' "
            "GROUP BY name QUALIFY count(*) = max(count(*)) OVER () ORDER BY name",
            [CATALOG, tables, column[1]],
        ).fetchall()
        return f"\n{column[1]} is a column of {', '.join(name for (name,) in rows)}" if rows else ""

    def locks(self) -> list[Lock]:
        """None: whoever writes holds the whole file."""
        return []

    def install(self, objects: Sequence[Object], views: Sequence[View], zone: str = "UTC") -> list[str]:
        """Create what is not there; follow the catalogue's columns and types."""
        with duckdb_merge.transaction(self.local):
            duckdb_install.install(self.local, objects, views, zone)
            self.put(INSTALLATION, installation_rows(duckdb_install.fingerprints(objects, views, zone)))
        return []

    def missing(self, objects: Sequence[Object], views: Sequence[View] = (), zone: str = "UTC") -> list[str]:
        """Names of the objects that `install` has something to do for; all, where the views or the zone differ."""
        return duckdb_install.missing(self.local, objects, views, zone)

    def merge(self, obj: Object, batches: Sequence[Staged], hooks: CommitHooks) -> dict[str, Counts]:
        """Fold batches into the table, all of them with one set of statements."""

        def before_commit(counts: dict[str, Counts]) -> None:
            if counts:
                hooks.tombstones(merge_tables(obj).moved, list(counts))
            hooks.ledger(self, none | counts, [])

        none = {batch.batch_id: Counts() for batch in batches}
        files = [path for batch in batches for path in batch.files]
        with self._used():
            return none | duckdb_merge.merge(self.local, obj, files, before_commit)

    def rebuild(
        self, obj: Object, groups: Sequence[Sequence[Path]], before_commit: Callable[[Session, int], None]
    ) -> int:
        """Fill the table again from the lake's files."""
        with duckdb_merge.transaction(self.local):
            duckdb_merge.rebuild(self.local, obj, groups)
            rows = duckdb_merge.count(self.local, obj)
            before_commit(self, rows)
        return rows

    def refold(
        self, obj: Object, touched: Relation, winners: Relation, before_commit: Callable[[Session, int], None]
    ) -> None:
        """Delete the rows whose keys are in `touched`, insert those of `winners`."""
        with duckdb_merge.transaction(self.local):
            before = self.count(obj)
            duckdb_merge.refold(self.local, obj, touched, winners)
            before_commit(self, self.count(obj) - before)

    def count(self, obj: Object) -> int:
        """Rows of the table that are not deleted."""
        return duckdb_merge.count(self.local, obj)


@contextmanager
def open_warehouse(opening: Opening) -> Iterator[DuckDBWarehouse]:
    """The warehouse file, to write it; UTC, and nothing is installed from outside.

    Raises LockedError when another process has the file open, TerminalError when it is no DuckDB file.
    """
    path = path_of(opening.url)
    path.parent.mkdir(parents=True, exist_ok=True)
    config = _config(opening) | {"temp_directory": str(opening.scratch / "spill")}
    _forget_unfinished(path)
    con = duckdb.connect(config=config)
    try:
        _set_session(con)
        attachment = Attachment(con, path, opening.notify)
        attachment.attach()
        yield DuckDBWarehouse(con, attachment)
    finally:
        con.close()


@contextmanager
def open_reader(opening: Opening) -> Iterator[DuckDBWarehouse]:
    """The warehouse file as catalog `warehouse`, which cannot be changed. Raises TerminalError when there is none.

    The file is attached and not opened: a connection that is read-only as a whole may not hold views of its own.
    """
    path = path_of(opening.url)
    if not path.exists():
        raise TerminalError(
            f"there is no warehouse at {path} yet; load something first: trunkline load contact_record FOLDER, "
            "or name another home with --home"
        )
    with open_beside(opening, path.parent / ".spill") as con:
        attach_to_read(con, path)
        yield DuckDBWarehouse(con)


@contextmanager
def open_beside(opening: Opening, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine without a file, that reads the lake and spills to a folder."""
    con = duckdb.connect(config=_config(opening) | {"temp_directory": str(spill)})
    try:
        _set_session(con)
        yield con
    finally:
        con.close()


def _set_session(con: duckdb.DuckDBPyConnection) -> None:
    # The engine's own progress bar would go to standard output, among the data.
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")


def _config(opening: Opening) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": opening.threads,
        "memory_limit": f"{opening.memory_mb}MB",
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": False,
    }


def _forget_unfinished(path: Path) -> None:
    """Remove a file whose creation was cut short (a full disk, a kill): it holds no table, and DuckDB refuses it."""
    if not path.is_file() or path.stat().st_size >= _HEADERS_BYTES:
        return
    with path.open("rb") as file:
        start = file.read(_MAGIC_END)
    if not start or start.endswith(_MAGIC):
        path.unlink()
