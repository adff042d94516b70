"""Records of any object with one optional value replaced by any JSON value."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from trunkline.objects.model import Object
from trunkline.sql.flatten.values import tree_of

Path = tuple[str, ...]

TEXTS = [
    "", " ", "soon", "2026-03-03T10:00:00Z", "2026-03-03T10:00:00+05:30", "1999-01-01T00:00:00Z", "2026-02-30T10:00:00Z",
    "true", "12", "1e3", "3.5", "infinity", "Zoe \ud83d", "arn:x/queue/q1", "2026-03-03",
]  # fmt: skip
NUMBERS = [0, -0.0, 33.5, 1e-21, 0.30000000000000004, 1_700_000_000_000, 2**70, -1]


def base(obj: Object, key: str = "k1", at: str = "2026-03-03T10:00:00Z") -> dict[str, Any]:
    """The least record of an object."""
    record: dict[str, Any] = {}
    for name in (*obj.key, obj.version, obj.partition):
        column = obj.by_name[name]
        values = {"timestamp": at, "bigint": 1}
        put_value(record, column.path or (), values.get(str(column.type), key))
    return record


def put_value(record: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at a path of keys."""
    for key in path[:-1]:
        record = record.setdefault(key, {})
    record[path[-1]] = value


def optional_paths(obj: Object) -> list[Path]:
    """The paths of leaves and known objects that no mandatory column is at or below."""
    tree = tree_of(obj)
    needed = [obj.by_name[name].path or () for name in (*obj.key, obj.version, obj.partition)]
    paths = [*(leaf.path for leaf in tree.leaves), *tree.objects[1:]]
    return [path for path in paths if not any(other[: len(path)] == path for other in needed)]


def columns_at(obj: Object, path: Path) -> list[str]:
    """The columns that are read at a path or below it."""
    return [column.name for column in obj.columns if column.path and column.path[: len(path)] == path]


def written(value: Any) -> Any:
    """The value as the lake can have it: no half of a surrogate pair."""
    if isinstance(value, str):
        return "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in value)
    if isinstance(value, list):
        return [written(item) for item in value]
    return {written(key): written(member) for key, member in value.items()} if isinstance(value, dict) else value


def is_empty(value: Any) -> bool:
    """Whether all of a value is null."""
    if isinstance(value, dict):
        return all(is_empty(member) for member in value.values())
    return all(map(is_empty, value)) if isinstance(value, list) else value is None


def exact(text: str) -> Any:
    """The value of a JSON text, its numbers without rounding: 1E+2 equals 100."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def random_value(rng: random.Random, depth: int = 2) -> Any:
    """Any JSON value, often one that is nearly of the right form."""
    kind = rng.choice(["text", "text", "number", "number", "boolean", "null", "array", "object"])
    match kind:
        case "text":
            return rng.choice([*TEXTS, "".join(chr(rng.choice([97, 233, 0x65E5, 0x1F600, 34, 92])) for _ in range(5))])
        case "number":
            return rng.choice([*NUMBERS, rng.randint(-(2**70), 2**70), rng.uniform(-1e6, 1e6)])
        case "boolean":
            return rng.random() < 0.5
        case "array" if depth:
            return [random_value(rng, depth - 1) for _ in range(rng.randint(0, 2))]
        case "object" if depth:
            return {rng.choice(["a", "B", "Name", "é"]): random_value(rng, depth - 1) for _ in range(rng.randint(0, 2))}
    return None


def mutations(obj: Object, rng: random.Random) -> Iterator[tuple[Path, Any]]:
    """Each optional path once, in any order, with a value."""
    paths = optional_paths(obj)
    rng.shuffle(paths)
    for path in paths:
        yield path, fitting_value(obj, path, rng)


def fitting_value(obj: Object, path: Path, rng: random.Random) -> Any:
    """Any value that is not longer than Redshift's column at a path; a longer one is a dead letter there."""
    lengths = [column.length_max for column in obj.columns if column.path == path and column.length_max is not None]
    while True:
        value = random_value(rng)
        if all(len(json.dumps(value, ensure_ascii=False).encode(errors="replace")) <= length for length in lengths):
            return value
