"""The flatten statement of an object, for DuckDB: from the leaves of plain records to rows as they are stored.

One statement for all. It types what is plain (`compile/plain.py`) and marks every other record odd;
`flatten/careful.py` makes those plain, or refuses them, and hands them to the same statement again with `is_made` set.
The JSON itself is decoded before (`flatten/decode.py`): at this width that takes a third of what DuckDB's own takes.

Records come in as the table `records`, an Arrow stream that is registered once and gives another batch each time: so
the statement is planned once, which at this width takes longer than a thousand records.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from trunkline.compile.plain import OWN_LENGTH_MIN
from trunkline.compile.tree import Leaf, Tree, pointer, tree_of
from trunkline.compile.values import parse, renamed, scalar, stored
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import text_literal
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import Column, Json, Object

UNDATED = "1970-01-01"
"""Partition date of rows whose partition column is NULL."""


@dataclass(frozen=True, slots=True)
class FlattenSql:
    """The statements of an object under one rule for personal data.

    `table` makes `flat`: the stored columns, then `row_id`, `partition_date`, `is_odd`. `rows` inserts into it.
    `layouts` groups table `texts` (`row_id`, `text`) by the keys of their known objects (`key_paths`, of which the
    first is the record itself): keys, number of records, their row ids.

    Columns of `records`: row_id, position, arrived_at, loaded_at; fidelity, version and is_deleted, the record's
    mark (`batch.Mark`; a NULL version is that of the version column); unmapped and unmapped_safe, what the catalogue
    does not know of it; is_made, whether it was made plain; is_left, whether it is left to the careful reading;
    inner_pad and outer_pad, the two pads of the key that hides personal data, since a statement with a session variable
    in it is planned anew at each execution. For each leaf that is a scalar l<n>, its value: a number or a boolean where
    it is one, else a text. For each other leaf h<n>, its text made plain, and s<n>, what is hashed in its place where
    it hides personal data.
    """

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
    return FlattenSql(
        table=f"CREATE OR REPLACE TEMP TABLE flat ({columns}, row_id INTEGER, partition_date DATE, is_odd BOOLEAN)",
        rows=_Statement(obj, tree, mode).sql(),
        # By the hash of the keys: 64 bits, over a few dozen layouts that one exporter writes.
        layouts=(
            f"SELECT any_value(keys), count(*), list(row_id) FROM (SELECT row_id, json_keys(text, [{keys}]) AS keys "
            "FROM texts) GROUP BY hash(keys)"
        ),
        key_paths=tree.objects,
    )


@cache
def by_hand(obj: Object) -> tuple[tuple[int, Leaf], ...]:
    """The leaves that Python reads, with the numbers of their columns `h<n>` and `s<n>`: all that are no scalars."""
    return tuple((n, leaf) for n, leaf in enumerate(tree_of(obj).leaves) if not isinstance(leaf.type, str))


def record_hash(obj: Object) -> str:
    """SQL of the row's fingerprint, inside the flatten statement."""
    return _Statement(obj, tree_of(obj), "hash").hash()


def _q(name: str) -> str:
    return DUCKDB.quote(name)


class _Statement:
    """Builds the INSERT, a SELECT inside a SELECT for each step.

    Names inside: `l<n>` the text of leaf n, `v<n>` the typed value of column n. What several expressions need is a
    column of an inner SELECT, because DuckDB computes an expression as often as it is written.
    """

    def __init__(self, obj: Object, tree: Tree, mode: str) -> None:
        self.obj, self.tree, self.mode = obj, tree, mode
        self.leaf_of = {leaf.path: n for n, leaf in enumerate(tree.leaves)}
        self.columns = [(n, c) for n, c in enumerate(obj.data_columns) if c.path is not None]
        self.own = [f"own{n}" for n, c in self.columns if c.pii == "direct" and c.type == "text"]

    def sql(self) -> str:
        """The whole statement."""
        return (
            f"INSERT INTO flat SELECT {', '.join(self._final())} FROM (SELECT {', '.join(self._values())} FROM records)"
        )

    def _leaf(self, column: Column) -> str:
        assert column.path is not None
        return f"l{self.leaf_of[column.path]}"

    def _values(self) -> list[str]:
        """Typed values, and the texts that several expressions need."""
        result = ["*", "CASE WHEN is_made THEN 1 ELSE 1000 END AS ms"]
        for n, column in self.columns:
            if isinstance(column.type, str):
                result.append(f"{scalar(column, self._leaf(column))} AS v{n}")
                if f"own{n}" in self.own:
                    result.append(f"ltrim({self._leaf(column)}, '+') AS own{n}")
            elif not isinstance(column.type, Json):
                hand = f"h{self.leaf_of[column.path or ()]}"
                result.append(f"{renamed(column.type, parse(hand, column.type))} AS v{n}")
        return result

    def _is_odd(self) -> str:
        """Whether the record needs the careful reading."""
        checks = ["is_left"]
        hiding = [f"h{n}" for n, leaf in by_hand(self.obj) if leaf.columns[0].pii == "indirect"]
        if self.own and hiding:
            text = f"concat_ws(' ', {', '.join(hiding)})"
            checks += [f"(length({own}) >= {OWN_LENGTH_MIN} AND contains({text}, {own}))" for own in self.own]
        checks += [self._is_implausible(), *(f"COALESCE({self._value(key)}, '') = ''" for key in self.obj.key)]
        return f"COALESCE(NOT is_made AND ({' OR '.join(checks)}), false)"

    def _value(self, name: str) -> str:
        return f"v{next(n for n, c in enumerate(self.obj.data_columns) if c.name == name)}"

    def _is_implausible(self) -> str:
        """True when a time of the row cannot be, seen from the record's arrival."""
        times = ", ".join(f"v{n}" for n, c in self.columns if c.type == "timestamp")
        return (
            f"least({times}) < TIMESTAMP '{EVENT_YEAR_MIN}-01-01' "
            f"OR greatest({times}) >= arrived_at + INTERVAL {EVENT_AHEAD_DAYS_MAX} DAY "
            f"OR {self._value(self.obj.version)} > arrived_at + INTERVAL {VERSION_AHEAD_S_MAX} SECOND"
        )

    def _final(self) -> list[str]:
        record = {
            "record_version": f"COALESCE(version, CAST({self._value(self.obj.version)} AS VARCHAR))",
            "record_fidelity": "fidelity",
            "record_is_redacted": self._redacted(),
            "record_catalogue_version": str(self.obj.catalogue_version),
            "record_hash": self.hash(),
            "record_position": "position",
            "record_arrived_at": "arrived_at",
            "record_loaded_at": "loaded_at",
            "record_unmapped": "unmapped",
            "record_is_deleted": "is_deleted",
        }
        values = {column.name: self._stored(n, column) for n, column in enumerate(self.obj.data_columns)}
        columns = [f"{(values | record)[c.name]} AS {_q(c.name)}" for c in self.obj.columns]
        date = f"COALESCE(CAST({self._value(self.obj.partition)} AS DATE), DATE '{UNDATED}')"
        return [*columns, "row_id", f"{date} AS partition_date", f"{self._is_odd()} AS is_odd"]

    def _stored(self, n: int, column: Column) -> str:
        """A column's value as it is stored."""
        if column.path is None:
            return f"CAST(NULL AS {DUCKDB.type_of(column)})"
        if isinstance(column.type, Json):
            return stored(column, f"h{self.leaf_of[column.path]}", self.mode)
        return stored(column, f"v{n}", self.mode)

    def _redacted(self) -> str:
        if self.obj.redaction is None:
            return "false"
        name, key = self.obj.redaction
        path = self.obj.by_name[name].path
        assert path is not None
        return f"json_extract_string(h{self.leaf_of[path]}, {text_literal(pointer((key,)))}) IS NOT NULL"

    def hash(self) -> str:
        """MD5 of the row as stored, without direct personal data: a JSON list of texts, then one of numbers.

        Both in catalogue order. What is made of another column's text adds nothing and stands in neither.
        """
        texts, numbers = [], []
        for n, column in self.columns:
            leaf = self.leaf_of[column.path or ()]
            if column.pii == "direct" or column.type == "text":
                continue  # texts have a list of their own
            if column.type == "timestamp":
                numbers.append(f"epoch_us(v{n})")
            elif column.type in ("bigint", "integer", "boolean"):
                numbers.append(f"CAST(v{n} AS BIGINT)")
            elif isinstance(column.type, str):
                texts.append(f"CAST(v{n} AS VARCHAR)")
            elif column.pii == "indirect":
                texts.append(f"COALESCE(s{leaf}, h{leaf})")
            else:
                texts.append(f"h{leaf}")
        derived = [
            f"v{n}" for n, c in self.columns
            if c.type == "text" and c.pii != "direct" and c.transform == "last_arn_segment" and not self._is_whole(c)
        ]  # fmt: skip
        plain = ", ".join(
            self._leaf(c) for _, c in self.columns if c.type == "text" and c.transform == "plain" and c.pii != "direct"
        )
        rest = ", ".join([*derived, *texts, "unmapped_safe"])
        return (
            f"md5(CAST(to_json([{plain}]) AS VARCHAR) || CAST(to_json([{rest}]) AS VARCHAR) || "
            f"CAST(to_json(CAST([{', '.join(numbers)}] AS BIGINT[])) AS VARCHAR))"
        )

    def _is_whole(self, column: Column) -> bool:
        """Whether another column has the whole of this column's source text."""
        return any(c.path == column.path and c.transform == "plain" for _, c in self.columns)
