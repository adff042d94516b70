"""What a table is, declared once: types, columns, objects. Everything else is generated from these records. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trunkline.objects.hook import Hook
from trunkline.objects.origins import Origin

Pii = Literal["none", "direct", "indirect"]
"""none; direct: alone identifies a customer (a number, an address); indirect: identifies together with others."""

Scalar = Literal["text", "bigint", "integer", "double", "decimal", "boolean", "timestamp", "date"]
"""timestamp: UTC without zone, microseconds. text: never an empty string for "unknown", that is NULL.

decimal: exact, never through a float; up to 18 digits before the point and 20 after it, or as the column's scale says.
"""

DECIMAL_DIGITS, DECIMAL_SCALE = 38, 20
"""Digits of a decimal in all and after the point: 38 is the most that every engine and DynamoDB have."""

READ_AT = "_read_at"
"""The path of a column that has the time of the file or snapshot that a row was read from."""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a struct: `name` in our tables, `key` in the source record."""

    name: str
    key: str
    type: Type


@dataclass(frozen=True, slots=True)
class Struct:
    """A record inside a column. Keys it does not name go to `record_unmapped`."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array, in the order of the source."""

    item: Type


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with text keys, stored sorted by key, so that key order in the source does not matter."""

    value: Type


@dataclass(frozen=True, slots=True)
class Json:
    """Any JSON value, stored as canonical text (keys sorted, no spaces), for shapes that nobody has published.

    `lower_camel`: key names get a lower-case first letter, as Amazon's lake has them where the export has a capital.
    """

    lower_camel: bool = False


Type = Scalar | Struct | ListOf | MapOf | Json

Transform = Literal["plain", "seconds_to_ms", "last_arn_segment", "union_to_text"]
"""How the source value becomes the column.

plain: as it is. seconds_to_ms: times 1000. last_arn_segment: what follows the last `/`, or all of it without one.
union_to_text: Connect's tagged union (`ValueString`, `ValueInteger`, ...) as the text of its one value.
"""


TIME_UNITS: dict[str, int] = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
"""Formats of a time as a number: how many of its units a second has, counted from the beginning of 1970 in UTC."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How a source writes the values of a column, where that is not the usual way.

    `format` of a timestamp: one of TIME_UNITS, or a pattern of strptime; of a date: a pattern; of a boolean: the word
    for true and the word for false with a slash between, in any letter case. Empty: ISO 8601, and true or false.
    `zone` is the IANA zone of times without an offset, where a date alone is its midnight; without a zone they are
    invalid. `decimal_comma`: numbers in text have a decimal comma, and perhaps points between thousands.
    """

    format: str = ""
    zone: str = ""
    decimal_comma: bool = False


AS_USUAL = Notation()


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `path` is the key path in the source record, None where the export cannot give the value (always NULL then).
    `meaning` is a sentence that says what NULL means; `source` says where the definition comes from. `scale` is the
    number of decimal places of a decimal (None: DECIMAL_SCALE), `notation` how the source writes its values. `rule` is
    an SQL expression (`objects/user/rules.py`): with a path over its text, without one over other columns.
    """

    name: str
    type: Type
    path: tuple[str, ...] | None
    meaning: str
    unit: str | None = None
    nullable: bool = True
    transform: Transform = "plain"
    pii: Pii = "none"
    is_amazon: bool = True
    source: str = "Amazon Connect data lake, contact_record"
    length_max: int | None = None
    scale: int | None = None
    notation: Notation = AS_USUAL
    rule: str = ""

    @property
    def decimal_scale(self) -> int:
        """The decimal places of a decimal column."""
        return DECIMAL_SCALE if self.scale is None else self.scale


def own_column(
    name: str, path: str, meaning: str, type_: Type = "text", unit: str | None = None, pii: Pii = "none",
    nullable: bool = True, *, source: str = "Trunkline",
) -> Column:  # fmt: skip
    """A column of an object that Amazon has no table for; `path` has its keys with dots between."""
    return Column(name, type_, tuple(path.split(".")), meaning, unit, nullable, pii=pii, is_amazon=False, source=source)


OURS = "Trunkline"

FIDELITY_STREAM = "stream"
"""An exported record. Sorts above `api`: the export knows talk, hold and queue times, the API does not."""
FIDELITY_API = "api"
"""A row rebuilt from the Connect API."""

FIDELITY = Column(
    "record_fidelity", "text", None, "How complete the source of this copy is: stream above api. Never NULL.",
    nullable=False, is_amazon=False, source=OURS, length_max=16,
)  # fmt: skip
VERSION = Column(
    "record_version", "text", None,
    "Which copy is newer, as text that sorts like the version. NULL when the source gave none; sorts lowest.",
    is_amazon=False, source=OURS, length_max=128,
)  # fmt: skip
REDACTED = Column(
    "record_is_redacted", "boolean", None, "Whether personal data was removed from this copy on request. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
CATALOGUE = Column(
    "record_catalogue_version", "integer", None,
    "The catalogue version that flattened this copy; a newer one may fill new columns. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
HASH = Column(
    "record_hash", "text", None,
    "MD5 of the stored row without direct personal data, 32 hexadecimal digits. Never NULL.",
    nullable=False, is_amazon=False, source=OURS, length_max=32,
)  # fmt: skip
POSITION = Column(
    "record_position", "text", None, "Where the source bytes are: file, version and offset. Never NULL.",
    nullable=False, is_amazon=False, source=OURS, length_max=4096,
)  # fmt: skip
ARRIVED_AT = Column(
    "record_arrived_at", "timestamp", None, "When this copy reached the stream or the bucket, UTC. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
LOADED_AT = Column(
    "record_loaded_at", "timestamp", None, "When Trunkline wrote this copy to the lake, UTC. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
UNMAPPED = Column(
    "record_unmapped", Json(), None,
    "Source fields that the catalogue does not have, by dotted path, as canonical JSON. NULL when there are none.",
    is_amazon=False, source=OURS,
)  # fmt: skip
IS_DELETED = Column(
    "record_is_deleted", "boolean", None, "Whether this copy says that the row no longer exists. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip

RECORD_COLUMNS = (
    VERSION, FIDELITY, REDACTED, CATALOGUE, HASH, POSITION, ARRIVED_AT, LOADED_AT, UNMAPPED, IS_DELETED,
)  # fmt: skip
"""The columns of every object: which copy of a row this is, where it came from, and when it arrived."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Groups of a dimension that are many, small and unnamed: those of rows that meet `condition` (portable SQL).

    `label` is their name. With a `key` they are one group under that key, without one each keeps its own.
    """

    condition: str
    label: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to group an object's rows: `key` is the column that tells groups apart, `label` the column of its name.

    `label` is None where the key is its own name. `pool` says which groups are named, and put together, by a rule.
    """

    name: str
    key: str
    label: str | None = None
    pool: Pool | None = None


FileKind = Literal["", "json", "csv", "parquet", "excel"]
"""What an object's files are; empty: recognised from their content."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How an object's files are written, where that is not recognised from their content.

    Of CSV: `separator`, `quote` (empty: recognised), `encoding` (empty: UTF-8, or UTF-16 by its byte order mark) and
    `header`, the names of the columns of files without a header row. Of Excel: `sheet` (empty: the first).
    """

    kind: FileKind = ""
    separator: str = ""
    quote: str = '"'
    encoding: str = ""
    header: tuple[str, ...] = ()
    sheet: str = ""


RECOGNISED = FileFormat()


@dataclass(frozen=True, slots=True)
class Object:
    """One catalogue entry: a table, what a row of it is, and which of two copies of a row is the newer.

    `key` names one row. `version` is the column whose value says which copy is newer (missing sorts lowest).
    `partition` is the timestamp column whose UTC date is the lake partition. `redaction` is the map column and
    key whose presence marks a copy with fields removed. `anchor` is the source key whose presence
    marks the start of a record in damaged text. `table` is the lake table's name where it is not the object's own,
    `folder` its folder in the lake where that is not `database/table`. `view` is the name of its own view where a
    view that adds other objects' columns has the table's name. `file_source` is the source that reads its files,
    `scheduled_source` the one that its schedule collects from (empty: it has no schedule).
    `dimensions` are what metrics of it can be grouped by. `is_loose`: its keys come in any letter case, and a time at
    the beginning of 1970 is one that is not set. `origin` is where its records are pulled from, None where they are
    only loaded or delivered. `deleted` is the boolean column that is true in a copy that says its row no longer exists.
    `records` is the key path of the array of records in documents that hold many. `format` says how its files are
    written. `hook` is the Python function that the rows of each batch go through.
    """

    name: str
    database: str
    warehouse_table: str
    grain: str
    key: tuple[str, ...]
    version: str
    event_time: str
    partition: str
    delete_rule: str
    columns: tuple[Column, ...]
    anchor: str
    catalogue_version: int = 1
    redaction: tuple[str, str] | None = None
    source: str = ""
    table: str = ""
    folder: str = ""
    view: str = ""
    file_source: str = "s3_files"
    scheduled_source: str = ""
    dimensions: tuple[Dimension, ...] = ()
    is_loose: bool = False
    origin: Origin | None = None
    deleted: str = ""
    records: tuple[str, ...] = ()
    format: FileFormat = RECOGNISED
    hook: Hook | None = None

    def __hash__(self) -> int:
        """By name and version: generated SQL is cached by object, and hashing every column takes 0.2 ms a lookup."""
        return hash((self.name, self.catalogue_version))

    @property
    def table_name(self) -> str:
        """The lake table's name, without its database."""
        return self.table or self.name

    @property
    def lake_table(self) -> str:
        """`database.table` in the lake."""
        return f"{self.database}.{self.table_name}"

    @property
    def view_name(self) -> str:
        """The name of the view that shows its best rows, without its database."""
        return self.view or self.table_name

    @property
    def public_view(self) -> str:
        """`database.view`, the name for queries."""
        return f"{self.database}.{self.view_name}"

    @property
    def plain_view(self) -> str:
        """`database.view` of the lake that shows the best rows without personal data."""
        return f"{self.public_view}_plain"

    @property
    def lake_folder(self) -> str:
        """The folder of its files in the lake, without a slash at either end."""
        return self.folder or f"{self.database}/{self.table_name}"

    @property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def data_columns(self) -> tuple[Column, ...]:
        """The columns that the source fills or leaves NULL, without our `record_*` columns."""
        return tuple(column for column in self.columns if not column.name.startswith("record_"))

    @property
    def hooked_columns(self) -> tuple[Column, ...]:
        """The columns that the hook gets, none without one: all but direct PII, and lists and maps of indirect PII."""
        is_given = [c.pii == "none" or (c.pii == "indirect" and isinstance(c.type, str)) for c in self.data_columns]
        return tuple(c for c, given in zip(self.data_columns, is_given, strict=True) if given and self.hook)

    @property
    def direct_pii(self) -> tuple[Column, ...]:
        """Columns that hold a customer's number or address."""
        return tuple(column for column in self.columns if column.pii == "direct")


KEY_TYPES: tuple[Scalar, ...] = ("text", "bigint", "integer", "date", "timestamp")
"""Types of key columns: values that compare exactly and have one spelling in every engine."""
VERSION_TYPES: tuple[Scalar, ...] = ("timestamp", "date", "bigint", "integer", "text")
"""Types of version columns; text is compared by code point."""
TIME_TYPES: tuple[Scalar, ...] = ("timestamp", "date")
"""Types of event times and partition columns; a date is its midnight in UTC."""


def check(obj: Object) -> None:
    """What every object must keep, built-in or a user's. Raises ValueError naming the object and the column."""
    counts = Counter(column.name for column in obj.columns)
    for name, times in counts.items():
        if times > 1:
            raise ValueError(f"{obj.name}: column {name} is declared twice")
        if name != name.lower():
            raise ValueError(f"{obj.name}: column {name} must be lower case, engines fold names differently")
    for column in (column for column in obj.columns if column.name.startswith("record_")):
        if column not in RECORD_COLUMNS:
            raise ValueError(f"{obj.name}: column {column.name} must not begin with record_, those are Trunkline's")
    roles = [("version", obj.version), ("event_time", obj.event_time), ("partition", obj.partition)]
    roles += [("redaction", obj.redaction[0])] if obj.redaction else []
    roles += [(f"dimension {d.name}", name) for d in obj.dimensions for name in (d.key, d.label) if name]
    for role, name in roles:
        if name not in counts:
            raise ValueError(f"{obj.name}: {role} column {name} is not declared; declared are {', '.join(counts)}")
    by_name = obj.by_name
    for name in obj.key:
        if name not in counts or by_name[name].nullable or by_name[name].type not in KEY_TYPES:
            types = ", ".join(KEY_TYPES)
            raise ValueError(f"{obj.name}: key column {name} must be declared, not nullable and one of {types}")
    valid = [*zip(roles[:3], (VERSION_TYPES, TIME_TYPES, TIME_TYPES), strict=True)]
    if obj.deleted:
        valid.append((("deleted", obj.deleted), ("boolean",)))
    for (what, name), allowed in valid:
        if name not in counts or by_name[name].type not in allowed:
            raise ValueError(f"{obj.name}: {what} column {name} must be declared and of type {' or '.join(allowed)}")
    missing = [column.name for column in RECORD_COLUMNS if column not in obj.columns]
    if missing:
        raise ValueError(f"{obj.name}: columns {', '.join(missing)} are missing; add RECORD_COLUMNS")
