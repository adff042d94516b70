"""`object check`: the examples of a user's object, flattened as a load would and compared with what they say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from trunkline import clock
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.objects.user.examples import Example
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Texts


def failures(obj: Object, examples: Sequence[Example]) -> list[str]:
    """A sentence for each example that does not hold, with its number, the column, and both values."""
    flattener = Flattener(obj, PiiRule("keep", b""))
    sentences = []
    for number, example in enumerate(examples, 1):
        sentences += [f"example {number}: {problem}" for problem in _problems(flattener, example)]
    return sentences


def _problems(flattener: Flattener, example: Example) -> list[str]:
    now = clock.now_naive()
    text = msgspec.json.encode(example.record)
    plan = Plan(flattener.obj.name, "example", (FileRange("example", "1", 0, len(text), True, now),))
    try:
        flat = flattener.flatten(Framed(plan, Texts([text]), [0], [0], [], len(text)), now)
    except TerminalError as error:
        return [str(error)]
    if flat.dead_letters:
        (letter,) = flat.dead_letters
        return [] if letter.reason == example.error else [f"is set aside: {letter.reason} ({letter.detail})"]
    if example.error:
        return [f"gives a row, and {example.error} is expected"]
    names = [name for name in example.row if name in flat.rows.columns]
    listed = ", ".join(map(DUCKDB.quote, names)) or "NULL"
    values = flattener.con.execute(f"SELECT {listed} FROM {flat.rows.sql}").fetchall()[0]
    row = dict(zip(names, values, strict=False))
    unknown = [name for name in example.row if name not in flattener.obj.by_name]
    problems = [f"{name} is no column of {flattener.obj.name}" for name in unknown]
    for name, expected in example.row.items():
        if name not in unknown and not _is_same(row.get(name), expected):
            problems.append(f"{name} is {_shown(row.get(name))}, and {_shown(expected)} is expected")
    return problems


def _is_same(value: Any, expected: Any) -> bool:
    """Whether a value is what TOML writes: an empty text is NULL, since TOML has none."""
    if expected == "":
        return value is None
    if isinstance(expected, datetime) and expected.tzinfo is not None:
        expected = expected.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Decimal) and isinstance(expected, int | float | str):
        return _decimal(expected) == value
    return bool(value == expected) or (isinstance(expected, str) and _shown(value) == expected)


def _decimal(expected: float | str) -> Decimal | None:
    try:
        return Decimal(str(expected))
    except ArithmeticError:
        return None


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "NULL"
    return str(value)
