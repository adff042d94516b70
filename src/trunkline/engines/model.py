"""What an engine is, as data: how it quotes, what it calls our types, how it orders NULLs, what it refuses. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trunkline.objects.model import Column, Type


@dataclass(frozen=True, slots=True)
class Engine:
    """One SQL engine.

    `type_of` names a column's type; `text_bytes_max` is the longest text in bytes (None: no limit);
    `refuses_nul` says that U+0000 cannot be stored; `sqlglot` is the dialect's name there;
    `statement_bytes_max` is the longest statement.
    """

    name: str
    sqlglot: str
    type_of: Callable[[Column], str]
    quote: Callable[[str], str]
    text_bytes_max: int | None = None
    statement_bytes_max: int | None = None
    refuses_nul: bool = False
    has_nested_types: bool = True


def quote_double(identifier: str) -> str:
    """An identifier in double quotes, as standard SQL has it. Raises ValueError on U+0000, which no engine takes."""
    if "\x00" in identifier:
        raise ValueError("an identifier cannot hold U+0000")
    return '"' + identifier.replace('"', '""') + '"'


def quote_backtick(identifier: str) -> str:
    """An identifier in backticks, as Hive DDL has it. Raises ValueError on U+0000."""
    if "\x00" in identifier:
        raise ValueError("an identifier cannot hold U+0000")
    return "`" + identifier.replace("`", "``") + "`"


def quote_qualified(engine: Engine, name: str) -> str:
    """`schema.table` with each part quoted."""
    return ".".join(engine.quote(part) for part in name.split("."))


def text_literal(value: str) -> str:
    """A text literal for generated code, never for anything from outside."""
    return "'" + value.replace("'", "''") + "'"


def is_nested(type_: Type) -> bool:
    """Whether a type is more than one plain value."""
    return not isinstance(type_, str)
