"""What a view of the catalogue is: columns as data, each an expression over one base table. No I/O.

Expressions are written once, in SQL that DuckDB, PostgreSQL, Redshift and Athena all read, with one spelling
that `compile.portable` turns into each engine's own: `MS_BETWEEN("a", "b")`, the whole milliseconds from
timestamp column a to timestamp column b, NULL when either is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["string", "timestamp", "bigint"]


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column of a view.

    `sql` is an expression over the base table's columns, or None for a column that the export cannot give
    (always NULL). `is_condition` marks an expression that is a condition; the column is then 0 or 1, never NULL.
    `meaning` is a sentence for people; `source` says where the rule comes from; `approximation` is what the value
    gives up where the export lacks a field, empty when it gives up nothing.
    """

    name: str
    type: ColumnType
    sql: str | None
    meaning: str
    source: str
    approximation: str = ""
    is_condition: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A view over one base table, one row of the view per row of the table."""

    database: str
    name: str
    base: str
    grain: str
    columns: tuple[ViewColumn, ...]

    def column(self, name: str) -> ViewColumn:
        """The column of that name; KeyError when there is none."""
        for one in self.columns:
            if one.name == name:
                return one
        raise KeyError(name)
