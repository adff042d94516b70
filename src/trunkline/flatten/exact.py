"""Values read exactly: JSON without rounding, its canonical text, and scalars in the one spelling of their type.

Canonical: keys sorted, no spaces, numbers as they were written. Two spellings of a value become one text; no digit is
lost, and no member of a repeated key either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Scalar, Transform

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.]([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_FRACTION = re.compile(r"(-?)([0-9]{1,15})[.]([0-9]{1,9})")
_DOUBLE = re.compile(r"-?[0-9][0-9.eE+-]*")
_DECIMAL = re.compile(rf"-?[0-9]{{1,{DECIMAL_DIGITS - DECIMAL_SCALE}}}(?:[.][0-9]{{1,{DECIMAL_SCALE}}})?")
_NUMBER = re.compile(r"-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INTEGER_MAX, _BIGINT_MAX = 2**31 - 1, 2**63 - 1

EXPECTED_JSON_TYPES: Final[dict[str, set[str]]] = {
    "text": {"VARCHAR"},
    "timestamp": {"VARCHAR"},
    "date": {"VARCHAR"},
    "bigint": {"UBIGINT", "BIGINT"},
    "integer": {"UBIGINT", "BIGINT"},
    "double": {"DOUBLE", "UBIGINT", "BIGINT"},
    "decimal": {"DOUBLE", "UBIGINT", "BIGINT", "VARCHAR"},  # as text where the source has more digits than JSON readers
    "boolean": {"BOOLEAN"},
}
"""By the type of a column, the JSON types (as `json_type` names them) that are no drift."""


class Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


class RepeatedKeys(dict[str, Any]):
    """An object that names a key twice: either value alone would lose the other."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    return entries if len(entries) == len(pairs) else RepeatedKeys(entries)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=Number, parse_float=Number)


def parse_exact(text: str) -> Any:
    """The value of strict JSON text: dict, list, str, `Number`, bool or None.

    Raises RecordError `too_deep` where Python cannot follow.
    """
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise RecordError("too_deep", "the record nests too deep to be read") from None


def replace_surrogates(value: Any, path: tuple[str, ...], places: list[tuple[str, ...]]) -> Any:
    """The value with U+FFFD for each half of a surrogate pair, which stands for no character.

    Adds to `places` the path of each text that had one. Keys that become equal count as repeated.
    """
    match value:
        case dict():
            pairs = [
                (_SURROGATE.sub("\ufffd", key), replace_surrogates(member, (*path, key), places))
                for key, member in value.items()
            ]
            entries = dict(pairs)
            is_repeated = isinstance(value, RepeatedKeys) or len(entries) != len(pairs)
            return RepeatedKeys(entries) if is_repeated else entries
        case list():
            return [replace_surrogates(item, path, places) for item in value]
        case str() if _SURROGATE.search(value):
            places.append(path)
            return _SURROGATE.sub("\ufffd", value)
        case _:
            return value


def members(value: dict[str, Any], where: str = "") -> dict[str, Any]:
    """The members of an object. Raises RecordError `duplicate_key` if a key is repeated."""
    if isinstance(value, RepeatedKeys):
        raise RecordError("duplicate_key", f"an object{f' at {where}' if where else ''} names one key twice")
    return value


def kind(value: Any) -> str:
    """object, array, string, number, boolean or null."""
    match value:
        case dict():
            return "object"
        case list():
            return "array"
        case Number():
            return "number"
        case str():
            return "string"
        case None:
            return "null"
        case _:
            return "boolean"


def json_type(value: Any) -> str:
    """The value's type as DuckDB's `json_type` names it."""
    if isinstance(value, Number):
        return "DOUBLE" if set(value) & set(".eE") else "BIGINT" if value.startswith("-") else "UBIGINT"
    return {"string": "VARCHAR"}.get(kind(value), kind(value).upper())


def canonical(value: Any, lower_camel: bool = False) -> str:
    """Canonical text of a value.

    Raises RecordError: duplicate_key, or invalid_json if a text contains half of a surrogate pair.
    """
    match value:
        case dict():
            entries = members(value)
            if lower_camel:
                entries = {key[:1].lower() + key[1:]: member for key, member in entries.items()}
            parts = (f"{quote(key)}:{canonical(entries[key], lower_camel)}" for key in sorted(entries))
            return "{" + ",".join(parts) + "}"
        case list():
            return "[" + ",".join(canonical(item, lower_camel) for item in value) + "]"
        case Number():
            return str(value)
        case str():
            return quote(value)
        case None:
            return "null"
        case _:
            return "true" if value else "false"


def scalar_text(value: Any) -> str:
    """A text as it is, a number with its digits, an object or array as its canonical text. Raises as `canonical`."""
    return str(value) if isinstance(value, str) else canonical(value)


def quote(text: str) -> str:
    """A JSON string, non-ASCII characters as they are. Raises RecordError `invalid_json` for half a surrogate pair."""
    try:
        return _encode(text).decode()
    except UnicodeEncodeError:
        # The grammar allows it, but it stands for no character.
        raise RecordError("invalid_json", "a text holds half of a surrogate pair") from None


def encode_texts(texts: Mapping[str, str | None]) -> str:
    """JSON text of a map of texts, sorted by key. Raises RecordError `invalid_json` for half a surrogate pair."""
    try:
        return _encode_sorted(texts).decode()
    except UnicodeEncodeError:
        parts = (f"{quote(key)}:{'null' if text is None else quote(text)}" for key, text in sorted(texts.items()))
        return "{" + ",".join(parts) + "}"


def plain_scalar(type_: Scalar, text: str, transform: Transform = "plain") -> str | None:
    """The one spelling of a value that the flatten statement reads without loss; None if `text` does not fit the type.

    Durations in seconds come out in milliseconds.
    """
    match type_:
        case "text":
            return text
        case "timestamp":
            instant = parse_instant(text)
            return None if instant is None else instant.isoformat() + "Z"
        case "bigint":
            return _whole(text, 1000 if transform == "seconds_to_ms" else 1)
        case "integer":
            whole = _whole(text, 1)
            return whole if whole is not None and -_INTEGER_MAX - 1 <= int(whole) <= _INTEGER_MAX else None
        case "double":
            return _double(text)
        case "decimal":
            return _decimal(text)
        case "boolean":
            return text if text in ("true", "false") else None
        case "date":
            return _day(text)


def parse_instant(text: str) -> datetime | None:
    """The naive UTC time of ISO 8601 text with an offset, cut to the microsecond; None for anything else."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    *parts, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = map(int, parts)
    is_end_of_day = (hour, minute, second) == (24, 0, 0)  # allowed by ISO 8601 and read by DuckDB
    try:
        micros = int((fraction or "0")[:6].ljust(6, "0"))
        local = datetime(year, month, day, 0 if is_end_of_day else hour, minute, second, micros)
        local += timedelta(days=is_end_of_day)
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _whole(text: str, factor: int) -> str | None:
    if _INTEGER.fullmatch(text):
        scaled = int(text) * factor
    elif match := _FRACTION.fullmatch(text):
        sign, whole, fraction = match.groups()
        scaled, rest = divmod(int(whole + fraction) * factor, 10 ** len(fraction))
        if rest:
            return None
        scaled = -scaled if sign else scaled
    else:
        return None
    return str(scaled) if -_BIGINT_MAX - 1 <= scaled <= _BIGINT_MAX else None


def _double(text: str) -> str | None:
    if not _DOUBLE.fullmatch(text):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return _encode(value).decode() if abs(value) != float("inf") else None


def _decimal(text: str) -> str | None:
    """The digits without leading and trailing zeros, so that 4.50 and 4.5 are one text."""
    return _shortest(text) if _DECIMAL.fullmatch(text) else None


def _shortest(text: str) -> str:
    whole, _, fraction = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    shown = digits.lstrip("0") or "0"
    shown += "." + fraction.rstrip("0") if fraction.strip("0") else ""
    return shown if shown == "0" else sign + shown


def round_decimal(text: str, scale: int = DECIMAL_SCALE) -> tuple[str, bool] | None:
    """The plain text of a number for a decimal column, and whether it was rounded (half even) to `scale` places.

    Takes an exponent too. None if the number has more digits before the point than the column.
    """
    if not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    if value.adjusted() >= DECIMAL_DIGITS - scale:
        return None
    with localcontext(prec=DECIMAL_DIGITS + 1):
        rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN)
    plain = _shortest(f"{rounded:f}")
    return plain, rounded != value


def _day(text: str) -> str | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return date(*map(int, match.groups())).isoformat()
    except ValueError:
        return None
