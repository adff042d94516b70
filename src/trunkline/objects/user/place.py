"""A user's TOML file as a place: values checked one by one, and errors that name file, line, table and key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trunkline.errors import UsageError

_SECTION = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?\Z")
_ASSIGNMENT = re.compile(r"""\s*((?:[\w.-]|"[^"]*"|'[^']*'|\s)+?)\s*=""")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")
_NOT_IN_KEYS = frozenset({'"', "\\", *map(chr, range(32))})
"""Characters that JSON writes as escapes: a record's keys are found as they stand in its text."""


@dataclass(frozen=True, slots=True)
class Place:
    """A table of the file: the prefix of every message, and checks of single values. `text` is the whole file."""

    file: str
    table: str
    text: str = ""
    number: int = 1

    def inner(self, name: str, number: int = 1) -> Place:
        """A table within this one; `number` tells those of an array apart."""
        return Place(self.file, f"{self.table}.{name}", self.text, number)

    def where(self, key: str = "") -> str:
        """The beginning of an error about a key, with dots for keys of inner tables."""
        table, _, name = f"{self.table}.{key}".rpartition(".")
        return (
            f"{Place(self.file, table, self.text).at(name)}: [{self.table}]" if key else f"{self.at()}: [{self.table}]"
        )

    def error(self, key: str, value: object, valid: str) -> UsageError:
        """The error about a key's value; `valid` says what is valid."""
        return UsageError(f"{self.at(key)}: [{self.table}] {key} = {value!r} is not valid; {valid}")

    def missing(self, key: str, do: str) -> UsageError:
        """The error about a key that is not there; `do` says what to add."""
        return UsageError(f"{self.at()}: [{self.table}] has no {key}; {do}")

    def at(self, key: str = "") -> str:
        """The file, and the line of the key or of the table where it can be told."""
        line = line_of(self.text, self.table, key, self.number)
        return f"{self.file}, line {line}" if line else self.file

    def only(self, table: dict[str, Any], allowed: tuple[str, ...]) -> None:
        """Raises UsageError for a key that is not allowed."""
        for name in table:
            if name not in allowed:
                import difflib

                near = difflib.get_close_matches(name, allowed, n=1)
                guess = f"; did you mean {near[0]!r}?" if near else ""
                raise UsageError(
                    f"{self.at(name)}: [{self.table}] has an unknown key {name!r}; keys are {', '.join(allowed)}{guess}"
                )

    def string(self, table: dict[str, Any], key: str, default: str) -> str:
        """A text. Raises UsageError for another value, and for a text of white space."""
        value = table.get(key, default)
        if not isinstance(value, str) or (key in table and not value.strip()):
            raise self.error(key, value, "it must be a text that is not empty")
        return value

    def boolean(self, table: dict[str, Any], key: str, default: bool) -> bool:
        """True or false. Raises UsageError for another value."""
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, value, "it must be true or false")
        return value

    def integer(self, table: dict[str, Any], key: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`, None without one. Raises UsageError for another value."""
        value = table.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
            raise self.error(key, value, f"it must be a whole number from {low} to {high}")
        return value

    def choice(self, table: dict[str, Any], key: str, default: str, valid: tuple[str, ...]) -> Any:
        """One of some texts. Raises UsageError for another value."""
        value = table.get(key, default)
        if value not in valid:
            import difflib

            near = difflib.get_close_matches(str(value), valid, n=1)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise self.error(key, value, f"valid are {', '.join(valid)}{guess}")
        return value

    def identifier(self, key: str, value: object, characters_max: int) -> str:
        """A name in SQL. Raises UsageError for another value."""
        if not isinstance(value, str) or not _IDENTIFIER.match(value) or len(value) > characters_max:
            raise self.error(
                key,
                value,
                f"a name has lower-case letters, digits and _, begins with a letter and is "
                f"at most {characters_max} characters long",
            )
        return value

    def zone(self, table: dict[str, Any], default: str) -> str:
        """The IANA name of a time zone. Raises UsageError for any other value."""
        name = self.string(table, "zone", default)
        try:
            if name:
                ZoneInfo(name)
        except (ValueError, OSError, ZoneInfoNotFoundError) as error:
            raise self.error("zone", name, "it must be an IANA name such as Europe/Berlin, or UTC") from error
        return name

    def keys(self, key: str, value: object) -> tuple[str, ...]:
        """A path of keys. Raises UsageError for what is none."""
        keys = value.split(".") if isinstance(value, str) else value
        if not isinstance(keys, list) or not keys or not all(isinstance(part, str) and part for part in keys):
            raise self.error(key, value, 'it must be "a.b", or ["a", "b.c"] where a key has a dot')
        if any(character in _NOT_IN_KEYS for part in keys for character in part):
            raise self.error(key, value, "a key may have no quotation mark, backslash or control character")
        return tuple(keys)


def read_document(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file, and what it says. Raises UsageError if it is missing, or is not TOML."""
    import tomllib  # not imported where there is no such file

    try:
        text = path.read_bytes().decode("utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a TOML file of objects") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: is not TOML: {error}") from error


def line_of(text: str, table: str, key: str = "", occurrence: int = 1) -> int | None:
    """The line of a TOML text that sets a key of a table, else the line of the table, else None.

    `occurrence` is the number of the table among those of its name, which an array of tables has.
    """
    wanted = table.split(".")
    header: list[str] = []
    first, seen = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if section := _SECTION.match(line):
            header = [part.strip(" \t\"'") for part in section[1].split(".")]
            seen += header == wanted
            if header == wanted and seen == occurrence:
                first = number
        elif assignment := _ASSIGNMENT.match(line):
            path = [*header, *(part.strip(" \t\"'") for part in assignment[1].split("."))]
            if path == [*wanted, key] and (seen == occurrence or not seen):
                return number
            first = number if path == wanted and first is None else first
    return first
