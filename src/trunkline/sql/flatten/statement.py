"""The flatten statement of an object, for DuckDB: from the leaves of plain records to rows as they are stored.

One statement for all. It types what is plain (`sql/flatten/plain.py`) and marks every other record odd;
`flatten/careful.py` makes those plain, or refuses them, and hands them to the same statement again with `is_made` set.
The JSON itself is decoded before (`flatten/decode.py`), in a pass that also tells keys that are repeated or unknown.

Records come in as the table `records`, an Arrow stream that is registered once and gives another batch each time: so
the statement is planned once, which at this width takes longer than a thousand records.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import text_literal
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import Column, Json, Object
from trunkline.sql.flatten.tree import Leaf, pointer, tree_of
from trunkline.sql.flatten.values import OWN_LENGTH_MIN, parse, renamed, scalar, stored
from trunkline.sql.order import partition_date
from trunkline.sql.relation import PARTITION_DATE, Relation, flat_rows

ROW, IS_ODD = "record_row", "record_is_odd"
"""A row's record in its batch; whether the record needs the careful reading."""

_BESIDE = (
    "record_row", "record_position", "record_arrived_at", "record_loaded_at", "record_fidelity", "record_version",
    "record_is_deleted", "record_unmapped", "record_unmapped_safe", "record_is_made", "record_is_left",
    "record_inner_pad", "record_outer_pad",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FlattenSql:
    """The statements of an object under one rule for personal data.

    `table` makes `flat`: the stored columns, then PARTITION_DATE, ROW and IS_ODD. `rows` inserts into it.
    `layouts` groups table `texts` (`row_id`, `text`) by the keys of their known objects (`key_paths`, of which the
    first is the record itself): keys, number of records, their row ids.

    Columns of `records`, beside which no column of an object can be called so: record_row, its place in the batch;
    record_position, record_arrived_at, record_loaded_at; record_fidelity, record_version, record_is_deleted, its mark
    (`batch.Mark`; a NULL version is that of the version column); record_unmapped and record_unmapped_safe, what the
    catalogue does not know of it; record_is_made, whether it was made plain; record_is_left, whether it is left to the
    careful reading; record_ms, the milliseconds in its durations' unit; record_inner_pad and record_outer_pad, the two
    pads of the key that hides personal data, since a statement with a session variable in it is planned anew at each
    execution. And each leaf by `leaf_names`: a scalar as a number or a boolean where it is one, else as a text; any
    other as its text made plain, with what is hashed in its place, where it hides personal data, by `safe_name`.
    """

    flat: Relation
    table: str
    rows: str
    layouts: str
    key_paths: tuple[tuple[str, ...], ...]


@cache
def flatten_sql(obj: Object, mode: str = "hash") -> FlattenSql:
    """All flatten statements of an object under a rule. Pure; the same text for the same catalogue."""
    tree = tree_of(obj)
    keys = ", ".join(text_literal(pointer(path)) for path in tree.objects)
    columns = ", ".join(f"{_q(c.name)} {DUCKDB.type_of(c)}" for c in obj.columns)
    flat = flat_rows(obj, (ROW, IS_ODD))
    more = f"{PARTITION_DATE} DATE, {ROW} INTEGER, {IS_ODD} BOOLEAN"
    return FlattenSql(
        flat=flat,
        table=f"CREATE OR REPLACE TEMP TABLE {flat.sql} ({columns}, {more})",
        rows=_Statement(obj, mode).sql(flat),
        # By the hash of the keys: 64 bits, over a few dozen layouts that one exporter writes.
        layouts=(
            f"SELECT any_value(keys), count(*), list(row_id) FROM (SELECT row_id, json_keys(text, [{keys}]) AS keys "
            "FROM texts) GROUP BY hash(keys)"
        ),
        key_paths=tree.objects,
    )


@cache
def by_hand(obj: Object) -> tuple[tuple[int, Leaf], ...]:
    """The leaves that Python reads, with their numbers: all that are no scalars."""
    return tuple((n, leaf) for n, leaf in enumerate(tree_of(obj).leaves) if not isinstance(leaf.type, str))


@cache
def leaf_names(obj: Object) -> tuple[str, ...]:
    """The columns of `records` that have the leaves: `$.Queue.ARN`, so that none is called as a stored column is."""
    names = ["$." + ".".join(leaf.path) for leaf in tree_of(obj).leaves]
    folded = Counter(name.casefold() for name in names)
    # Engines take names that differ in case alone for one.
    return tuple(name if folded[name.casefold()] == 1 else f"{name} {n}" for n, name in enumerate(names))


def safe_name(name: str) -> str:
    """The column beside a leaf's that has what is hashed in its place."""
    return name + " safe"


def _q(name: str) -> str:
    return DUCKDB.quote(name)


def _as(expression: str, name: str) -> str:
    return expression if expression == _q(name) else f"{expression} AS {_q(name)}"


class _Statement:
    """Builds the INSERT: what is stored, from a SELECT of typed values by the catalogue's names.

    What several expressions need is a column of the inner SELECT, because DuckDB computes an expression as often as it
    is written.
    """

    def __init__(self, obj: Object, mode: str) -> None:
        self.obj, self.mode = obj, mode
        self.names = dict(zip((leaf.path for leaf in tree_of(obj).leaves), leaf_names(obj), strict=True))
        self.columns = [c for c in obj.data_columns if c.path is not None]
        self.own = {_q(f"own {c.name}"): c for c in self.columns if c.pii == "direct" and c.type == "text"}

    def sql(self, flat: Relation) -> str:
        """The whole statement."""
        values, final = ",\n    ".join(self._values()), ",\n  ".join(self._final())
        return f"INSERT INTO {flat.sql}\nSELECT\n  {final}\nFROM (\n  SELECT\n    {values}\n  FROM records\n)"

    def _leaf(self, column: Column) -> str:
        return _q(self.names[column.path or ()])

    def _safe(self, column: Column) -> str:
        return _q(safe_name(self.names[column.path or ()]))

    def _values(self) -> list[str]:
        """Typed values, and the texts that the hash and the checks need."""
        result = list(_BESIDE)
        for column in self.columns:
            if isinstance(column.type, str):
                value = scalar(column, self._leaf(column))
            elif isinstance(column.type, Json):
                value = self._leaf(column)
            else:
                value = renamed(column.type, parse(self._leaf(column), column.type))
            result.append(_as(value, column.name))
        result += [f"ltrim({self._leaf(column)}, '+') AS {own}" for own, column in self.own.items()]
        for _, leaf in by_hand(self.obj):
            result += [self._leaf(leaf.columns[0]), self._safe(leaf.columns[0])]
        return result

    def _is_odd(self) -> str:
        """Whether the record needs the careful reading."""
        checks = ["record_is_left"]
        hiding = [self._leaf(leaf.columns[0]) for _, leaf in by_hand(self.obj) if leaf.columns[0].pii == "indirect"]
        if self.own and hiding:
            text = f"concat_ws(' ', {', '.join(hiding)})"
            checks += [f"(length({own}) >= {OWN_LENGTH_MIN} AND contains({text}, {own}))" for own in self.own]
        checks += [self._is_implausible(), *(f"COALESCE({_q(key)}, '') = ''" for key in self.obj.key)]
        return f"COALESCE(NOT record_is_made AND ({' OR '.join(checks)}), false)"

    def _is_implausible(self) -> str:
        """True when a time of the row cannot be, seen from the record's arrival."""
        times = ", ".join(_q(c.name) for c in self.columns if c.type == "timestamp")
        return (
            f"least({times}) < TIMESTAMP '{EVENT_YEAR_MIN}-01-01' "
            f"OR greatest({times}) >= record_arrived_at + INTERVAL {EVENT_AHEAD_DAYS_MAX} DAY "
            f"OR {_q(self.obj.version)} > record_arrived_at + INTERVAL {VERSION_AHEAD_S_MAX} SECOND"
        )

    def _final(self) -> list[str]:
        record = {
            "record_version": f"COALESCE(record_version, CAST({_q(self.obj.version)} AS VARCHAR))",
            "record_is_redacted": self._redacted(),
            "record_catalogue_version": str(self.obj.catalogue_version),
            "record_hash": self._hash(),
        }
        made = record | {column.name: self._stored(column) for column in self.obj.data_columns}
        columns = [_as(made.get(c.name, _q(c.name)), c.name) for c in self.obj.columns]
        date = partition_date(self.obj, DUCKDB)
        return [*columns, f"{date} AS {PARTITION_DATE}", ROW, f"{self._is_odd()} AS {IS_ODD}"]

    def _stored(self, column: Column) -> str:
        """A column's value as it is stored."""
        if column.path is None:
            return f"CAST(NULL AS {DUCKDB.type_of(column)})"
        return stored(column, _q(column.name), self.mode)

    def _redacted(self) -> str:
        if self.obj.redaction is None:
            return "false"
        name, key = self.obj.redaction
        leaf = self._leaf(self.obj.by_name[name])
        return f"json_extract_string({leaf}, {text_literal(pointer((key,)))}) IS NOT NULL"

    def _hash(self) -> str:
        """MD5 of the row as stored, without direct personal data: JSON lists of texts, other texts, and numbers.

        All in catalogue order. What is made of another column's text adds nothing and stands in none.
        """
        texts, others, numbers = [], [], []
        for column in self.columns:
            name = _q(column.name)
            if column.pii == "direct":
                continue
            if column.type == "text":
                texts += [name] if column.transform == "plain" else []
            elif column.type == "timestamp":
                numbers.append(f"epoch_us({name})")
            elif column.type in ("bigint", "integer", "boolean"):
                numbers.append(f"CAST({name} AS BIGINT)")
            elif isinstance(column.type, str):
                others.append(f"CAST({name} AS VARCHAR)")
            elif column.pii == "indirect":
                others.append(f"COALESCE({self._safe(column)}, {self._leaf(column)})")
            else:
                others.append(self._leaf(column))
        derived = [
            _q(c.name) for c in self.columns
            if c.type == "text" and c.pii != "direct" and c.transform == "last_arn_segment" and not self._is_whole(c)
        ]  # fmt: skip
        rest = ", ".join([*derived, *others, "record_unmapped_safe"])
        return (
            f"md5(CAST(to_json([{', '.join(texts)}]) AS VARCHAR) || CAST(to_json([{rest}]) AS VARCHAR) || "
            f"CAST(to_json(CAST([{', '.join(numbers)}] AS BIGINT[])) AS VARCHAR))"
        )

    def _is_whole(self, column: Column) -> bool:
        """Whether another column has the whole of this column's source text."""
        return any(c.path == column.path and c.transform == "plain" for c in self.columns)
