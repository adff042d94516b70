"""The flatten statement of an object, for DuckDB: from the leaves of plain records to rows as they are stored.

One statement for all records. It types what is plain (`sql/flatten/values.py`) and marks every other record odd;
`flatten/careful.py` makes those plain, or refuses them, and hands them to the same statement again with
`record_is_made` set. JSON is decoded before (`flatten/decode.py`), personal data is hidden before
(`flatten/privacy.py`).

Records come in as the table `records`, an Arrow stream that is registered once and gives another batch each time. So
the statement is planned once: at full width, planning takes longer than a thousand records. It has the columns of the
leaves that the records have, since an empty column costs as much to write as a full one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import text_literal
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import TIME_TYPES, Column, Json, Object
from trunkline.objects.user.rules import parse_rule
from trunkline.sql.flatten.values import Leaf, parse, pointer, renamed, scalar, tree_of
from trunkline.sql.order import compared_columns, partition_date, version_text
from trunkline.sql.relation import PARTITION_DATE, Relation, relation

_BESIDE = (
    "record_row",
    "record_position",
    "record_arrived_at",
    "record_loaded_at",
    "record_fidelity",
    "record_version",
    "record_is_deleted",
    "record_unmapped",
    "record_unmapped_safe",
    "record_is_made",
    "record_is_left",
)
ROW = "record_row"
"""The row's place in its batch."""
IS_ODD = "record_is_odd"
"""Whether the row was left to the careful reading."""


@dataclass(frozen=True, slots=True)
class FlattenSql:
    """The statements of an object for records that have certain leaves.

    `table` makes the relation `flat`: the stored columns that these leaves fill and those that every row needs, then
    PARTITION_DATE, ROW and IS_ODD. `rows` inserts into it what `select` gives. `days` gives its partition dates, the
    number of rows of each, and a list of their odd rows. `layouts` groups table `texts` (`record_row`, `text`) by the
    keys of the known objects (`key_paths`, of which the first is the record itself): keys, number of records, their
    rows.

    Columns of `records`: record_row; record_position, record_arrived_at, record_loaded_at; record_fidelity,
    record_version, record_is_deleted, its mark (`records.Mark`; a NULL version is that of the version column);
    record_unmapped and record_unmapped_safe, what the catalogue does not know of it, and what is hashed in its place;
    record_is_made, whether it was made plain; record_is_left, whether it is left to the careful reading; record_ms, the
    milliseconds in its durations' unit. And each leaf by `leaf_names`: a scalar as a number or a boolean if it is one,
    else as a text; any other as its plain text, with what is hashed in its place by `safe_name`. Columns that hold
    direct personal data come as they are stored, by `stored_name`.
    """

    flat: Relation
    table: str
    rows: str
    select: str
    days: str
    layouts: str
    key_paths: tuple[tuple[str, ...], ...]


@cache
def flatten_sql(obj: Object, leaves: frozenset[int] | None = None) -> FlattenSql:
    """All flatten statements of an object for records with values at these leaves, all leaves by default. Pure."""
    statement = _Statement(obj, leaves)
    select = statement.sql()
    flat = relation("flat", [*(c.name for c in statement.stored), PARTITION_DATE, ROW, IS_ODD])
    columns = ", ".join(f"{_q(c.name)} {DUCKDB.type_of(c)}" for c in statement.stored)
    keys = ", ".join(text_literal(pointer(path)) for path in tree_of(obj).objects)
    return FlattenSql(
        flat=flat,
        table=(
            f"CREATE OR REPLACE TEMP TABLE {flat.sql} ({columns}, {PARTITION_DATE} DATE, {ROW} INTEGER, "
            f"{IS_ODD} BOOLEAN)"
        ),
        rows=f"INSERT INTO {flat.sql}\n{select}",
        select=select,
        days=(
            f"SELECT {PARTITION_DATE}, count(*), list({ROW}) FILTER ({IS_ODD}) FROM {flat.sql} GROUP BY 1 ORDER BY 1"
        ),
        # By the hash of the keys: 64 bits, over a few dozen layouts that one exporter writes.
        layouts=(
            f"SELECT any_value(keys), count(*), list({ROW}) FROM (SELECT {ROW}, json_keys(text, [{keys}]) AS keys "
            "FROM texts) GROUP BY hash(keys)"
        ),
        key_paths=tree_of(obj).objects,
    )


@cache
def nested_leaves(obj: Object) -> tuple[tuple[int, Leaf], ...]:
    """The leaves that are no scalars, with their numbers: Python reads them."""
    return tuple((n, leaf) for n, leaf in enumerate(tree_of(obj).leaves) if not isinstance(leaf.type, str))


@cache
def leaf_names(obj: Object) -> tuple[str, ...]:
    """The columns of `records` that have the leaves: `$.Queue.ARN`, so that none has a stored column's name."""
    names = ["$." + ".".join(leaf.path) for leaf in tree_of(obj).leaves]
    folded = Counter(name.casefold() for name in names)
    # Engines do not tell apart names that differ in case alone.
    return tuple(name if folded[name.casefold()] == 1 else f"{name} {n}" for n, name in enumerate(names))


def safe_name(name: str) -> str:
    """The column beside a leaf's that has what is hashed in its place."""
    return name + " safe"


def stored_name(column: Column) -> str:
    """The column of `records` that has what is stored in a column of direct personal data."""
    return column.name + " stored"


def is_hidden(column: Column) -> bool:
    """Whether the column's value is hidden before the statement. A hash fits text and JSON columns alone."""
    return column.pii == "direct" and (column.type == "text" or isinstance(column.type, Json))


def is_read(obj: Object, leaf: Leaf) -> bool:
    """Whether the statement reads the leaf itself, and not only what is stored of it."""
    roles = {*obj.key, obj.version, obj.partition}
    return any(not is_hidden(column) or column.name in roles for column in leaf.columns)


def _q(name: str) -> str:
    return DUCKDB.quote(name)


def _as(expression: str, name: str) -> str:
    return expression if expression == _q(name) else f"{expression} AS {_q(name)}"


def _null(column: Column) -> str:
    return f"CAST(NULL AS {DUCKDB.type_of(column)})"


class _Statement:
    """Builds the SELECT: what is stored, from an inner SELECT of typed values by the catalogue's names.

    What several expressions need is a column of the inner SELECT, because DuckDB computes an expression as often as it
    is written.
    """

    def __init__(self, obj: Object, leaves: frozenset[int] | None) -> None:
        self.obj = obj
        numbered = [(n, leaf) for n, leaf in enumerate(tree_of(obj).leaves) if leaves is None or n in leaves]
        self.nested = [leaf for _, leaf in numbered if not isinstance(leaf.type, str)]
        self.names = {leaf.path: leaf_names(obj)[n] for n, leaf in numbered}
        needed = {*obj.key, obj.version, obj.partition, obj.event_time, *(c.name for c in compared_columns(obj))}
        if obj.redaction is not None:
            needed.add(obj.redaction[0])
        if obj.deleted:
            needed.add(obj.deleted)
        self.derived = {c.name: parse_rule(c.rule) for c in obj.data_columns if c.rule and c.path is None}
        needed.update(self.derived, *(rule.names for rule in self.derived.values()))
        self.columns = [c for c in obj.data_columns if c.path is not None]
        self.stored = [
            c
            for c in obj.columns
            if leaves is None or c.path in self.names or c.name in needed or c.name.startswith("record_")
        ]

    def sql(self) -> str:
        """The whole SELECT."""
        values, final = ",\n    ".join(self._values()), ",\n  ".join(self._final())
        return f"SELECT\n  {final}\nFROM (\n  SELECT\n    {values}\n  FROM records\n)"

    def _leaf(self, column: Column) -> str:
        return _q(self.names[column.path or ()])

    def _values(self) -> Iterator[str]:
        """Typed values, and the texts that the hash and the checks need."""
        yield from _BESIDE
        tree = tree_of(self.obj)
        for column in self.columns:
            if column.path in self.names and is_hidden(column):
                yield _q(stored_name(column))
        read = {leaf.path for leaf in tree.leaves if is_read(self.obj, leaf)}
        for column in self.columns:
            if column.path in self.names and column.path in read:
                yield _as(self._typed(column), column.name)
            elif column in self.stored and column.path not in self.names:
                yield _as(_null(column), column.name)
        for leaf in self.nested:
            if is_read(self.obj, leaf):
                yield self._leaf(leaf.columns[0])
            if leaf.columns[0].pii == "indirect":
                yield _q(safe_name(self.names[leaf.path]))

    def _typed(self, column: Column) -> str:
        if isinstance(column.type, str):
            return scalar(column, self.names[column.path or ()])
        if isinstance(column.type, Json):
            return self._leaf(column)
        return renamed(column.type, parse(self._leaf(column), column.type))

    def _final(self) -> Iterator[str]:
        record = {
            "record_version": f"COALESCE(record_version, {version_text(self.obj, DUCKDB, _q(self.obj.version))})",
            "record_is_deleted": self._deleted(),
            "record_is_redacted": self._redacted(),
            "record_catalogue_version": str(self.obj.catalogue_version),
            "record_hash": self._hash(),
        }
        for column in self.stored:
            if column.name.startswith("record_"):
                value = record.get(column.name, _q(column.name))
            elif column.name in self.derived:
                value = self._derived(column.name)
            elif column.path is None:
                value = _null(column)
            elif column.path in self.names and is_hidden(column):
                value = _q(stored_name(column))
            else:
                value = _q(column.name)
            yield _as(value, column.name)
        yield f"{partition_date(self.obj, DUCKDB)} AS {PARTITION_DATE}"
        yield ROW
        yield f"{self._is_odd()} AS {IS_ODD}"

    def _is_odd(self) -> str:
        """Whether the record needs the careful reading."""
        checks = ["record_is_left", self._is_implausible(), *(self._is_missing(key) for key in self.obj.key)]
        return f"COALESCE(NOT record_is_made AND ({' OR '.join(checks)}), false)"

    def _is_missing(self, key: str) -> str:
        is_text = self.obj.by_name[key].type == "text"
        return f"COALESCE({_q(key)}, '') = ''" if is_text else f"{_q(key)} IS NULL"

    def _is_implausible(self) -> str:
        """True if a time of the row cannot be, seen from the record's arrival."""
        roles = {self.obj.version, self.obj.partition, *self.obj.key}
        dates = [f"CAST({_q(c.name)} AS TIMESTAMP)" for c in self.columns if c.type == "date" and c.name in roles]
        times = [_q(c.name) for c in self.columns if c.type == "timestamp" and c in self.stored] + dates
        checks = []
        if times:
            checks = [
                f"least({', '.join(times)}) < TIMESTAMP '{EVENT_YEAR_MIN}-01-01'",
                f"greatest({', '.join(times)}) >= record_arrived_at + INTERVAL {EVENT_AHEAD_DAYS_MAX} DAY",
            ]
        if self.obj.by_name[self.obj.version].type in TIME_TYPES:
            checks.append(f"{_q(self.obj.version)} > record_arrived_at + INTERVAL {VERSION_AHEAD_S_MAX} SECOND")
        return " OR ".join(checks or ["false"])

    def _deleted(self) -> str:
        """Whether the source says, or the column of the object, that the row no longer exists."""
        if not self.obj.deleted:
            return _q("record_is_deleted")
        name = self.obj.deleted
        return f"record_is_deleted OR COALESCE({self._derived(name) if name in self.derived else _q(name)}, false)"

    def _derived(self, name: str) -> str:
        """The value of a column that a rule makes of others."""
        return f"CAST({self.derived[name].sql()} AS {DUCKDB.type_of(self.obj.by_name[name])})"

    def _redacted(self) -> str:
        if self.obj.redaction is None:
            return "false"
        name, key = self.obj.redaction
        column = self.obj.by_name[name]
        if column.path not in self.names:
            return "false"
        return f"json_extract_string({self._leaf(column)}, {text_literal(pointer((key,)))}) IS NOT NULL"

    def _hash(self) -> str:
        """MD5 of the row as stored, without direct personal data: JSON lists of texts, other texts, and numbers.

        All in catalogue order, NULL for leaves that are not there, so that it does not depend on them. What is made of
        another column's text adds nothing and stands in none. `flatten/hooked.py` adds what a hook
        gets, which is left out here.
        """
        texts, others, numbers = [], [], []
        hashed = [column for column in self.columns if column not in self.obj.hooked_columns]
        for column in hashed:
            is_there, name = column.path in self.names, _q(column.name)
            if column.pii == "direct":
                continue
            if column.type == "text":
                texts += [name if is_there else "NULL"] if column.transform == "plain" else []
            elif column.type == "timestamp":
                numbers.append(f"epoch_us({name})" if is_there else "NULL")
            elif column.type in ("bigint", "integer", "boolean"):
                numbers.append(f"CAST({name} AS BIGINT)" if is_there else "NULL")
            elif isinstance(column.type, str):
                others.append(f"CAST({name} AS VARCHAR)" if is_there else "NULL")
            elif is_there and column.pii == "indirect":
                others.append(f"COALESCE({_q(safe_name(self.names[column.path or ()]))}, {self._leaf(column)})")
            else:
                others.append(self._leaf(column) if is_there else "NULL")
        derived = [
            _q(c.name) if c.path in self.names else "NULL"
            for c in hashed
            if c.type == "text" and c.pii != "direct" and c.transform == "last_arn_segment" and not self._is_whole(c)
        ]
        rest = ", ".join([*derived, *others, "record_unmapped_safe"])
        return (
            f"md5(CAST(to_json(CAST([{', '.join(texts)}] AS VARCHAR[])) AS VARCHAR) || "
            f"CAST(to_json(CAST([{rest}] AS VARCHAR[])) AS VARCHAR) || "
            f"CAST(to_json(CAST([{', '.join(numbers)}] AS BIGINT[])) AS VARCHAR))"
        )

    def _is_whole(self, column: Column) -> bool:
        """Whether another column has the whole of this column's source text."""
        return any(c.path == column.path and c.transform == "plain" for c in self.columns)
