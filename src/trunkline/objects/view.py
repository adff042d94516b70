"""What a view of the catalogue is: columns as data, each an expression over one relation. No I/O.

Expressions are written once, in SQL that DuckDB, PostgreSQL, Redshift and Athena all read, with one spelling
that `sql.portable` turns into each engine's own: `MS_BETWEEN("a", "b")`, the whole milliseconds from
timestamp column a to timestamp column b, NULL when either is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trunkline.objects.model import Struct

ColumnType = Literal["string", "timestamp", "bigint", "double", "array(string)"]


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column of a view.

    `sql` is an expression over the columns of what the view reads, or None for a column that the export cannot give
    (always NULL). `lake_sql` stands in for it where the lake's files are read, whose partition keys are columns.
    `is_condition` marks an expression that is a condition; the column is then 0 or 1, never NULL.
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
    lake_sql: str | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """A column of the base table that is a list of structs, each member of which is a row of the view."""

    column: str
    item: Struct


@dataclass(frozen=True, slots=True)
class View:
    """A view over one base table, one row of the view per row of the table; or over what `source` says.

    `source` is what stands after FROM, in portable SQL with `{name}` for each of `tables`, which are `database.view`
    by name; `lake_tables` stand in for some of them, or for the base, where the lake is read: they read less.
    `members`: one row of the view per member of a list in the base table. `key` names one row. `needs` are the objects
    whose tables must be there. `is_personal`: only the second role may read it.
    """

    database: str
    name: str
    base: str
    grain: str
    columns: tuple[ViewColumn, ...]
    key: tuple[str, ...] = ("contact_id",)
    needs: tuple[str, ...] = ("contact_record",)
    source: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    lake_tables: Mapping[str, str] = field(default_factory=dict)
    members: Members | None = None
    is_personal: bool = False

    def column(self, name: str) -> ViewColumn:
        """The column of that name; KeyError when there is none."""
        for one in self.columns:
            if one.name == name:
                return one
        raise KeyError(name)
