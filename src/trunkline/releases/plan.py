"""What a release will do, as data: calls in order, each with quoted names and bound values."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from trunkline.engines.redshift import REDSHIFT, RESERVED_WORDS
from trunkline.errors import TerminalError
from trunkline.limits import NAME_BYTES_MAX, PROCEDURE_ARGUMENTS_MAX, TEXT_BYTES_MAX

_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
# What the Data API cannot bind, since its values are texts of at least one character, is a keyword in the SQL.
_WORDS: Final[dict[object, str]] = {None: "NULL", True: "TRUE", False: "FALSE"}
NAME_CHARACTERS: Final = "A-Z, a-z, 0-9, _, $, space and single hyphens"


class ReleaseError(TerminalError):
    """A release that cannot be run as it is written. `line` and `column` count from 1; None where there is no file."""

    def __init__(self, message: str, source: str, line: int | None = None, column: int | None = None) -> None:
        place = source if line is None else f"{source}:{line}:{column}"
        super().__init__(f"{place}: {message}")
        self.source, self.line, self.column = source, line, column


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number with the digits it was written with; the database converts it."""

    digits: str


@dataclass(frozen=True, slots=True)
class SecretArgument:
    """An argument that is bound like any other and shown nowhere."""

    value: str | NumberLiteral = field(repr=False)


Value = str | NumberLiteral | SecretArgument | bool | None
"""An argument: text, number, boolean or NULL; a text or number may be secret."""


@dataclass(frozen=True, slots=True)
class ProcedureCall:
    """One call: its place in the order (from 1), name parts (procedure, or schema and procedure), arguments.

    `line` is where it stands in the file, None for a call that an event asked for.
    """

    number: int
    name: tuple[str, ...]
    arguments: tuple[Value, ...] = ()
    line: int | None = None

    @property
    def display_name(self) -> str:
        """The name as SQL has it, quoted only where necessary."""
        return ".".join(part if _is_plain(part) else REDSHIFT.quote(part) for part in self.name)

    @property
    def sql(self) -> str:
        """The statement to execute: the name, keywords, and `:a1` and so on for bound values; nothing else."""
        arguments, bound = [], 0
        for value in map(_revealed, self.arguments):
            if is_bound(value):
                bound += 1
                arguments.append(f":a{bound}")
            else:
                arguments.append(_literal(value))
        return f"CALL {self.display_name}({', '.join(arguments)});"

    @property
    def sql_shown(self) -> str:
        """The statement with its values, for people; a secret is `'***'`."""
        return f"CALL {self.display_name}({', '.join(map(_literal, self.arguments))});"

    @property
    def parameters(self) -> dict[str, str]:
        """What is bound to `:a1` and so on, secrets included; every one of them is used."""
        bound = [value for value in map(_revealed, self.arguments) if is_bound(value)]
        return {
            f"a{place}": value.digits if isinstance(value, NumberLiteral) else str(value)
            for place, value in enumerate(bound, 1)
        }


@dataclass(frozen=True, slots=True)
class Release:
    """A file of calls, or the one call of an event.

    `source` says where it is from; `content` is the file's text as it is, None where there is no file.
    `digest` tells one release from another: a run is resumed only for the same one.
    """

    source: str
    calls: tuple[ProcedureCall, ...]
    content: str | None

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all that will be run; comments and spacing do not matter."""
        identity = repr([(call.name, tuple(map(_identity, call.arguments))) for call in self.calls])
        return hashlib.sha256(identity.encode()).hexdigest()


def is_bound(value: Value) -> bool:
    """Whether the Data API can bind the value: a number, or a text of at least one character."""
    return isinstance(value, NumberLiteral) or (isinstance(value, str) and value != "")


def name_fault(part: str) -> str | None:
    """What is wrong with one part of a procedure's name, or None.

    Narrower than Redshift on purpose: letters that look like others are refused, and so is everything that a driver
    between here and the database might read as a placeholder, a comment or the end of a statement.
    """
    if not part:
        return "a name is empty"
    if len(part.encode("utf-8", "surrogatepass")) > NAME_BYTES_MAX:
        return f"a name has {len(part):,} characters; Redshift's names have at most {NAME_BYTES_MAX} bytes"
    odd = next((sign for sign in part if not (sign.isascii() and (sign.isalnum() or sign in "_$ -"))), None)
    if odd is not None:
        return f"a name holds {character(odd)}; valid are {NAME_CHARACTERS}"
    if "--" in part:
        return f"a name holds two hyphens in a row; valid are {NAME_CHARACTERS}"
    return None


def arguments_fault(arguments: tuple[Value, ...]) -> str | None:
    """What is wrong with a call's arguments, or None."""
    if len(arguments) > PROCEDURE_ARGUMENTS_MAX:
        return f"{len(arguments):,} arguments; a Redshift procedure takes at most {PROCEDURE_ARGUMENTS_MAX}"
    total = 0
    for place, value in enumerate(map(_revealed, arguments), 1):
        text = value.digits if isinstance(value, NumberLiteral) else value
        if not isinstance(text, str):
            continue
        if "\x00" in text:
            return f"argument {place} holds U+0000, which Redshift cannot store"
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            return f"argument {place} holds half a character (a lone surrogate), which is no text"
        size = len(text.encode())
        total += size
        if size > TEXT_BYTES_MAX:
            return f"argument {place} has {size:,} bytes; a Redshift text has at most {TEXT_BYTES_MAX:,}"
    if total > (REDSHIFT.statement_bytes_max or total) // 2:
        return f"the arguments have {total:,} bytes together; half of a statement's 200 KB is the most"
    return None


def character(sign: str) -> str:
    """A character for a message: its code point, and itself where it is safe to print."""
    point = f"U+{ord(sign):04X}"
    return f"{sign!r} ({point})" if sign.isascii() and sign.isprintable() else f"the character {point}"


def _is_plain(part: str) -> bool:
    return _PLAIN_NAME.fullmatch(part) is not None and part not in RESERVED_WORDS


def _revealed(value: Value) -> str | NumberLiteral | bool | None:
    return value.value if isinstance(value, SecretArgument) else value


def _identity(value: Value) -> object:
    return ("secret", _revealed(value)) if isinstance(value, SecretArgument) else value


def _literal(value: Value) -> str:
    """A value as SQL for people."""
    if isinstance(value, SecretArgument):
        return "'***'"
    if isinstance(value, NumberLiteral):
        return value.digits
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else _WORDS[value]
