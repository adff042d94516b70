"""Rows of a table read by the engine: a CSV file to columns of texts, and from these to the leaves of records.

A column all of whose values are plain is typed here, all at once. What is plain is what `flatten/rows.py` takes as it
is: any other column is read there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from trunkline.engines.duckdb import DUCKDB, type_name
from trunkline.engines.model import text_literal
from trunkline.objects.model import AS_USUAL, DECIMAL_DIGITS, Object
from trunkline.records import Mark, RowLayout
from trunkline.sql.flatten.statement import FlattenSql, leaf_names
from trunkline.sql.flatten.values import BIGINT_DIGITS, DATES, INTEGER_DIGITS, TIMES, Leaf, tree_of
from trunkline.sql.relation import Relation, relation

BESIDE: Final = "beside"
"""The Arrow table that has the other columns of `records`, row by row: `cells_rows` names those that it needs."""


def cells_of(layout: RowLayout) -> Relation:
    """The table that a file of rows is read into: a column of texts for each of the layout's."""
    return relation("cells", [f"cell_{n}" for n in range(len(layout.names))])


def read_cells(layout: RowLayout, path: str, file_bytes: int) -> str:
    """Make the table of a file of rows in UTF-8 without a header row, each ended by a line feed.

    DuckDB refuses the file where a row has another number of values, where a quoted value does not end at a separator
    or a line's end, and where the text is not UTF-8. The order of the rows is that of the file.
    """
    cells = cells_of(layout)
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in cells.columns)
    quote = text_literal(layout.quote)
    pattern = text_literal(path.replace("[", "[[]"))
    # One buffer has the whole file, so that no value and no row crosses from one to the next.
    size = file_bytes + 1
    return (
        f"CREATE OR REPLACE TEMP TABLE {cells.sql} AS FROM read_csv({pattern}, auto_detect = false, "
        f"header = false, columns = {{{columns}}}, delim = {text_literal(layout.separator)}, quote = {quote}, "
        f"escape = {quote}, new_line = '\\n', strict_mode = true, parallel = false, "
        f"buffer_size = {size}, max_line_size = {size})"
    )


def measure_cells(layout: RowLayout, leaves: Sequence[Leaf | None]) -> str:
    """One row: the number of rows, and for each column the number of its values and whether all of them are plain.

    `leaves` are those that the columns fill. An empty value counts as none.
    """
    cells = cells_of(layout)
    parts = ["count(*)"]
    for name, leaf in zip(cells.columns, leaves, strict=True):
        parts += [f"count(*) FILTER ({name} <> '')", _is_plain(name, leaf) if leaf is not None else "false"]
    return f"SELECT {', '.join(parts)} FROM {cells.sql}"


def _is_plain(name: str, leaf: Leaf) -> str:
    """Whether a whole column is plain: false where only its rows can tell."""
    column = leaf.columns[0]
    if leaf.type == "text":
        return "false" if any(c.pii == "direct" for c in leaf.columns) else "true"
    if column.notation != AS_USUAL:
        return "false"
    match leaf.type:
        case "timestamp":
            return f"({' OR '.join(_all_match(name, _pattern(shape)) for shape in TIMES)})"
        case "date":
            return f"({' OR '.join(_all_match(name, _pattern(shape)) for shape in DATES)})"
        case "bigint" | "integer":
            return _all_match(name, _whole(BIGINT_DIGITS if leaf.type == "bigint" else INTEGER_DIGITS))
        case "boolean":
            return _all_match(name, "true|false")
        case "decimal":
            scale = column.decimal_scale
            return _all_match(name, _whole(DECIMAL_DIGITS - scale) + (f"(?:[.][0-9]{{1,{scale}}})?" if scale else ""))
        case _:
            return "false"


def _all_match(name: str, pattern: str) -> str:
    """Whether every value of a column has a pattern."""
    return f"COALESCE(bool_and(regexp_full_match({name}, {text_literal(pattern)})) FILTER ({name} <> ''), true)"


def _pattern(shape: str) -> str:
    """The pattern of texts that look like a shape, whose digits are all zeros."""
    return shape.replace(".", "[.]").replace("0", "[0-9]")


def _whole(digits: int) -> str:
    return f"-?(?:0|[1-9][0-9]{{0,{digits - 1}}})"


def cells_rows(
    obj: Object, sql: FlattenSql, layout: RowLayout, leaves: Mapping[int, int], beside: Sequence[str]
) -> str:
    """Insert the rows of the table of cells: the flatten statement, over records made of it.

    `leaves` are the leaves that come from cells, each with its column's number; all values of these are plain. Table
    BESIDE has `record_row`, `record_range`, `record_offset`, and the columns that `beside` names, which may be those of
    the marks. Parameters: the places of the batch's ranges, their times of arrival, and the time of loading.
    """
    cells, names, tree = cells_of(layout), leaf_names(obj), tree_of(obj)
    typed = [
        f"{_typed(tree.leaves[leaf], f'c.{cells.columns[n]}')} AS {DUCKDB.quote(names[leaf])}"
        for leaf, n in leaves.items()
    ]
    others = [f"b.{DUCKDB.quote(name)}" for name in beside]
    unmarked = [f"{value} AS {name}" for name, value in _UNMARKED.items() if name not in beside]
    records = ",\n    ".join([*_KNOWN, *unmarked, *others, *typed])
    return (
        f"INSERT INTO {sql.flat.sql}\nWITH records AS (\n  SELECT\n    {records}\n  FROM {BESIDE} AS b "
        f"POSITIONAL JOIN {cells.sql} AS c\n)\n{sql.select}"
    )


_KNOWN: Final = (
    "b.record_row",
    "list_extract($1, b.record_range + 1) || CAST(b.record_offset AS VARCHAR) AS record_position",
    "list_extract(CAST($2 AS TIMESTAMP[]), b.record_range + 1) AS record_arrived_at",
    "CAST($3 AS TIMESTAMP) AS record_loaded_at",
    "false AS record_is_made",
    "CAST(1000 AS INTEGER) AS record_ms",
)
"""What every record has."""
_UNMARKED: Final = {
    "record_fidelity": text_literal(Mark().fidelity),
    "record_version": "CAST(NULL AS VARCHAR)",
    "record_is_deleted": "false",
}
"""What every record without a mark has."""


def _typed(leaf: Leaf, cell: str) -> str:
    """A plain cell as the flatten statement takes the leaf."""
    value = f"NULLIF({cell}, '')"
    is_typed = leaf.type in ("bigint", "integer", "boolean")
    return f"CAST({value} AS {type_name(leaf.type)})" if is_typed else value
