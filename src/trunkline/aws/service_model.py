"""What botocore's own model says of a request or an answer: types, required members, lengths, ranges, patterns, enums.

boto3 checks types and required members before it sends, and nothing else; a service refuses the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "double": (float, int),
    "float": (float, int),
    "timestamp": (datetime,),
    "blob": (bytes, str),
}


def checker(service: str) -> Callable[[str, str, Mapping[str, Any]], list[str]]:
    """A check of one service's calls: (operation, "request" or "answer", parameters) gives what is wrong, in words."""
    from botocore.session import Session

    model = Session().get_service_model(service)

    def check(operation: str, side: str, values: Mapping[str, Any]) -> list[str]:
        shapes = model.operation_model(operation)
        shape = shapes.input_shape if side == "request" else shapes.output_shape
        return [] if shape is None else list(faults(shape, values, operation))

    return check


def faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Each rule of a botocore shape that a value breaks. Names values by their path, and shows none but of enums."""
    kind = shape.type_name
    is_kind: bool = isinstance(value, _KINDS[kind])
    if not is_kind or (kind in ("integer", "long") and isinstance(value, bool)):
        yield f"{path}: {type(value).__name__} is no {kind}"
        return
    size = _size(value)
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if size is not None and ((low is not None and size < low) or (high is not None and size > high)):
        yield f"{path}: {size} is outside {low} to {high}"
    if kind == "string":
        yield from _of_text(shape.metadata, value, path)
    elif kind == "structure":
        yield from _of_structure(shape, value, path)
    elif kind == "list":
        for place, item in enumerate(value):
            yield from faults(shape.member, item, f"{path}[{place}]")
    elif kind == "map":
        for key, item in value.items():
            yield from faults(shape.key, key, f"{path} key")
            yield from faults(shape.value, item, f"{path}[...]")


def _of_structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
    yield from (f"{path}.{name} is unknown" for name in value if name not in shape.members)
    for name, member in shape.members.items():
        if name in value:
            yield from faults(member, value[name], f"{path}.{name}")


def _of_text(rules: Mapping[str, Any], value: str, path: str) -> Iterator[str]:
    pattern = _pattern(rules["pattern"]) if "pattern" in rules else None
    if pattern is not None and not pattern.search(value):
        yield f"{path}: does not match {rules['pattern']}"
    if rules.get("enum") and value not in rules["enum"]:
        yield f"{path}: {value!r} is none of {', '.join(rules['enum'])}"


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """A pattern of Java's; None for one that Python cannot read (`\\p{L}`)."""
    try:
        return re.compile(text)
    except re.error:
        return None


def _size(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    return len(value) if isinstance(value, str | list | tuple | dict) else None
