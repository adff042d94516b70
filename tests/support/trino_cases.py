"""Expressions with a real Trino's answers, as files that people read: `tests/golden/trino/*.txt`.

A case is an expression, then what Trino gives, indented: `= type: value` in JSON, or `! ERROR_NAME`. A line `~ refused` says that
Trunkline refuses the expression and names what it refuses. Lines that begin with `--` are titles.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "golden" / "trino"


@dataclass(frozen=True)
class Case:
    """One expression, or a title alone; `answer` is `type: value` or an error, None where nothing is recorded yet."""

    expression: str
    answer: str | None = None
    is_refused: bool = False

    @property
    def is_title(self) -> bool:
        """Whether this is a line for readers."""
        return self.expression.startswith("--")

    @property
    def text(self) -> str:
        """The case as it is in the file."""
        lines = [self.expression]
        if self.answer is not None:
            lines.append(f"    {self.answer}")
        if self.is_refused:
            lines.append("    ~ refused")
        return "\n".join(lines)


def read_cases(path: Path) -> list[Case]:
    """The cases of a file, in order."""
    return list(_cases(path.read_text(encoding="utf-8")))


def _cases(text: str) -> Iterator[Case]:
    case: Case | None = None
    for line in text.splitlines():
        if line.startswith("    ~") and case is not None:
            case = Case(case.expression, case.answer, is_refused=True)
        elif line.startswith("    ") and case is not None:
            case = Case(case.expression, line.strip(), case.is_refused)
        elif line.strip():
            if case is not None:
                yield case
            case = Case(line)
    if case is not None:
        yield case


def is_same(answer: str, ours: object) -> bool:
    """Whether a recorded answer `= type: value` is the value that the embedded engine gave."""
    type_, _, value = answer.removeprefix("= ").partition(": ")
    return _same(type_, json.loads(value), ours)


def _same(type_: str, value: Any, ours: Any) -> bool:
    if value is None or ours is None:
        return value is None and ours is None
    name, parts = _parts(type_)
    if name == "array":
        return isinstance(ours, list) and len(ours) == len(value) and all(map(_same, parts * len(value), value, ours))
    if name == "row":
        fields = list(ours.values() if isinstance(ours, dict) else ours)
        types = [part.rpartition('" ')[2] if part.startswith('"') else part.split(" ", 1)[-1] for part in parts]
        return len(fields) == len(value) and all(map(_same, types, value, fields))
    if name == "map":
        mine = {_key(key): item for key, item in ours.items()}
        return set(mine) == set(value) and all(_same(parts[1], value[key], mine[key]) for key in value)
    return bool(_SCALARS[name.lower()](type_, value, ours))


def _key(key: object) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key)


def _is_float(type_: str, value: Any, ours: Any) -> bool:
    if not isinstance(ours, float):
        return False
    wanted = float(value)
    if type_ == "real":
        wanted = struct.unpack("f", struct.pack("f", wanted))[0]
    return wanted == ours or (math.isnan(wanted) and math.isnan(ours)) or math.isclose(wanted, ours, rel_tol=4e-15)


def _is_decimal(type_: str, value: Any, ours: Any) -> bool:
    return isinstance(ours, Decimal) and str(Decimal(value)) == str(ours)


def _is_timestamp(type_: str, value: str, ours: Any) -> bool:
    day, clock = value.split(" ")[:2]
    return isinstance(ours, datetime) and ours == datetime.fromisoformat(f"{day} {clock[:15]}")


def _is_interval(type_: str, value: str, ours: Any) -> bool:
    match = re.fullmatch(r"(-?)(\d+) (\d+):(\d+):(\d+\.\d+)", value)
    assert match is not None, value
    length = timedelta(days=int(match[2]), hours=int(match[3]), minutes=int(match[4]), seconds=float(match[5]))
    return isinstance(ours, timedelta) and ours == (-length if match[1] else length)


def _is_exactly(class_: type) -> Any:
    return lambda type_, value, ours: type(ours) is class_ and ours == value


_SCALARS: dict[str, Any] = {
    **dict.fromkeys(["bigint", "integer", "smallint", "tinyint"], _is_exactly(int)),
    **dict.fromkeys(["varchar", "char", "json", "uuid"], _is_exactly(str)),
    **dict.fromkeys(["double", "real"], _is_float),
    "boolean": _is_exactly(bool),
    "decimal": _is_decimal,
    "date": lambda type_, value, ours: type(ours) is date and ours == date.fromisoformat(value),
    "time": lambda type_, value, ours: isinstance(ours, time) and ours == time.fromisoformat(value),
    "timestamp": _is_timestamp,
    "interval day to second": _is_interval,
    "interval year to month": lambda type_, value, ours: False,
    "unknown": lambda type_, value, ours: False,
}


def _parts(type_: str) -> tuple[str, list[str]]:
    """The name of a type, and its parameters: `map(varchar, array(bigint))` has two."""
    name, bracket, rest = type_.partition("(")
    if not bracket:
        return name, []
    inner, depth, parts, start = rest[: rest.rindex(")")], 0, [], 0
    for position, sign in enumerate(inner):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(inner[start:position].strip())
            start = position + 1
    return name, [*parts, inner[start:].strip()]


QUERIES = FOLDER / "queries.txt"


@dataclass(frozen=True)
class Query:
    """One query with Trino's answer: the columns' types, and the rows in order."""

    sql: str
    types: tuple[str, ...] = ()
    rows: tuple[list[Any], ...] = ()

    @property
    def text(self) -> str:
        """The query as it is in the file."""
        lines = [self.sql, "    = " + json.dumps(self.types)]
        return "\n".join(lines + [f"    | {json.dumps(row, ensure_ascii=False)}" for row in self.rows])

    def differences(self, ours: list[tuple[Any, ...]]) -> list[str]:
        """The rows that are not the same, a line each."""
        if len(ours) != len(self.rows):
            return [f"{len(self.rows)} rows in Trino, {len(ours)} here"]
        return [
            f"{wanted} in Trino, {row} here"
            for wanted, row in zip(self.rows, ours, strict=True)
            if not all(map(_same, self.types, wanted, row))
        ]


def read_queries(path: Path = QUERIES) -> list[Query]:
    """The queries of a file, which blank lines part."""
    return [_query(block.splitlines()) for block in path.read_text(encoding="utf-8").strip().split("\n\n")]


def _query(lines: list[str]) -> Query:
    types = next((json.loads(line[6:]) for line in lines if line.startswith("    = ")), [])
    rows = tuple(json.loads(line[6:]) for line in lines if line.startswith("    | "))
    return Query("\n".join(line for line in lines if not line.startswith(("    = ", "    | "))), tuple(types), rows)
