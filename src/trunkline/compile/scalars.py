"""Scalars of one kind, typed together: one expression over a list of their texts, not one for each column.

DuckDB sets up every expression for every batch, and compiles its patterns: with one expression for each of 70 columns
that cost 115 ms a batch, with one for each kind a third of it; the rows themselves take no longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from trunkline.compile.values import hidden, scalar
from trunkline.engines.model import text_literal
from trunkline.objects.model import Column, Object, Scalar


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of one kind. Their texts are the list `r_<name>`, their typed values, in the same order, `t_<name>`."""

    name: str
    columns: tuple[Column, ...]

    @property
    def typed(self) -> str:
        """SQL of the list of typed values; an element is NULL where its text is missing or does not fit."""
        first = self.columns[0]
        assert isinstance(first.type, str)
        value = scalar(first.type, "v", first.transform)
        return f"list_transform(r_{self.name}, lambda v: {hidden(value) if first.pii == 'direct' else value})"

    @property
    def is_checked(self) -> bool:
        """Whether a text may be there and not fit."""
        return self.columns[0].type != "text"

    @property
    def is_bad(self) -> str:
        """SQL that is true when a text is there and its value is not."""
        return f"list_count(r_{self.name}) <> list_count(t_{self.name})"

    @property
    def bad_names(self) -> str:
        """SQL of the names of the columns whose text does not fit, as one text; NULL without any."""
        columns = "[" + ", ".join(text_literal(column.name) for column in self.columns) + "]"
        test = f"r_{self.name}[i] IS NOT NULL AND t_{self.name}[i] IS NULL"
        return f"NULLIF(array_to_string(list_filter({columns}, lambda _, i: {test}), ', '), '')"


@cache
def grouped_scalars(obj: Object) -> tuple[Group, ...]:
    """The scalar columns that are more than a copy of their text, grouped by what is done to them."""
    kinds: dict[tuple[Scalar, str, bool], list[Column]] = {}
    for column in obj.data_columns:
        if column.path is None or not isinstance(column.type, str):
            continue
        is_direct = column.pii == "direct"
        if column.type != "text" or column.transform != "plain" or is_direct:
            kinds.setdefault((column.type, column.transform, is_direct), []).append(column)
    return tuple(Group(f"g{number}", tuple(columns)) for number, columns in enumerate(kinds.values()))
