"""Type changes in the source, looked for in a sample: exactness would cost as much as the flatten itself."""

from __future__ import annotations

from collections import Counter

import duckdb

from trunkline.compile.tree import tree_of
from trunkline.engines.model import text_literal
from trunkline.limits import DRIFT_SAMPLE_ROWS
from trunkline.objects.model import Object

_EXPECTED = {
    "text": {"VARCHAR"},
    "timestamp": {"VARCHAR"},
    "date": {"VARCHAR"},
    "bigint": {"UBIGINT", "BIGINT"},
    "integer": {"UBIGINT", "BIGINT"},
    "double": {"DOUBLE", "UBIGINT", "BIGINT"},
    "boolean": {"BOOLEAN"},
}


def sampled_type_changes(con: duckdb.DuckDBPyConnection, obj: Object) -> tuple[Counter[str], int]:
    """`path is TYPE` for scalars whose JSON type is not the catalogue's, and the number of records looked at."""
    leaves = [leaf for leaf in tree_of(obj).leaves if isinstance(leaf.type, str)]
    pointers = "[" + ", ".join(text_literal(leaf.pointer) for leaf in leaves) + "]"
    rows = con.execute(f"SELECT json_type(text, {pointers}) FROM raw WHERE row_id < {DRIFT_SAMPLE_ROWS}").fetchall()
    found: Counter[str] = Counter()
    for (types,) in rows:
        for leaf, seen in zip(leaves, types, strict=True):
            if seen not in (None, "NULL") and seen not in _EXPECTED[str(leaf.type)]:
                found[f"{'.'.join(leaf.path)} is {seen}"] += 1
    return found, len(rows)
