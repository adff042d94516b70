"""Proposes an object from a sample: column names, types, key, version and what may be personal data, as TOML to edit.

A guess has a comment. No value of the sample is written: it may be personal data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from trunkline.errors import UsageError
from trunkline.objects.user.columns import ENGINE_COLUMNS, PARTITION_KEYS

Path = tuple[str, ...]

_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOCAL_DATE: Final = re.compile(r"(\d{1,2})[.](\d{1,2})[.]\d{4}( \d{1,2}:\d{2}(:\d{2})?)?")
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL: Final = re.compile(r"-?\d+[.](\d+)")
_COMMA: Final = re.compile(r"-?(?:\d{1,3}(?:[.]\d{3})+|\d+),(\d+)")
_DIRECT: Final = re.compile(r"phone|mobile|fax|e_?mail", re.IGNORECASE)
_INDIRECT: Final = re.compile(r"name$|address|street|birth|subject|description|comment|note", re.IGNORECASE)
_VERSIONS: Final = ("systemmodstamp", "lastmodifieddate", "updated", "modified", "changed")
_EVENTS: Final = ("createddate", "created", "date", "time", "at")
_DESCRIBED: Final = {
    "boolean": 'type = "boolean"', "int": 'type = "integer"', "long": 'type = "bigint"', "date": 'type = "date"',
    "datetime": 'type = "timestamp"', "address": 'type = "json"', "location": 'type = "json"',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read of a sample: `format` of its file, some records, and the key of the array that they were in.

    `fields` are those of a Salesforce describe, in place of records. `separator` is CSV's where it is not a comma.
    """

    format: str
    records: Sequence[Mapping[str, Any]]
    records_path: str = ""
    separator: str = ""
    fields: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class _Guess:
    """A proposed column. `kind` is its type; `keys` are the other keys of its line, `notes` what was guessed."""

    name: str
    path: Path
    kind: str
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    is_unique: bool = False

    def line(self) -> str:
        path = json.dumps(".".join(self.path) if all("." not in key for key in self.path) else list(self.path))
        parts = [f'type = "{self.kind}"', f"path = {path}", *self.keys]
        note = f"  # guess: {', '.join(self.notes)}" if self.notes else ""
        return f"{self.name} = {{ {', '.join(parts)} }}{note}"


def propose(name: str, sample: Sample) -> str:
    """The TOML text of an object for records like those of the sample. Raises UsageError without a key or a time."""
    guesses = _described(sample.fields) if sample.fields else _guessed(sample.records)
    times = [guess for guess in guesses if guess.kind in ("timestamp", "date")]
    if not times:
        raise UsageError(
            f"the sample has no column of times that could be the event time of {name}; declare the object by hand "
            "(docs/how-to/add-an-object.md)"
        )
    key, version, event = _key(guesses, name), _first(times, _VERSIONS), _first(times, _EVENTS)
    lines = [
        "# Proposed by `trunkline object new`. Look at each guess, then run `trunkline object check` on this file."
    ]
    lines += [f"[object.{name}]", f'grain = "One row per {key.name}, the newest version."']
    lines += [f'key = ["{key.name}"]  # guess: tells the rows apart']
    lines += [f'version = "{version.name}"  # guess: the greater of two copies is the newer']
    lines += [f'event_time = "{event.name}"  # guess: when a row counts, and the folder in the lake']
    deleted = next((g for g in guesses if g.kind == "boolean" and "delete" in g.name), None)
    if deleted:
        lines += [f'deleted = "{deleted.name}"  # guess: true says that the row is gone']
    if any("zone" in note for guess in guesses for note in guess.notes):
        lines += ['zone = "UTC"  # guess: the zone of times without an offset']
    if sample.records_path:
        lines += [f"records = {json.dumps([sample.records_path])}"]
    if sample.format != "json":
        lines += [f'format = "{sample.format}"']
    if sample.separator:
        lines += ["", f"[object.{name}.csv]", f"separator = {json.dumps(sample.separator)}"]
    lines += ["", f"[object.{name}.columns]", *(guess.line() for guess in guesses)]
    return "\n".join(lines) + "\n"


def _key(guesses: Sequence[_Guess], name: str) -> _Guess:
    """The column that most likely tells rows apart."""
    usable = [guess for guess in guesses if guess.kind in ("text", "bigint") and guess.is_unique]
    for wanted in ("id", f"{name}_id", "key", "uuid"):
        for guess in usable:
            if guess.name == wanted:
                return guess
    ids = [guess for guess in usable if guess.name.endswith(("_id", "_no", "number"))]
    if not usable:
        raise UsageError(
            "no column of the sample tells its rows apart; take a larger sample, or declare the object by hand with a "
            "key of several columns (docs/how-to/add-an-object.md)"
        )
    return (ids or usable)[0]


def _first(times: Sequence[_Guess], words: Sequence[str]) -> _Guess:
    """The time whose name has the first of these words that any has; a timestamp before a date."""
    ordered = sorted(times, key=lambda guess: guess.kind != "timestamp")
    for word in words:
        for guess in ordered:
            if word in guess.name.replace("_", ""):
                return guess
    return ordered[0]


def _described(fields: Sequence[Mapping[str, Any]]) -> list[_Guess]:
    """The columns of a Salesforce object from its describe, which says types and scales."""
    guesses, taken = [], set[str]()
    for item in fields:
        path, type_ = (str(item.get("name", "")),), str(item["type"])
        kind, keys = "text", []
        if type_ in ("double", "currency", "percent"):
            kind, keys = "decimal", [f"scale = {int(item.get('scale') or 0)}"]
        elif type_ in _DESCRIBED:
            kind = _DESCRIBED[type_].split('"')[1]
        pii, notes = _personal(path, kind, [])
        if type_ in ("phone", "email"):
            pii, notes = ['pii = "direct"'], ["personal data"]
        name = _name(path, taken)
        guesses.append(_Guess(name, path, kind, (*keys, *pii), tuple(notes), is_unique=type_ == "id"))
    return guesses


def _guessed(records: Sequence[Mapping[str, Any]]) -> list[_Guess]:
    values: dict[Path, list[Any]] = {}
    for record in records:
        for path, value in _leaves(record):
            values.setdefault(path, []).append(value)
    guesses, taken = [], set[str]()
    for path, items in values.items():
        filled = [item for item in items if item not in (None, "")]
        kind, keys, notes = _type(path, filled)
        pii, personal = _personal(path, kind, filled)
        texts = [str(item) for item in filled]
        is_unique = len(texts) == len(records) and len(set(texts)) == len(texts)
        guesses.append(_Guess(_name(path, taken), path, kind, (*keys, *pii), (*notes, *personal), is_unique))
    return guesses


def _leaves(record: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in record.items():
        if isinstance(value, dict) and value and len(path) < 3:
            yield from _leaves(value, (*path, key))
        elif not set(key) & {'"', "\\"} and key:
            yield (*path, key), value


def _type(path: Path, items: Sequence[Any]) -> tuple[str, list[str], list[str]]:
    """Type, other keys and notes for values."""
    if not items:
        return "text", [], ["no value in the sample"]
    if all(isinstance(item, bool) or str(item).lower() in ("true", "false") for item in items):
        return "boolean", [], []
    if any(isinstance(item, list) for item in items):
        is_plain = all(isinstance(item, list) and all(isinstance(value, str) for value in item) for item in items)
        return ("list<text>" if is_plain else "json"), [], []
    if any(isinstance(item, dict) for item in items):
        return "json", [], []
    texts = [str(item) for item in items]
    return _time(texts) or _number(path, texts) or ("text", [], [])


def _time(texts: Sequence[str]) -> tuple[str, list[str], list[str]] | None:
    if all(_DATE.fullmatch(text) for text in texts):
        return "date", [], []
    if all(_TIME.fullmatch(text) or _DATE.fullmatch(text) for text in texts):
        matches = [_TIME.fullmatch(text) for text in texts]
        has_offset = all(match and match[1] for match in matches)
        return "timestamp", [], [] if has_offset else ["times without an offset are in zone"]
    matches = [_LOCAL_DATE.fullmatch(text) for text in texts]
    if all(matches) and len({(bool(m[3]), bool(m[4])) for m in matches if m}) == 1:
        tail = " %H:%M:%S" if matches[0] and matches[0][4] else " %H:%M" if matches[0] and matches[0][3] else ""
        keys = [f'format = "%d.%m.%Y{tail}"']
        return ("timestamp", keys, ["day before month, in zone"]) if tail else ("date", keys, ["day before month"])
    return None


def _number(path: Path, texts: Sequence[str]) -> tuple[str, list[str], list[str]] | None:
    name = path[-1].lower()
    if all(_WHOLE.fullmatch(text) for text in texts):
        lowest = min(map(abs, map(int, texts)))
        for unit, low in (("epoch_us", 10**15), ("epoch_ms", 10**12), ("epoch_s", 10**9)):
            if low <= lowest < low * 4 and re.search(r"time|date|stamp|_at$|created|modified|updated", name):
                return "timestamp", [f'format = "{unit}"'], [f"a number that is a time ({unit})"]
        return "bigint", [], []
    if all(_WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text) for text in texts):
        scale = max(len(match[1]) for text in texts if (match := _DECIMAL.fullmatch(text)))
        return "decimal", [f"scale = {min(scale, 18)}"], ["decimal places of the sample"]
    if all(_WHOLE.fullmatch(text) or _COMMA.fullmatch(text) for text in texts):
        scale = max(len(match[1]) for text in texts if (match := _COMMA.fullmatch(text)))
        return "decimal", [f"scale = {min(scale, 18)}", "decimal_comma = true"], ["a comma before the decimal places"]
    if all(re.fullmatch(r"-?\d+(?:[.]\d+)?(?:[eE][+-]?\d+)?", text) and _is_number(text) for text in texts):
        return "double", [], ["numbers with exponents"]
    return None


def _is_number(text: str) -> bool:
    return not (len(text) > 1 and text[0] == "0" and text[1].isdigit()) and Decimal(text).is_finite()


def _personal(path: Path, kind: str, items: Sequence[Any]) -> tuple[list[str], list[str]]:
    """The class of personal data that a column's name or its values suggest."""
    if kind != "text":
        return [], []
    texts = [item for item in items if isinstance(item, str)]
    if _DIRECT.search(path[-1]) or any(re.fullmatch(r"\+[1-9]\d{6,14}|[^@\s]+@[^@\s]+[.]\w+", text) for text in texts):
        return ['pii = "direct"'], ["personal data: a number or an address"]
    if _INDIRECT.search(path[-1]) and not path[-1].lower().startswith(("queue", "file", "product")):
        return ['pii = "indirect"'], ["perhaps personal data"]
    return [], []


def _name(path: Path, taken: set[str]) -> str:
    """A name in SQL for a key path, unlike those that are taken."""
    text = "_".join(path).removesuffix("__c")
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    text = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:50] or "column"
    if not text[0].isalpha() or text.startswith("record_") or text in (*PARTITION_KEYS, *ENGINE_COLUMNS):
        text = f"value_{text}"
    name, number = text, 2
    while name in taken:
        name, number = f"{text}_{number}", number + 1
    taken.add(name)
    return name
