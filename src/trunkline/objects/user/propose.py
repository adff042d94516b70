"""Proposes an object from a sample: column names, types, key, version and what may be personal data, as TOML to edit.

A guess has a comment. No value of the sample is written: it may be personal data.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

from trunkline.errors import UsageError
from trunkline.objects.model import READ_AT, TIME_TYPES
from trunkline.objects.user.columns import ENGINE_COLUMNS, PARTITION_KEYS
from trunkline.objects.user.guesses import IN_ZONE, TypeGuess, guess_type

Path = tuple[str, ...]
HOW_TO: Final = "docs/how-to/add-your-own-object.md"

_DIRECT: Final = re.compile(r"phone|mobile|fax|e_?mail", re.IGNORECASE)
_INDIRECT: Final = re.compile(r"name$|address|street|birth|subject|description|comment|note", re.IGNORECASE)
_BIRTH: Final = re.compile(r"birth|dob$|expir|due")
_KEY_COLUMNS_MAX: Final = 20
_VERSIONS: Final = ("systemmodstamp", "lastmodifieddate", "updated", "modified", "changed")
_EVENTS: Final = ("createddate", "created", "date", "time", "at")
_DESCRIBED: Final = {
    "boolean": 'type = "boolean"', "int": 'type = "integer"', "long": 'type = "bigint"', "date": 'type = "date"',
    "datetime": 'type = "timestamp"', "address": 'type = "json"', "location": 'type = "json"',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read of a sample: `format` of its file, some records, and the path of the array that they were in.

    `fields` are those of a Salesforce describe, in place of records. `layout` are lines for the table `[csv]` or
    `[excel]` of the object, which say what its files have beside the usual.
    `source` are the lines of the table that says where its records are pulled from.
    """

    format: str
    records: Sequence[Mapping[str, Any]]
    records_path: Path = ()
    layout: tuple[str, ...] = ()
    fields: Sequence[Mapping[str, Any]] = ()
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Guess:
    """A proposed column. `kind` is its type; `keys` are the other keys of its line, `notes` what was guessed.

    `values` are its texts in the sample if each record has one. `is_time`: a row may count at its time.
    """

    name: str
    path: Path
    kind: str
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    values: tuple[str, ...] = ()
    is_time: bool = False
    is_id: bool = False

    @property
    def is_unique(self) -> bool:
        """Whether it may be the key by itself."""
        return self.is_id or (bool(self.values) and len(set(self.values)) == len(self.values))

    def line(self) -> str:
        keys = ".".join(self.path) if all("." not in key for key in self.path) else self.path
        path = toml_text(keys)
        parts = [f'type = "{self.kind}"', f"path = {path}", *self.keys]
        note = f"  # guess: {', '.join(self.notes)}" if self.notes else ""
        return f"{self.name} = {{ {', '.join(parts)} }}{note}"


def propose(name: str, sample: Sample) -> str:
    """The TOML text of an object for records like those of the sample. Raises UsageError without a key.

    Where no column says when a row changed, the time of the file, `_read_at`, is the version; without any column of
    times it is the event time too.
    """
    guesses = _described(sample.fields) if sample.fields else _guessed(sample.records, is_typed=sample.format != "csv")
    key = _key(guesses, name)
    times = [guess for guess in guesses if guess.is_time]
    version = _named(times, _VERSIONS) or (_first(times, ()) if times and sample.fields else None)
    if version is None or sample.source:
        version = _read_time(guesses, is_pulled=bool(sample.source))
        guesses.append(version)
    event = _first(times or [version], _EVENTS)
    lines = [
        "# Proposed by `trunkline object new`. Look at each guess, then run `trunkline object check` on this file."
    ]
    names = [guess.name for guess in key]
    lines += [f"[object.{name}]", f'grain = "One row per {", ".join(names)}, the newest version."']
    lines += [f"key = {json.dumps(names)}  # guess: tells the rows apart"]
    lines += [f'version = "{version.name}"  # guess: the greater of two copies is the newer']
    lines += [f'event_time = "{event.name}"  # guess: when a row counts, and the folder in the lake']
    deleted = next((g for g in guesses if g.kind == "boolean" and "delete" in g.name), None)
    if deleted:
        lines += [f'deleted = "{deleted.name}"  # guess: true says that the row is gone']
    if any(note == IN_ZONE for guess in guesses for note in guess.notes):
        lines += ['zone = "UTC"  # guess: the zone of times without an offset']
    if sample.records_path:
        lines += [f"records = {json.dumps(sample.records_path)}"]
    if sample.format not in ("json", "sheet"):
        lines += [f'format = "{sample.format}"']
    if sample.layout:
        lines += ["", f"[object.{name}.{sample.format}]", *sample.layout]
    if sample.source:
        lines += ["", f"[object.{name}.source]", *sample.source]
    lines += ["", f"[object.{name}.columns]", *(guess.line() for guess in guesses)]
    return "\n".join(lines) + "\n"


def toml_text(value: str | Sequence[str]) -> str:
    """A text or a list of texts in TOML, whose basic strings are JSON's."""
    return json.dumps(value, ensure_ascii=False)


def _read_time(guesses: Sequence[_Guess], is_pulled: bool) -> _Guess:
    """The column of the time at which a row was read: that of its file, or of the run that found the row changed."""
    name = _name(("read_at",), {guess.name for guess in guesses})
    note = "the time of the file, as no column says when a row changed: the newest file wins"
    if is_pulled:
        note = "the time at which this version of the row was read"
    return _Guess(name, (READ_AT,), "timestamp", notes=(note,), is_time=True)


def _key(guesses: Sequence[_Guess], name: str) -> list[_Guess]:
    """The column that most likely tells rows apart; two columns where none does by itself."""
    usable = [guess for guess in guesses if guess.kind in ("text", "bigint")]
    unique = [guess for guess in usable if guess.is_unique]
    for wanted in ("id", f"{name}_id", "key", "uuid"):
        for guess in unique:
            if guess.name == wanted:
                return [guess]
    ids = [guess for guess in unique if guess.name.endswith(("_id", "_no", "number", "code"))]
    if unique:
        return (ids or unique)[:1]
    filled = [guess for guess in guesses if guess.kind in ("text", "bigint", "date", "timestamp") and guess.values]
    for first, second in combinations(filled[:_KEY_COLUMNS_MAX], 2):
        if len(set(zip(first.values, second.values, strict=True))) == len(first.values):
            return [first, second]
    raise UsageError(
        "no column of the sample tells its rows apart, nor do two together; remove rows that are there twice, take "
        f"another sample, or declare the object by hand ({HOW_TO})"
    )


def _first(times: Sequence[_Guess], words: Sequence[str]) -> _Guess:
    """The time whose name has one of these words, else the first one; a timestamp before a date."""
    return _named(times, words) or min(times, key=lambda guess: guess.kind != "timestamp")


def _named(times: Sequence[_Guess], words: Sequence[str]) -> _Guess | None:
    """The time whose name has the first of these words that any has; a timestamp before a date."""
    ordered = sorted(times, key=lambda guess: guess.kind != "timestamp")
    for word in words:
        for guess in ordered:
            if word in guess.name.replace("_", ""):
                return guess
    return None


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
        is_time = kind in TIME_TYPES and not _BIRTH.search(name)
        guesses.append(_Guess(name, path, kind, (*keys, *pii), tuple(notes), is_time=is_time, is_id=type_ == "id"))
    return guesses


def _guessed(records: Sequence[Mapping[str, Any]], is_typed: bool) -> list[_Guess]:
    """The columns of records. Where their format has types, digits that are written as a text stay one."""
    values: dict[Path, list[Any]] = {}
    for record in records:
        for path, value in _leaves(record):
            values.setdefault(path, []).append(value)
    guesses, taken = [], set[str]()
    for path, items in values.items():
        filled = [item for item in items if item not in (None, "")]
        name = _name(path, taken)
        guess = guess_type(name, filled)
        if is_typed and guess.type == "bigint" and any(isinstance(item, str) for item in filled):
            guess = TypeGuess("text")
        pii, personal = _personal(path, guess.type, filled)
        texts = tuple(map(str, filled)) if len(filled) == len(records) else ()
        is_time = bool(texts) and guess.is_plausible and not _BIRTH.search(name)
        notes = (*guess.notes, *personal)
        guesses.append(_Guess(name, path, guess.type, (*guess.keys, *pii), notes, texts, is_time))
    return guesses


def _leaves(record: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in record.items():
        if isinstance(value, dict) and value and len(path) < 3:
            yield from _leaves(value, (*path, key))
        elif not set(key) & {'"', "\\"} and key:
            yield (*path, key), value


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
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    text = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:50] or "column"
    if not text[0].isalpha() or text.startswith("record_") or text in (*PARTITION_KEYS, *ENGINE_COLUMNS):
        text = f"value_{text}"
    name, number = text, 2
    while name in taken:
        name, number = f"{text}_{number}", number + 1
    taken.add(name)
    return name
