"""Histories of versions, how they are delivered, and a fold of them in plain Python that owes the merge nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flat_rows import flat_rows
from homes import NARROW, PER_DELIVERY, Record, Row, contact, narrow

from trunkline.flatten.flattener import Flattened, Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed

ARRIVED_AT = datetime(2026, 3, 9)
API = "api-"
"""Files whose name begins so hold rows of API fidelity; there is no source of such rows yet."""


class FidelityByName(Flattener):
    """A flattener that takes the fidelity from the file's name."""

    def flatten(self, framed: Framed, loaded_at: datetime) -> Flattened:
        """Flatten, then mark what came from files of lower fidelity."""
        result = super().flatten(framed, loaded_at)
        self.con.execute(
            f"UPDATE {result.rows.sql} SET record_fidelity = 'api' WHERE contains(record_position, '/{API}')"
        )
        return result


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a record. `second` None: no version in it. Contents 2 to 5 differ from each other in hidden values alone."""

    key: int = 0
    second: int | None = 0
    content: int = 0
    is_api: bool = False
    is_redacted: bool = False
    day: int = 3


@dataclass(frozen=True, slots=True)
class File:
    """One delivered file: its versions in order, and how they are written."""

    versions: tuple[Version, ...]
    style: str = "compact"
    is_api: bool = False


Deliveries = Sequence[Sequence[File]]
"""Loads, one after another, of files."""


def narrow_record(v: Version) -> Record:
    """The version as a record of the narrow object."""
    changes: Record = {
        "Began": f"2026-03-{v.day:02}T10:00:00Z",
        "Changed": ... if v.second is None else f"2026-03-05T10:00:{v.second:02}Z",
        **(
            {},
            {"Score": 2},
            {"Phone": "+15535550144"},
            {"Labels": {"a": "+15535550198", "b": "x"}},
            {"New": {"Alt": "+15535550111"}},
            {"New": {"Alt": "+15535550112"}},
            {"New": [1.50, {"b": 'é\u2028"\\', "a": 123456789012345678901234567890}]},
        )[v.content],
    }
    if v.is_redacted:
        changes |= {"Phone": None, "Marks": {"Redacted": {"ValueString": "Phone"}}}
    return narrow(f"k{v.key}", **changes)


def contact_record(v: Version) -> Record:
    """The version as a contact record."""
    changes: Record = {
        "InitiationTimestamp": f"2026-03-{v.day:02}T10:00:00Z",
        "LastUpdateTimestamp": ... if v.second is None else f"2026-03-05T10:00:{v.second:02}Z",
        **(
            {},
            {"Channel": "CHAT"},
            {"CustomerEndpoint": {"Address": "+15535550144", "Type": "TELEPHONE_NUMBER"}, "Attributes": {}},
            {"Attributes": {"Callback": "+15535550198", "Note": "own number 15535550143 inside", "Tier": "gold"}},
            {"New": {"Alt": "+15535550111"}},
            {"New": {"Alt": "+15535550112"}},
            {"Agent": {"NewKey": [1.50, {"b": 'é\u2028"\\', "a": 123456789012345678901234567890}]}},
        )[v.content],
    }
    if v.is_redacted:
        marks = {"connect:RedactedFields": {"ValueList": [{"ValueString": "CustomerEndpoint"}]}}
        changes |= {"CustomerEndpoint": None, "SegmentAttributes": marks}
    return contact(f"k{v.key}", **changes)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is delivered: an object, and how a version is written as its record."""

    obj: Object
    record: Callable[[Version], Record]


NARROW_SUBJECT = Subject(NARROW, narrow_record)


def _escaped(text: str) -> str:
    return '"' + "".join(f"\\u{unit:04x}" for unit in _units(text)) + '"'


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[n : n + 2], "big") for n in range(0, len(data), 2)]


def _dump(value: Any, quote: Callable[[str], str], is_reversed: bool, gap: str) -> str:
    match value:
        case dict():
            items = list(value.items())[:: -1 if is_reversed else 1]
            inner = [f"{quote(k)}{gap}:{gap}{_dump(v, quote, is_reversed, gap)}" for k, v in items]
            return "{" + gap + f"{gap},{gap}".join(inner) + gap + "}"
        case list():
            return "[" + gap + f"{gap},{gap}".join(_dump(v, quote, is_reversed, gap) for v in value) + gap + "]"
        case str():
            return quote(value)
        case _:
            return json.dumps(value)


_STYLES: dict[str, Callable[[Record], str]] = {
    "compact": lambda r: json.dumps(r, ensure_ascii=False, separators=(",", ":")),
    "pretty": lambda r: json.dumps(r, ensure_ascii=True, indent=3),
    "reversed": lambda r: _dump(r, json.dumps, True, " "),
    "escaped": lambda r: _dump(r, _escaped, False, "\t"),
    "array": lambda r: _dump(r, json.dumps, True, ""),
    "lines": lambda r: json.dumps(r),
}
STYLES = tuple(_STYLES)


def text_of(record: Record, style: str) -> str:
    """A record as text; every style says the same."""
    return _STYLES[style](record)


def write_load(folder: Path, number: int, files: Sequence[File], subject: Subject) -> Path:
    """The files of one load, in a folder of their own."""
    target = folder / f"load{number}"
    target.mkdir(parents=True)
    for n, file in enumerate(files):
        texts = [text_of(subject.record(version), file.style) for version in file.versions]
        joined = {"array": "[" + ",\n".join(texts) + "]", "lines": "\n".join(texts)}.get(file.style, "".join(texts))
        (target / f"{API if file.is_api else 's-'}{n}").write_text(joined, encoding="utf-8")
    return target


def flattened(subject: Subject, versions: Sequence[Version], flattener: Flattener) -> list[tuple[Row, tuple[Any, ...]]]:
    """Each version's row, flattened for itself, and its place in the order of versions."""
    obj = subject.obj
    ranges = tuple(
        FileRange(f"/in/{API if v.is_api else 's-'}{n}", "1", 0, 1, True, ARRIVED_AT) for n, v in enumerate(versions)
    )
    texts = [text_of(subject.record(v), "compact") for v in versions]
    framed = Framed(Plan(obj.name, "test", ranges), texts, list(range(len(texts))), [0] * len(texts), [], 1)
    result = flattener.flatten(framed, ARRIVED_AT)
    assert result.accepted == len(versions), result.dead_letters
    names = [c.name for c in obj.columns if c.name not in PER_DELIVERY]
    hidden = [
        c.name
        for c in obj.columns
        if c.name == "record_unmapped"
        or (c.path and (c.pii == "direct" or (c.pii == "indirect" and not isinstance(c.type, str))))
    ]
    rows = flat_rows(flattener, result, names)
    texts = flat_rows(flattener, result, hidden, is_text=True)
    found = []
    for values, hidden_texts in zip(rows, texts, strict=True):
        order = (
            values["record_fidelity"], values["record_version"] or "", values["record_is_redacted"],
            values["record_catalogue_version"], values["record_hash"],
            *(text or "" for text in hidden_texts.values()),
        )  # fmt: skip
        found.append((values, order))
    return found


def fold(rows: Sequence[tuple[Row, tuple[Any, ...]]], by: Sequence[str]) -> list[Row]:
    """The best row of each group, sorted by it."""
    best: dict[tuple[Any, ...], tuple[Row, tuple[Any, ...]]] = {}
    for row, order in rows:
        key = tuple(row[name] or "" for name in by)
        if key not in best or order > best[key][1]:
            best[key] = (row, order)
    return [best[key][0] for key in sorted(best)]


def versions_of(deliveries: Deliveries) -> list[Version]:
    """The distinct versions delivered."""
    return list(dict.fromkeys(v for files in deliveries for file in files for v in file.versions))


__all__ = [
    "API", "NARROW_SUBJECT", "STYLES", "Deliveries", "FidelityByName", "File", "PiiRule", "Subject", "Version",
    "contact_record", "flattened", "fold", "text_of", "versions_of", "write_load",
]  # fmt: skip
