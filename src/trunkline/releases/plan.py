"""What a release will do, as data: calls in order, each with quoted names and bound values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import TerminalError
from trunkline.limits import NAME_BYTES_MAX, PROCEDURE_ARGUMENTS_MAX, TEXT_BYTES_MAX

# What the Data API cannot bind (its values are texts of at least one character) stands in the SQL as a word of ours.
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
    """A number in the digits in which it was written; the database converts it."""

    digits: str


Value = str | NumberLiteral | bool | None
"""An argument: text, number, boolean or NULL."""


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
        """The name for people: quoted only where it has to be."""
        return ".".join(part if _is_plain(part) else REDSHIFT.quote(part) for part in self.name)

    @property
    def sql(self) -> str:
        """The statement: quoted names, `:a1` and so on for bound values, words of our own; nothing else."""
        shown, bound = [], 0
        for value in self.arguments:
            if is_bound(value):
                bound += 1
                shown.append(f":a{bound}")
            else:
                shown.append("''" if value == "" else _WORDS[value])
        return f"CALL {'.'.join(map(REDSHIFT.quote, self.name))}({', '.join(shown)});"

    @property
    def parameters(self) -> dict[str, str]:
        """What is bound to `:a1` and so on; every one of them is used."""
        bound = [value for value in self.arguments if is_bound(value)]
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
        told = repr([(call.name, call.arguments) for call in self.calls])
        return hashlib.sha256(told.encode()).hexdigest()


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
    odd = next((one for one in part if not (one.isascii() and (one.isalnum() or one in "_$ -"))), None)
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
    for place, value in enumerate(arguments, 1):
        text = value.digits if isinstance(value, NumberLiteral) else value
        if not isinstance(text, str):
            continue
        if "\x00" in text:
            return f"argument {place} holds U+0000, which Redshift cannot store"
        if any("\ud800" <= one <= "\udfff" for one in text):
            return f"argument {place} holds half a character (a lone surrogate), which is no text"
        size = len(text.encode())
        total += size
        if size > TEXT_BYTES_MAX:
            return f"argument {place} has {size:,} bytes; a Redshift text has at most {TEXT_BYTES_MAX:,}"
    if total > (REDSHIFT.statement_bytes_max or total) // 2:
        return f"the arguments have {total:,} bytes together; half of a statement's 200 KB is the most"
    return None


def character(one: str) -> str:
    """A character for a message: itself where it is safe to print, and its number."""
    return f"{one!r} (U+{ord(one):04X})" if one.isascii() and one.isprintable() else f"the character U+{ord(one):04X}"


def _is_plain(part: str) -> bool:
    return part.replace("_", "a").isalnum() and part == part.lower() and not part[0].isdigit()
