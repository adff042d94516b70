"""How a server's table that is there becomes the catalogue's: what can be added in place, and what a person must do.

Nothing here connects, and nothing that is generated takes a value away: where a type, a key or a column's duty to
have a value changed, the statements are written down for a person to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Column, Object
from trunkline.sql.ddl import table_rules


@dataclass(frozen=True, slots=True)
class Held:
    """A column as the server has it: its type in the server's words, and whether it must have a value."""

    type: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a sentence for people, and the statements that make it.

    `is_safe`: they only add, and are run by `warehouse install`.
    """

    sentence: str
    statements: tuple[str, ...]
    is_safe: bool


def changes(
    obj: Object, engine: Engine, table: str, there: Mapping[str, Held], has_rows: bool, is_staging: bool
) -> list[Change]:
    """What separates a table that is there from the catalogue's; `there` are its columns by name.

    In a staging table only the key must have a value. A column that the catalogue does not know stays, unless it must
    have a value, which no load would give.
    """
    found: list[Change] = []
    alter = f"ALTER TABLE {quote_qualified(engine, table)}"
    for column in obj.columns:
        is_required = column.name in obj.key if is_staging else not column.nullable
        held = there.get(column.name)
        if held is None:
            found.append(_added(alter, table, column, engine, is_required and has_rows, is_required))
        else:
            found += _changed(alter, table, column, engine, held, is_required)
    names = {column.name for column in obj.columns}
    for name, held in there.items():
        if name not in names and held.is_required:
            sentence = f"{table}: column {name} is not in the catalogue and must have a value, which no load gives it"
            found.append(Change(sentence, (f"{alter} ALTER COLUMN {engine.quote(name)} DROP NOT NULL",), False))
    return found


def _added(alter: str, table: str, column: Column, engine: Engine, is_unfilled: bool, is_required: bool) -> Change:
    name, type_ = engine.quote(column.name), engine.type_of(column)
    if is_unfilled:
        return Change(
            f"{table}: column {column.name} must have a value, and the rows that are there have none",
            (
                f"{alter} ADD COLUMN {name} {type_}",
                f"UPDATE {alter.removeprefix('ALTER TABLE ')} SET {name} = ...",
                f"{alter} ALTER COLUMN {name} SET NOT NULL",
            ),
            False,
        )
    required = " NOT NULL" if is_required else ""
    return Change(f"{table}: column {column.name} is added", (f"{alter} ADD COLUMN {name} {type_}{required}",), True)


def _changed(alter: str, table: str, column: Column, engine: Engine, held: Held, is_required: bool) -> list[Change]:
    name, wanted, rules = engine.quote(column.name), engine.type_of(column).lower(), table_rules(engine)
    found: list[Change] = []
    if held.type.lower() != wanted:
        using = f" USING CAST({name} AS {wanted})" if rules.converts_in_place else ""
        found.append(
            Change(
                f"{table}: column {column.name} is {held.type}, and {wanted} in the catalogue",
                (f"{alter} ALTER COLUMN {name} TYPE {wanted}{using}",),
                False,
            )
        )
    if held.is_required and not is_required:
        free = f"{alter} ALTER COLUMN {name} DROP NOT NULL"
        found.append(Change(f"{table}: column {column.name} may be NULL now", (free,), rules.relaxes_in_place))
    elif is_required and not held.is_required:
        found.append(
            Change(
                f"{table}: column {column.name} may be NULL, and must have a value in the catalogue",
                (f"{alter} ALTER COLUMN {name} SET NOT NULL",),
                False,
            )
        )
    return found
