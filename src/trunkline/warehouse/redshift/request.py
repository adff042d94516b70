"""What a load sends to Redshift: staged rows, as values or as files, and the statements of one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from trunkline.aws.redshift_once import Attempt
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine
from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import UsageError
from trunkline.limits import TEXT_BYTES_MAX
from trunkline.objects.ledger import BATCH, LedgerTable
from trunkline.objects.model import Object
from trunkline.records import Refused
from trunkline.sql.merge import redshift_load as sql
from trunkline.sql.merge.redshift_load import Files, Format
from trunkline.sql.merge.staged import json_text
from trunkline.sql.relation import BATCH_ID, Relation
from trunkline.sql.session import Rows
from trunkline.warehouse.redshift.files import Folder, json_line
from trunkline.warehouse.redshift.session import Bound, as_text, filed

# Our choice: more rows than these are copied from files, where a place for files is set.
INSERT_ROWS_MAX: Final = 100


@dataclass(slots=True)
class Collected:
    """A session that runs nothing: it collects the ledger's statements, to be sent with the load."""

    puts: dict[str, tuple[LedgerTable, Sequence[str], list[Mapping[str, Any]]]] = field(default_factory=dict)
    runs: list[tuple[str, Sequence[object]]] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        """Redshift."""
        return REDSHIFT

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """Not supported: what is written with a load reads nothing."""
        raise AssertionError("what is written with a load reads nothing")

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """Keep a statement."""
        self.runs.append((sql, values))

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        """Keep rows; those of one table are written together."""
        if rows:
            self.puts.setdefault(table.name, (table, better, []))[2].extend(rows)

    def set_rejected(self, refused: Sequence[Refused]) -> None:
        """Write into the batches' rows how many of their records Redshift would have refused."""
        counts = Counter(row.batch_id for row in refused)
        if BATCH.name in self.puts:
            table, better, rows = self.puts[BATCH.name]
            counted = [dict(row) | {"rejected": counts[row["batch_id"]]} for row in rows]
            self.puts[BATCH.name] = (table, better, [*counted])


class Fill:
    """How temporary tables get their rows: by values of the request, or from files in a folder."""

    def __init__(self, folder: Folder | None, format_: Format, scratch: Path) -> None:
        self.folder, self.format, self.scratch, self.bound = folder, format_, scratch, Bound()

    def rows(self, con: duckdb.DuckDBPyConnection, obj: Object, relation: Relation) -> str:
        """The statement that fills the raw table with the rows of a local relation, which has `batch_id` too."""
        columns = sql.raw_columns(obj)
        if self.folder is None:
            return self.bound.insert(sql.raw_table(obj), columns, _texts(con, obj, relation).fetchall())
        if self.format == "json":
            names, nested = [c.name for c in columns], [c.name for c in columns if sql.is_nested(c)]
            rows = _fetched(_texts(con, obj, relation))
            lines = (json_line(dict(zip(names, row, strict=True)), nested) for row in rows)
            return sql.copy(sql.raw_table(obj), columns, self.folder.put_rows("rows", lines))
        path = self.scratch / "staged.parquet"
        # Nested values as text: what COPY makes of maps and mixed shapes is not documented.
        con.execute(f"COPY ({_select(obj, relation, is_text=False)}) TO '{_quoted(path)}' (FORMAT parquet)")
        files: Files = self.folder.put_file("rows", path)
        path.unlink()
        return sql.copy(sql.raw_table(obj), columns, files)

    def ledger(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]]) -> str:
        """The statement that fills the temporary table of a ledger table."""
        texts = [{column.name: as_text(row[column.name]) for column in table.columns} for row in rows]
        staged = sql.staged_table(table)
        if self.folder is None:
            return self.bound.insert(staged, table.columns, [list(row.values()) for row in texts])
        name = table.name.split(".")[1]
        return sql.copy(staged, table.columns, self.folder.put_rows(name, map(json_line, texts)))

    def runs(self, runs: Sequence[tuple[str, Sequence[object]]]) -> list[str]:
        """Statements with their values: bound, or beside a COPY from a temporary table."""
        if self.folder is None:
            return [self.bound.statement(text, values) for text, values in runs]
        lines = [
            json_line({"run": str(run), "place": str(place), "value": as_text(value)})
            for run, (_, values) in enumerate(runs)
            for place, value in enumerate(values, 1)
        ]
        if not lines:
            return [text for text, _ in runs]
        fill = sql.copy(sql.VALUES_TABLE, sql.VALUES, self.folder.put_rows("values", iter(lines)))
        return [sql.create_values(), fill, *(filed(text, values, run) for run, (text, values) in enumerate(runs))]


def merge_request(
    con: duckdb.DuckDBPyConnection,
    obj: Object,
    relation: Relation,
    batch_ids: Sequence[str],
    ledger: Collected,
    fill: Fill,
) -> Attempt:
    """Lock, stage, merge batch by batch, ledger: one transaction. `relation` holds the staged rows in `con`."""
    statements = [sql.lock(obj), sql.create_raw(obj, fill.format), fill.rows(con, obj, relation)]
    statements += _staged_ledger(ledger, fill)
    for number, batch_id in enumerate(batch_ids, 1):
        statements += [sql.take_batch(obj, number, batch_id, fill.format), sql.call(obj, number, batch_id)]
    statements.append(sql.count_batches(obj))
    return _ended(statements, ledger, fill)


def ledger_request(ledger: Collected, fill: Fill) -> Attempt:
    """The ledger's rows alone: of batches in which nothing was left to merge."""
    return _ended(list(_staged_ledger(ledger, fill)), ledger, fill)


def rebuild_request(
    con: duckdb.DuckDBPyConnection, obj: Object, relation: Relation, ledger: Collected, fill: Fill, has_rows: bool
) -> Attempt:
    """Lock, stage, replace all rows, ledger: one transaction."""
    statements = [sql.lock(obj), sql.create_raw(obj, fill.format)]
    if has_rows:
        statements.append(fill.rows(con, obj, relation))
    statements += [*_staged_ledger(ledger, fill), *sql.replace_all(obj, fill.format)]
    return _ended(statements, ledger, fill)


def refold_request(
    con: duckdb.DuckDBPyConnection, obj: Object, relation: Relation, ids: tuple[str, str], ledger: Collected, fill: Fill
) -> Attempt:
    """Lock, stage, take out the keys of one batch and put in the rows of the other, ledger: one transaction."""
    statements = [sql.lock(obj), sql.create_raw(obj, fill.format), fill.rows(con, obj, relation)]
    statements += [*_staged_ledger(ledger, fill), *sql.replace_some(obj, fill.format, *ids)]
    return _ended(statements, ledger, fill)


def is_for_insert(con: duckdb.DuckDBPyConnection, relation: Relation) -> bool:
    """Whether the rows are so few that values are sent rather than files."""
    count: int = con.execute(f"SELECT count(*) FROM {relation.sql}").fetchall()[0][0]
    return count <= INSERT_ROWS_MAX


def format_for(con: duckdb.DuckDBPyConnection, obj: Object, relation: Relation, wanted: Format) -> Format:
    """JSON where a nested value is longer than a VARCHAR, through which Parquet's have to go; else what is wanted."""
    nested = [f"coalesce(strlen({json_text(column)}), 0)" for column in obj.columns if sql.is_nested(column)]
    if wanted == "json" or not nested:
        return wanted
    longest = f"max({nested[0]})" if len(nested) == 1 else f"max(greatest({', '.join(nested)}))"
    longest_bytes = con.execute(f"SELECT {longest} FROM {relation.sql}").fetchall()[0][0]
    return "json" if (longest_bytes or 0) > TEXT_BYTES_MAX else "parquet"


def _staged_ledger(ledger: Collected, fill: Fill) -> Iterator[str]:
    for table, _, rows in ledger.puts.values():
        yield sql.create_staged(table)
        yield fill.ledger(table, rows)


def _ended(statements: list[str], ledger: Collected, fill: Fill) -> Attempt:
    for table, better, _ in ledger.puts.values():
        statements += sql.put_statements(table, better)
    statements += fill.runs(ledger.runs)
    if not fill.bound.fits(statements):
        raise TooLongError(f"a load of {fill.bound.size_bytes:,} bytes of values, more than one request takes")
    return Attempt(statements, fill.bound.parameters)


class TooLongError(UsageError):
    """The values do not fit into one request: stage them in files."""


def _select(obj: Object, relation: Relation, is_text: bool) -> str:
    values = [
        f"CAST({json_text(c)} AS VARCHAR)" if is_text and c.type != "text" and isinstance(c.type, str) else json_text(c)
        for c in obj.columns
    ]
    named = ", ".join(f"{value} AS {DUCKDB.quote(c.name)}" for value, c in zip(values, obj.columns, strict=True))
    return f"SELECT {BATCH_ID}, {named} FROM {relation.sql}"


def _texts(con: duckdb.DuckDBPyConnection, obj: Object, relation: Relation) -> duckdb.DuckDBPyConnection:
    return con.execute(_select(obj, relation, is_text=True))


def _fetched(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[str | None, ...]]:
    while rows := cursor.fetchmany(1_000):
        yield from rows


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
