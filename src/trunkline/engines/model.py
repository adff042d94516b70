"""What an engine is, as data: how it quotes, what it calls our types, how it orders NULLs, what it refuses. No I/O.

Its `Spelling` has the few expressions of views and metrics that differ: types, time zones, intervals, percentiles,
lists as rows. Everything else is written once, in portable SQL (`sql/views.py`). All timestamps are UTC without zone.
Arguments are SQL that the caller has quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from trunkline.limits import TEXT_BYTES_MAX
from trunkline.objects.model import Column, Type
from trunkline.objects.view import ColumnType, Members


@dataclass(frozen=True, slots=True)
class Unnested:
    """A list of structs as rows: `fields` are its members with their names, `join` follows `FROM base AS t`."""

    fields: tuple[str, ...]
    join: str


@dataclass(frozen=True, slots=True)
class Spelling:
    """One engine's expressions.

    `types`: names of the types that views cast to.
    `ms_between(a, b)`: whole milliseconds from timestamp a to timestamp b, BIGINT.
    `local(instant, zone)`: the wall clock of an IANA zone at a UTC timestamp, without zone.
    `utc(local, zone)`: the UTC timestamp of a wall clock in an IANA zone, one of the two in a repeated hour.
    `bucket(instant, local, width_s)`: the instant less what the wall clock is past the last multiple of the width.
    `md5(text)`: the MD5 of a text, 32 hexadecimal digits.
    `by_code_point(text)`: a text that is compared and sorted by code point, whatever the database's collation.
    `placeholder(number, name)`: a bound value: its place among the values, from 1, and its name.
    `percentile(value, percent, rank, count)`: nearest-rank percentile of a column, NULLs left out: the aggregate.
    `percentile_needs_rank`: it reads the row's `rank` among the non-NULL values of its group, and their `count`.
    `nested_as_text(type, value)`: a value that is no scalar as a text of one form, to compare copies by.
    `unnest(members, column)`: the members of a list of structs as rows.
    `map_value(map, key)`: the text under a key of a map of texts, NULL where it has none.
    """

    types: Mapping[ColumnType, str]
    ms_between: Callable[[str, str], str]
    local: Callable[[str, str], str]
    utc: Callable[[str, str], str]
    bucket: Callable[[str, str, int], str]
    md5: Callable[[str], str]
    by_code_point: Callable[[str], str]
    placeholder: Callable[[int, str], str]
    percentile: Callable[[str, int, str, str], str]
    nested_as_text: Callable[[Type, str], str]
    unnest: Callable[[Members, str], Unnested]
    map_value: Callable[[str, str], str]
    percentile_needs_rank: bool = False


def numbered_placeholder(number: int, name: str) -> str:
    """`$1`, `$2`: bound by place."""
    return f"${number}"


def fraction(percent: int) -> str:
    """A percentage from 1 to 99 as a decimal literal: 0.05, 0.95."""
    return f"0.{percent:02d}"


TEXT_BYTES_BY_SUFFIX: Final = (
    ("_arn", 2_048),  # IAM: an ARN has at most 2,048 characters, all ASCII
    ("_location", 2_048),  # a bucket of 63 and a key of 1,024 bytes, as a URL
    ("_id", 512),  # Connect API: ContactId at most 256 ASCII, CustomerId at most 128 characters
    ("_name", 1_024),  # Connect API: QueueName, EndpointDisplayName at most 256 characters
    ("_username", 1_024),  # Connect API: AgentUsername at most 100 characters
    ("_address", 1_024),  # Connect API: EndpointAddress at most 256 characters
    # Codes and open enumerations: the longest that Amazon publishes has fewer than 64 characters.
    *((suffix, 256) for suffix in (
        "_channel", "_method", "_reason", "_type", "_status", "_mode", "_version", "_video", "_screen_share",
        "_region", "_result", "_system", "_prefix", "_issue",
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing an engine does not do, what is done instead, and where that is written."""

    what: str
    instead: str
    source: str


@dataclass(frozen=True, slots=True)
class Procedures:
    """How an engine writes stored procedures.

    `lock_mode` follows LOCK TABLE, and `lock_note` says in a comment who waits. `text_type` and `result` declare an
    argument of text and a count that is returned. `utc_now` is the time without zone. `temporary_schema` qualifies a
    temporary table in a DROP. `has_upsert`: INSERT ... ON CONFLICT, row addresses and DELETE ... RETURNING exist; else
    rows are replaced by DELETE and INSERT. `settings` are in force while a merge runs.
    """

    lock_mode: str
    lock_note: str
    text_type: str
    result: str
    utc_now: str
    temporary_schema: str = ""
    has_upsert: bool = False
    settings: str = ""


@dataclass(frozen=True, slots=True)
class TableRules:
    """What the DDL of an engine that stores rows may say.

    `has_primary_keys`: a key is declared; elsewhere it would not be enforced, or costs more than it gives.
    `has_indexes`: CREATE INDEX exists and pays. `storage(key, partition)` is what follows the columns of a table: how
    its rows are distributed and sorted, from its quoted first key column and partition column. `view_tail` follows a
    view's SELECT. `converts_in_place`: ALTER COLUMN TYPE takes a USING expression. `relaxes_in_place`: DROP NOT NULL
    only changes the catalogue, so that an installation may run it.
    """

    has_primary_keys: bool = False
    has_indexes: bool = False
    storage: Callable[[str, str], str] | None = None
    view_tail: str = ""
    converts_in_place: bool = False
    relaxes_in_place: bool = False


@dataclass(frozen=True, slots=True)
class RoleRules:
    """How an engine with roles creates and names them in SQL.

    `create(role)`: the statement that creates a role, its name unquoted. `note`: what to know before running it.
    `prefix`: what stands before a role's name in a GRANT. `grants_columns`: SELECT on some columns of a view can be
    granted.
    """

    create: Callable[[str], str]
    note: str = ""
    prefix: str = ""
    grants_columns: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """One SQL engine.

    `type_of` names a column's type in a CREATE TABLE; `quote` quotes in a query, `ddl_quote` in a CREATE TABLE
    (None: as `quote`); `spelling` has the expressions that differ. `tables` is None where the engine stores no rows
    and reads the lake's files; `roles` is None where SQL grants nothing.

    `text_bytes_max` is the longest text in bytes (None: no limit that matters), `column_bytes_max`
    gives that of one column where they differ, `key_bytes_max` that of a key; `refuses_nul` says that U+0000 cannot be
    stored; `json_exponent_max` is the largest power of ten, and the most digits, of a number inside JSON;
    `statement_bytes_max` is the longest statement, `identifier_bytes_max` the longest name, both in bytes. `procedures`
    is None where there are no stored procedures. `refuses` lists what generated SQL must do without.
    """

    name: str
    type_of: Callable[[Column], str]
    quote: Callable[[str], str]
    spelling: Spelling
    tables: TableRules | None = None
    roles: RoleRules | None = None
    text_bytes_max: int | None = None
    statement_bytes_max: int | None = None
    refuses_nul: bool = False
    column_bytes_max: Callable[[Column], int] | None = None
    key_bytes_max: int | None = None
    json_exponent_max: int | None = None
    ddl_quote: Callable[[str], str] | None = None
    identifier_bytes_max: int | None = None
    procedures: Procedures | None = None
    refuses: tuple[Refusal, ...] = ()

    def value_bytes_max(self, column: Column) -> int | None:
        """The longest value of a column in bytes of its text; None: no limit that matters."""
        return self.column_bytes_max(column) if self.column_bytes_max is not None else self.text_bytes_max


def quote_double(identifier: str) -> str:
    """An identifier in double quotes, as standard SQL has it. Raises ValueError on U+0000, which no engine takes."""
    if "\x00" in identifier:
        raise ValueError("an identifier cannot hold U+0000")
    return '"' + identifier.replace('"', '""') + '"'


def quote_backtick(identifier: str) -> str:
    """An identifier in backticks, as Hive DDL has it. Raises ValueError on U+0000."""
    if "\x00" in identifier:
        raise ValueError("an identifier cannot hold U+0000")
    return "`" + identifier.replace("`", "``") + "`"


def quote_qualified(engine: Engine, name: str) -> str:
    """`schema.table` with each part quoted."""
    return ".".join(engine.quote(part) for part in name.split("."))


def text_bytes_of(column: Column) -> int:
    """The bytes that a text column of a bounded engine gets: `length_max`, else what its name suggests.

    Generous on purpose: a longer value is a dead letter of that engine, so that a wide column costs some memory in a
    sort, and a narrow one a row. Amazon publishes lengths in characters; a character is at most 4 bytes of UTF-8.
    """
    if column.length_max is not None:
        return column.length_max
    for suffix, length in TEXT_BYTES_BY_SUFFIX:
        if column.name == suffix.lstrip("_") or column.name.endswith(suffix):
            return length
    return TEXT_BYTES_MAX


def text_literal(value: str) -> str:
    """A text literal for generated code, never for anything from outside."""
    return "'" + value.replace("'", "''") + "'"
