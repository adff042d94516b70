"""Type changes of scalars in the source, looked for in a sample: all of them would cost as much as a flatten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trunkline.compile.tree import Leaf, tree_of
from trunkline.engines.model import text_literal
from trunkline.objects.model import Object

_EXPECTED = {
    "text": {"VARCHAR"},
    "timestamp": {"VARCHAR"},
    "date": {"VARCHAR"},
    "bigint": {"UBIGINT", "BIGINT"},
    "integer": {"UBIGINT", "BIGINT"},
    "double": {"DOUBLE", "UBIGINT", "BIGINT"},
    "decimal": {"DOUBLE", "UBIGINT", "BIGINT"},
    "boolean": {"BOOLEAN"},
}


def scalar_types(obj: Object) -> str:
    """The statement that gives the JSON types of all scalars of each record in table `texts`."""
    pointers = ", ".join(text_literal(leaf.pointer) for leaf in _scalars(obj))
    return f"SELECT json_type(text, [{pointers}]) FROM texts"


def scalar_changes(obj: Object, rows: Sequence[tuple[list[str | None]]]) -> Counter[str]:
    """`path is TYPE` for scalars whose JSON type is not the catalogue's, counted."""
    found: Counter[str] = Counter()
    for (types,) in rows:
        for leaf, seen in zip(_scalars(obj), types, strict=True):
            if seen not in (None, "NULL") and seen not in _EXPECTED[str(leaf.type)]:
                found[f"{'.'.join(leaf.path)} is {seen}"] += 1
    return found


def _scalars(obj: Object) -> list[Leaf]:
    return [leaf for leaf in tree_of(obj).leaves if isinstance(leaf.type, str)]
