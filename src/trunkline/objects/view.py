"""A view of the catalogue as data: columns, each an expression over one relation. No I/O.

Expressions are written once, in portable SQL, which `sql.portable` turns into each engine's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from trunkline.objects.model import Dimension, ListOf, Scalar, Struct

ColumnType = Literal["string", "timestamp", "date", "bigint", "double", "decimal", "boolean", "array(string)"]


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column of a view.

    `sql` is an expression over the columns of what the view reads, or None for a column that the export cannot give
    (always NULL). `lake_sql` replaces it where the view reads the lake, whose partition keys are columns.
    `is_condition` marks an expression that is a condition; the column is then 0 or 1, never NULL.
    `meaning` is a sentence for people; `source` says where the rule comes from; `approximation` says how the value
    differs from Amazon's where the export lacks a field, empty when it does not.
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
class MemberLeaf:
    """A field of a member that is a column: its path in the struct, and its type, a scalar or a list of texts."""

    path: tuple[str, ...]
    type: Scalar | ListOf

    @property
    def name(self) -> str:
        """The name of its column."""
        return "_".join(self.path)


def _leaves(item: Struct, path: tuple[str, ...]) -> Iterator[MemberLeaf]:
    for field_ in item.fields:
        inner = (*path, field_.name)
        if isinstance(field_.type, Struct):
            yield from _leaves(field_.type, inner)
        elif isinstance(field_.type, str | ListOf):
            yield MemberLeaf(inner, field_.type)


@dataclass(frozen=True, slots=True)
class Members:
    """A column of the base table that is a list of structs, each member of which is a row of the view.

    A struct within a member gives a column per field: `queue_arn` of `queue`.
    """

    column: str
    item: Struct

    @property
    def leaves(self) -> tuple[MemberLeaf, ...]:
        """The fields of a member that are columns."""
        return tuple(_leaves(self.item, ()))


@dataclass(frozen=True, slots=True)
class View:
    """A view over one base table, one row of the view per row of the table; or over what `source` says.

    `source` is the FROM clause in portable SQL, with `{name}` for each of `tables`, which are `database.view` by name.
    `lake_tables` replace some of them, or the base, where the view reads the lake: they read less.
    `members`: one row of the view per member of a list in the base table. `dimensions` are what metrics of it can be
    grouped by. `key` names one row. `needs` are the objects whose tables must exist. `is_personal`: only the second
    role may read it.
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
    dimensions: tuple[Dimension, ...] = ()
    is_personal: bool = False

    def __hash__(self) -> int:
        """By name, as objects are."""
        return hash(self.name)

    @property
    def public_view(self) -> str:
        """`database.view`, the name for queries."""
        return f"{self.database}.{self.name}"

    def column(self, name: str) -> ViewColumn:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
