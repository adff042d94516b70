"""Migration of a server's existing table to the catalogue's: what is added in place, and what a person must do.

Pure. No generated statement loses a value: where a type, a key or NOT NULL changed, the statements are shown for a
person to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Column, Object
from trunkline.sql.ddl import table_rules


@dataclass(frozen=True, slots=True)
class ServerColumn:
    """A column of a server's table: its type in the server's words, and whether it is NOT NULL."""

    type: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class TableChange:
    """One difference: a sentence for people, and the statements that remove it.

    `is_safe`: they only add, and `warehouse install` runs them.
    """

    sentence: str
    statements: tuple[str, ...]
    is_safe: bool


def changes(
    obj: Object, engine: Engine, table: str, existing: Mapping[str, ServerColumn], has_rows: bool, is_staging: bool
) -> list[TableChange]:
    """The differences between an existing table and the catalogue's; `existing` are its columns by name.

    In a staging table only the key is NOT NULL. A column that the catalogue does not have is kept, unless it is NOT
    NULL, since no load gives it a value.
    """
    differences: list[TableChange] = []
    alter = f"ALTER TABLE {quote_qualified(engine, table)}"
    for column in obj.columns:
        is_required = column.name in obj.key if is_staging else not column.nullable
        if column.name in existing:
            differences += _changed(alter, table, column, engine, existing[column.name], is_required)
        else:
            differences.append(_added(alter, table, column, engine, is_required and has_rows, is_required))
    names = {column.name for column in obj.columns}
    for name, current in existing.items():
        if name not in names and current.is_required:
            sentence = f"{table}: column {name} is not in the catalogue and is NOT NULL, but no load gives it a value"
            statement = f"{alter} ALTER COLUMN {engine.quote(name)} DROP NOT NULL"
            differences.append(TableChange(sentence, (statement,), False))
    return differences


def _added(alter: str, table: str, column: Column, engine: Engine, is_unfilled: bool, is_required: bool) -> TableChange:
    name, type_ = engine.quote(column.name), engine.type_of(column)
    if is_unfilled:
        return TableChange(
            f"{table}: column {column.name} is NOT NULL in the catalogue, and existing rows have no value for it",
            (
                f"{alter} ADD COLUMN {name} {type_}",
                f"UPDATE {alter.removeprefix('ALTER TABLE ')} SET {name} = ...",
                f"{alter} ALTER COLUMN {name} SET NOT NULL",
            ),
            False,
        )
    statement = f"{alter} ADD COLUMN {name} {type_}{' NOT NULL' if is_required else ''}"
    return TableChange(f"{table}: column {column.name} is added", (statement,), True)


def _changed(
    alter: str, table: str, column: Column, engine: Engine, current: ServerColumn, is_required: bool
) -> list[TableChange]:
    name, wanted, rules = engine.quote(column.name), engine.type_of(column).lower(), table_rules(engine)
    differences: list[TableChange] = []
    if current.type.lower() != wanted:
        using = f" USING CAST({name} AS {wanted})" if rules.converts_in_place else ""
        sentence = f"{table}: column {column.name} is {current.type}, and {wanted} in the catalogue"
        differences.append(TableChange(sentence, (f"{alter} ALTER COLUMN {name} TYPE {wanted}{using}",), False))
    if current.is_required and not is_required:
        statement = f"{alter} ALTER COLUMN {name} DROP NOT NULL"
        sentence = f"{table}: column {column.name} may be NULL now"
        differences.append(TableChange(sentence, (statement,), rules.relaxes_in_place))
    elif is_required and not current.is_required:
        statement = f"{alter} ALTER COLUMN {name} SET NOT NULL"
        sentence = f"{table}: column {column.name} may be NULL here and is NOT NULL in the catalogue"
        differences.append(TableChange(sentence, (statement,), False))
    return differences
