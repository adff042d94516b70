"""What moto lets pass and AWS does not: every request is held against the service's own model, limits and patterns.

botocore's own check knows required members and types alone. Here enumerations, lengths, ranges and patterns of the
request's shapes are checked as well, and for Glue what the reference says in words.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.client import BaseClient
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from trunkline.sql.lake.glue import parse_hive_type


def hold(client: BaseClient) -> BaseClient:
    """The client, whose requests are held against the model from now on."""
    client.meta.events.register("before-parameter-build.*", _check)
    return client


def _check(params: dict[str, Any], model: Any, **_: Any) -> None:
    if model.input_shape is not None:
        check(params, model.input_shape, model.name)
    if "TableInput" in params:
        check_table(params["TableInput"])


def check(value: Any, shape: Shape, where: str) -> None:
    """Raises AssertionError naming the member."""
    limits = shape.metadata
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), where
        for name, held in value.items():
            check(held, shape.members[name], f"{where}.{name}")
    elif isinstance(shape, ListShape):
        _check_size(len(value), limits, where)
        for place, held in enumerate(value):
            check(held, shape.member, f"{where}[{place}]")
    elif isinstance(shape, MapShape):
        for name, held in value.items():
            check(name, shape.key, f"{where} key")
            check(held, shape.value, f"{where}.{name}")
    elif isinstance(shape, StringShape):
        assert isinstance(value, str), where
        _check_size(len(value), limits, where)
        assert not shape.enum or value in shape.enum, f"{where} is {value!r}, not one of {shape.enum}"
        if "pattern" in limits:
            # Java's pattern names pairs of surrogates; Python's text has the character that they stand for.
            pattern = limits["pattern"].replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
            assert re.fullmatch(pattern, value), f"{where} is {value!r}, not {limits['pattern']}"


def _check_size(size: int, limits: dict[str, Any], where: str) -> None:
    assert limits.get("min", 0) <= size <= limits.get("max", size), f"{where} has length {size}, limits {limits}"


def check_table(given: dict[str, Any]) -> None:
    """What Athena refuses later: names in upper case, a name twice, a key that is a column too, a type that is none."""
    columns = given["StorageDescriptor"]["Columns"]
    names = [one["Name"] for one in (*columns, *given.get("PartitionKeys", []))]
    assert len(set(names)) == len(names), f"columns come twice: {sorted(n for n in names if names.count(n) > 1)}"
    assert all(name == name.lower() for name in (given["Name"], *names))
    for one in (*columns, *given.get("PartitionKeys", [])):
        parse_hive_type(one["Type"])
    projected = {
        name.split(".")[1] for name in given["Parameters"] if name.startswith("projection.") and name.count(".") == 2
    }
    if given["Parameters"].get("projection.enabled") == "true":
        assert projected == {one["Name"] for one in given["PartitionKeys"]}
        template = given["Parameters"]["storage.location.template"]
        assert set(re.findall(r"\$\{(\w+)\}", template)) == projected
        assert template.startswith(given["StorageDescriptor"]["Location"])
