"""Trino's types, as far as the meaning of an expression depends on them. None stands for an unknown type.

A timestamp with time zone is its UTC instant in the engine, and its zone is part of the type. The zone is None where
it is not a literal, or differs from row to row. Such a value can be compared, but what depends on its zone is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import exp

UTC: Final = "UTC"
INTEGERS: Final = ("tinyint", "smallint", "integer", "bigint")
_DIGITS: Final = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
NUMBERS: Final = (*INTEGERS, "decimal", "real", "double")


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its Trino name, a decimal's precision and scale, a text's length or a time's digits, zone and parts."""

    kind: str
    precision: int | None = None
    scale: int = 0
    zone: str | None = None
    parts: tuple[Type | None, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_integer(self) -> bool:
        """Whether it is one of the whole numbers."""
        return self.kind in INTEGERS

    @property
    def is_exact(self) -> bool:
        """Whether it is a whole number or a decimal."""
        return self.is_integer or self.kind == "decimal"

    @property
    def element(self) -> Type | None:
        """The type of an array's elements, or of a map's values."""
        return self.parts[-1] if self.kind in ("array", "map") else None

    @property
    def unnested(self) -> tuple[tuple[str, Type | None], ...]:
        """The columns that UNNEST gives, each with the name of its field where it comes from a row."""
        if self.kind == "map":
            return (("", self.parts[0]), ("", self.parts[1]))
        if self.element is not None and self.element.kind == "row":
            return self.element.fields
        return (("", self.element),)

    @property
    def fields(self) -> tuple[tuple[str, Type | None], ...]:
        """The fields of a row by name; none of another type."""
        return tuple(zip(self.names, self.parts, strict=True)) if self.kind == "row" else ()


BOOLEAN: Final = Type("boolean")
INTEGER: Final = Type("integer")
BIGINT: Final = Type("bigint")
REAL: Final = Type("real")
DOUBLE: Final = Type("double")
VARCHAR: Final = Type("varchar")
SIZED_VARCHAR: Final = Type("varchar", -1)  # a text whose type names a length that is not computed here
DATE: Final = Type("date")
TIMESTAMP: Final = Type("timestamp", 3)
JSON: Final = Type("json")
NULL: Final = Type("unknown")
DAYS: Final = Type("interval day to second")
MONTHS: Final = Type("interval year to month")


def decimal(precision: int, scale: int) -> Type:
    """A decimal of at most 38 digits."""
    return Type("decimal", min(38, precision), scale)


def zoned(zone: str | None, precision: int | None = 3) -> Type:
    """A timestamp with time zone."""
    return Type("timestamp with time zone", precision, zone=zone)


def array(element: Type | None) -> Type:
    """An array of a type."""
    return Type("array", parts=(element,))


def map_of(key: Type | None, value: Type | None) -> Type:
    """A map from one type to another."""
    return Type("map", parts=(key, value))


def is_zoned(type_: Type | None) -> bool:
    """Whether a type is a timestamp with time zone."""
    return type_ is not None and type_.kind == "timestamp with time zone"


def has_zoned(type_: Type | None) -> bool:
    """Whether a type is a timestamp with time zone or has one within."""
    return type_ is not None and (is_zoned(type_) or any(map(has_zoned, type_.parts)))


def as_decimal(type_: Type) -> Type:
    """The decimal type that a whole number or decimal is in arithmetic with decimals."""
    return type_ if type_.kind == "decimal" else decimal(_DIGITS[type_.kind], 0)


_KINDS: Final = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INT": "integer", "BIGINT": "bigint",
    "UTINYINT": "smallint", "USMALLINT": "integer", "UINT": "bigint", "FLOAT": "real", "DOUBLE": "double",
    "DATE": "date", "JSON": "json", "VARBINARY": "varbinary", "TIME": "time",
}  # fmt: skip


def from_data_type(data_type: exp.DataType) -> Type:
    """The type that a data type of either dialect is."""
    name = data_type.this.value if isinstance(data_type.this, exp.DataType.Type) else str(data_type.this)
    numbers = [int(part.name) for part in data_type.expressions if isinstance(part, exp.DataTypeParam)]
    if data_type.is_type(*exp.DataType.TEXT_TYPES):
        return Type("char" if name in ("CHAR", "NCHAR") else "varchar", numbers[0] if numbers else None)
    if name == "DECIMAL":
        return decimal(numbers[0], numbers[1] if len(numbers) > 1 else 0) if numbers else decimal(38, 0)
    if name in ("INT128", "HUGEINT", "UINT128", "UBIGINT"):
        return BIGINT
    if name in ("TIMESTAMPTZ", "TIMESTAMPLTZ"):
        return zoned(None, numbers[0] if numbers else 3)
    if name.startswith("TIMESTAMP"):
        return Type("timestamp", numbers[0] if numbers else 3)
    if name in ("MAP", "ARRAY", "LIST", "STRUCT"):
        return _nested(name, data_type)
    return Type(_KINDS.get(name, name.lower()))


def _nested(name: str, data_type: exp.DataType) -> Type:
    parts = [part for part in data_type.expressions if isinstance(part, exp.ColumnDef | exp.DataType)]
    types = tuple(from_data_type(part.args["kind"] if isinstance(part, exp.ColumnDef) else part) for part in parts)
    if name == "STRUCT":
        names = tuple(part.name.lower() if isinstance(part, exp.ColumnDef) else "" for part in parts)
        return Type("row", parts=types, names=names)
    return Type("map" if name == "MAP" else "array", parts=types)


def combined(types: Iterable[Type | None]) -> Type | None:
    """The common type of branches or operands, as Trino coerces them; None where one is unknown or none is common."""
    known = [type_ for type_ in types if type_ != NULL]
    if not known:
        return NULL
    result = known[0]
    for type_ in known[1:]:
        result = _common(result, type_)
    return result


def _common(left: Type | None, right: Type | None) -> Type | None:
    if left is None or right is None:
        return None
    if left == right:
        return left
    kinds = {left.kind, right.kind}
    if kinds <= set(NUMBERS):
        return _common_number(left, right)
    if kinds == {"varchar"}:
        return SIZED_VARCHAR
    if kinds <= {"date", "timestamp", "timestamp with time zone"}:
        return _common_time(left, right)
    if len(kinds) == 1 and len(left.parts) == len(right.parts) > 0:
        parts = tuple(combined(pair) for pair in zip(left.parts, right.parts, strict=True))
        return replace(left, parts=parts)
    return None


def _common_number(left: Type, right: Type) -> Type:
    if "double" in (left.kind, right.kind):
        return DOUBLE
    if "real" in (left.kind, right.kind):
        return REAL
    if left.is_integer and right.is_integer:
        return max(left, right, key=lambda type_: INTEGERS.index(type_.kind))
    first, second = as_decimal(left), as_decimal(right)
    scale = max(first.scale, second.scale)
    whole = max((first.precision or 0) - first.scale, (second.precision or 0) - second.scale)
    return decimal(whole + scale, scale)


def _common_time(left: Type, right: Type) -> Type:
    precision = max(left.precision or 0, right.precision or 0)
    if not is_zoned(left) and not is_zoned(right):
        return Type("timestamp", precision)
    # A date or a timestamp becomes an instant in the session's zone, UTC.
    zones = {type_.zone if is_zoned(type_) else UTC for type_ in (left, right)}
    return zoned(zones.pop() if len(zones) == 1 else None, precision)


def render(type_: Type | None) -> str | None:
    """Trino's name of a type; None where a part of it is not known here."""
    if type_ is None or type_.precision == -1:
        return None
    if type_.kind == "decimal":
        return f"decimal({type_.precision},{type_.scale})"
    if type_.kind in ("varchar", "char", "time") and type_.precision is not None:
        return f"{type_.kind}({type_.precision})"
    if type_.kind.startswith("timestamp"):
        return f"timestamp({type_.precision}){type_.kind.removeprefix('timestamp')}"
    parts = [render(part) for part in type_.parts]
    if None in parts or type_.kind == "row":
        return None if parts else type_.kind
    return f"{type_.kind}({', '.join(part for part in parts if part)})" if parts else type_.kind
