"""The statements of one load into Redshift, which run as one transaction: lock, copy, call, ledger.

A run stages in temporary tables: they are its own, and gone when it ends, however it ends. Nothing from outside stands
in a statement but places and roles that `warehouse/redshift/address.py` has checked, since COPY binds no values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from trunkline.engines.model import quote_qualified, text_literal
from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import TerminalError
from trunkline.limits import TEXT_BYTES_MAX
from trunkline.objects.ledger import BATCH, LedgerTable
from trunkline.objects.model import Column, Object
from trunkline.sql.merge.plpgsql import COUNTED, COUNTS, indented, lock_statement, table_name, temporary
from trunkline.sql.merge.procedures import procedure_name
from trunkline.sql.order import same_key
from trunkline.sql.relation import BATCH_ID

Format = Literal["parquet", "json"]
BATCH_COLUMN: Final = Column(BATCH_ID, "text", None, "The batch that the row came with.", nullable=False, length_max=32)
_RAW, _RUN = "_raw", "_run"
_BATCH_ID: Final = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Files:
    """What a COPY reads: a manifest, by which role, in which format."""

    manifest: str
    iam_role: str
    format: Format


def raw_table(obj: Object) -> str:
    """The temporary table that rows are copied into, quoted."""
    return temporary(obj, REDSHIFT, _RAW)


def raw_columns(obj: Object) -> tuple[Column, ...]:
    """Its columns, in order: the batch, then the object's."""
    return (BATCH_COLUMN, *obj.columns)


def is_nested(column: Column) -> bool:
    """Whether Redshift holds the column as SUPER."""
    return not isinstance(column.type, str)


def lock(obj: Object) -> str:
    """First of all: a transaction sees the tables as they are at its first query."""
    return lock_statement(obj, REDSHIFT)


def create_raw(obj: Object, format_: Format) -> str:
    """The table for rows as they are staged.

    COPY of JSON parses what goes into SUPER. From Parquet, and from bound values, it would come as one text; there
    nested values are staged as text and parsed when they are taken over.
    """
    lines = [
        f"{REDSHIFT.quote(column.name)} "
        + (f"VARCHAR({TEXT_BYTES_MAX})" if is_nested(column) and format_ == "parquet" else REDSHIFT.type_of(column))
        for column in raw_columns(obj)
    ]
    body = ",\n  ".join(lines)
    return f"CREATE TEMP TABLE {raw_table(obj)} (\n  {body}\n) DISTKEY ({REDSHIFT.quote(obj.key[0])})"


def copy(table: str, columns: Sequence[Column], files: Files) -> str:
    """COPY of a manifest into a table. Parquet goes by position and forgives nothing; JSON goes by name."""
    head = f"COPY {table}"
    if files.format == "json":
        head += f" (\n  {indented((REDSHIFT.quote(column.name) for column in columns), 2)}\n)"
    # `default` is a word and no text.
    role = "default" if files.iam_role == "default" else text_literal(files.iam_role)
    head += f"\nFROM {text_literal(files.manifest)}\nIAM_ROLE {role}\n"
    if files.format == "parquet":
        return head + "FORMAT AS PARQUET\nMANIFEST"
    return head + (
        "FORMAT AS JSON 'auto'\nGZIP\nMANIFEST\nTIMEFORMAT 'auto'\nDATEFORMAT 'auto'\nCOMPUPDATE OFF\nSTATUPDATE OFF"
    )


def take_batch(obj: Object, number: int, batch_id: str, format_: Format) -> str:
    """A staging table with the rows of one batch, typed like the object's own."""
    quote = REDSHIFT.quote
    return (
        f"CREATE TEMP TABLE {REDSHIFT.quote(run_table(obj, number))} DISTKEY ({quote(obj.key[0])}) AS\n"
        f"SELECT\n  {_taken(obj, format_)}\nFROM {raw_table(obj)} AS r\n"
        f"WHERE r.{quote(BATCH_ID)} = {_id(batch_id)}"
    )


def run_table(obj: Object, number: int) -> str:
    """The name of the staging table of the `number`-th batch of a load."""
    return f"trunkline_{table_name(obj)}{_RUN}_{number}"


def call(obj: Object, number: int, batch_id: str) -> str:
    """The merge of one batch."""
    procedure, staged = quote_qualified(REDSHIFT, procedure_name(obj)), text_literal(run_table(obj, number))
    return f"CALL {procedure}({staged}, {_id(batch_id)})"


def count_batches(obj: Object) -> str:
    """What the merges made of their batches, into the staged ledger rows."""
    counted = temporary(obj, REDSHIFT, COUNTED)
    values = indented((f'{REDSHIFT.quote(name)} = c."{name}"' for name in COUNTS), 2)
    staged = staged_table(BATCH)
    return f'UPDATE {staged}\nSET\n  {values}\nFROM {counted} AS c\nWHERE {staged}."batch_id" = c."batch"'


def staged_table(table: LedgerTable) -> str:
    """The temporary table for a ledger table's rows, quoted."""
    return REDSHIFT.quote("trunkline_ledger_" + table.name.split(".")[1])


def create_staged(table: LedgerTable) -> str:
    """The temporary table for a ledger table's rows."""
    return f"CREATE TEMP TABLE {staged_table(table)} (LIKE {quote_qualified(REDSHIFT, table.name)})"


VALUES: Final = (
    Column("run", "integer", None, "The statement that the value is for.", nullable=False),
    Column("place", "integer", None, "Its place there: 1 for $1.", nullable=False),
    Column("value", "text", None, "The value as text.", length_max=TEXT_BYTES_MAX),
)
VALUES_TABLE: Final = '"trunkline_values"'


def create_values() -> str:
    """The temporary table for values of statements that stand beside a COPY."""
    declared = ", ".join(f"{REDSHIFT.quote(column.name)} {REDSHIFT.type_of(column)}" for column in VALUES)
    return f"CREATE TEMP TABLE {VALUES_TABLE} ({declared})"


def value_at(run: int, first: int, last: int) -> str:
    """A query for the values at some places of a statement, in brackets."""
    where = f'"run" = {run:d} AND "place" BETWEEN {first:d} AND {last:d}'
    return f'(SELECT "value" FROM {VALUES_TABLE} WHERE {where})'


def put_statements(table: LedgerTable, better: Sequence[str] = ()) -> tuple[str, ...]:
    """Insert the staged rows whose key is not there; with `better`, replace a row that is less in these columns.

    Of several staged rows of one key the greatest in `better` is taken.
    """
    quote = REDSHIFT.quote
    staged, held = staged_table(table), quote_qualified(REDSHIFT, table.name)
    same = " AND ".join(f"{held}.{quote(key)} = s.{quote(key)}" for key in table.key)
    names = [quote(column.name) for column in table.columns]
    order = ", ".join([*(f"{_comparable(table, name, 's')} DESC" for name in better), f"s.{quote(table.key[0])}"])
    found: tuple[str, ...] = ()
    if better:
        found = (f"DELETE FROM {held}\nUSING {staged} AS s\nWHERE {same}\n  AND ({_greater(table, better, held)})",)
    keys = ", ".join(f"s.{quote(key)}" for key in table.key)
    missing = " AND ".join(f"h.{quote(key)} = s.{quote(key)}" for key in table.key)
    insert = (
        f"INSERT INTO {held} (\n  {indented(names, 2)}\n)\nSELECT\n  {indented((f's.{name}' for name in names), 2)}\n"
        f'FROM (\n  SELECT s.*, ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {order}) AS "record_place"\n'
        f"  FROM {staged} AS s\n) AS s\nLEFT JOIN {held} AS h ON {missing}\n"
        f'WHERE s."record_place" = 1 AND h.{quote(table.key[0])} IS NULL'
    )
    return (*found, insert)


def _greater(table: LedgerTable, better: Sequence[str], held: str) -> str:
    """The staged row `s` is greater than the held one, column by column; Redshift compares no rows."""
    arms = []
    for place, name in enumerate(better):
        equal = [f"{_comparable(table, n, 's')} = {_comparable(table, n, held)}" for n in better[:place]]
        arms.append(" AND ".join([*equal, f"{_comparable(table, name, 's')} > {_comparable(table, name, held)}"]))
    return " OR ".join(f"({arm})" for arm in arms)


def _comparable(table: LedgerTable, name: str, alias: str) -> str:
    value = f"{alias}.{REDSHIFT.quote(name)}"
    is_boolean = table.by_name[name].type == "boolean"
    return f"CASE WHEN {value} THEN 1 ELSE 0 END" if is_boolean else value


def _id(batch_id: str) -> str:
    """A batch's id as a text; it is ours, 32 hexadecimal digits. Raises TerminalError for any other text."""
    if not _BATCH_ID.fullmatch(batch_id):
        raise TerminalError(f"batch id {batch_id!r} is not 32 hexadecimal digits: the accounting was changed")
    return text_literal(batch_id)


def replace_all(obj: Object, format_: Format) -> tuple[str, ...]:
    """Put the raw rows in the place of all rows of the table. DELETE, since TRUNCATE would commit."""
    table, quote = quote_qualified(REDSHIFT, obj.warehouse_table), REDSHIFT.quote
    names = indented((quote(column.name) for column in obj.columns), 2)
    return (
        f"DELETE FROM {table}",
        f"INSERT INTO {table} (\n  {names}\n)\nSELECT\n  {_taken(obj, format_)}\nFROM {raw_table(obj)} AS r",
    )


def replace_some(obj: Object, format_: Format, gone: str, new: str) -> tuple[str, ...]:
    """Take out the rows whose keys are in raw batch `gone`, put in the rows of raw batch `new`."""
    table, batch = quote_qualified(REDSHIFT, obj.warehouse_table), REDSHIFT.quote(BATCH_ID)
    delete, insert = replace_all(obj, format_)
    same = same_key(obj, REDSHIFT, "r", table)
    return (
        f"{delete}\nUSING {raw_table(obj)} AS r\nWHERE {same} AND r.{batch} = {_id(gone)}",
        f"{insert}\nWHERE r.{batch} = {_id(new)}",
    )


def _taken(obj: Object, format_: Format) -> str:
    """The object's columns of a raw row, parsed where they are nested."""
    quote = REDSHIFT.quote
    return indented(
        (
            f"JSON_PARSE(r.{quote(c.name)}) AS {quote(c.name)}"
            if is_nested(c) and format_ == "parquet"
            else f"r.{quote(c.name)}"
            for c in obj.columns
        ),
        2,
    )
