"""SOQL and what Salesforce answers to it, as records. REST and Bulk give the same ones. Pure.

Source: REST API and Bulk API 2.0 developer guides. A REST record has `attributes`, and objects for its parents; a Bulk
result is CSV with dotted headers, in which null and an empty text are both an empty cell.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from trunkline.errors import TerminalError
from trunkline.objects.model import Column, Object
from trunkline.objects.origins import SalesforceOrigin
from trunkline.records import Mark
from trunkline.sources.paged import PagedRecord

STAMP: Final = "SystemModstamp"
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)\+0000")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_COMPOUND: Final = frozenset({"address", "location"})
_JSON_TYPES: Final[Mapping[str, str]] = {
    "boolean": "boolean",
    "int": "number",
    "long": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "bigint": "number",
    "integer": "number",
    "decimal": "number",
}
"""How a CSV cell is written in JSON, by the type of its column or of its field; others are text."""


@dataclass(frozen=True, slots=True)
class SalesforceShape:
    """What is asked of one Salesforce object. `fields` are those that a record keeps, `types` those of its own."""

    sobject: str
    fields: tuple[str, ...]
    types: Mapping[str, str]
    json_types: Mapping[str, str]
    can_list_deleted: bool

    @property
    def selected(self) -> tuple[str, ...]:
        """The fields of the query: also those that only tell what a record is."""
        needed = [name for name in ("Id", STAMP, "IsDeleted") if name in self.types]
        return tuple(dict.fromkeys([*needed, *self.fields]))

    @property
    def has_compound(self) -> bool:
        """Whether a field is an address or a location, which the Bulk API refuses."""
        return any(self.types.get(name) in _COMPOUND for name in self.fields)

    @property
    def is_archived(self) -> bool:
        """Whether old records are archived, as tasks and events are."""
        return "IsArchived" in self.types


def shape_of(obj: Object, origin: SalesforceOrigin, description: Mapping[str, Any]) -> SalesforceShape:
    """The shape of an object from its description.

    Raises TerminalError for a field that the user cannot see, and for an object without SystemModstamp.
    """
    types = {field["name"]: str(field["type"]) for field in description["fields"]}
    columns = {".".join(column.path): column for column in obj.data_columns if column.path}
    fields = origin.fields or tuple(name for name in columns if not name.startswith("attributes."))
    unknown = [name for name in fields if "." not in name and name not in types]
    if origin.is_lenient:
        fields = tuple(name for name in fields if name not in unknown)
    elif unknown:
        near = get_close_matches(unknown[0], types, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise TerminalError(
            f"Salesforce's {origin.sobject} has no field {', '.join(unknown)} that this user can see: correct "
            f"source.fields or the columns' paths, or give the user access to it.{guess}"
        )
    if STAMP not in types or "Id" not in types:
        raise TerminalError(
            f"Salesforce's {origin.sobject} has no {STAMP}, by which changes are found: it cannot be read."
        )
    is_keyed = [obj.by_name[name].path for name in obj.key] == [("Id",)]
    can_list = bool(description.get("replicateable")) and is_keyed
    return SalesforceShape(origin.sobject, fields, types, _json_types(fields, types, columns), can_list)


def _json_types(fields: Sequence[str], types: Mapping[str, str], columns: Mapping[str, Column]) -> Mapping[str, str]:
    types_of = {}
    for name in fields:
        column = columns.get(name)
        declared = str(column.type) if column is not None and isinstance(column.type, str) else types.get(name, "")
        types_of[name] = _JSON_TYPES.get(types.get(name, declared), "text")
    return types_of


def query(
    shape: SalesforceShape,
    origin: SalesforceOrigin,
    since: float | None,
    until: float,
    after: tuple[str, str] | None,
    is_ordered: bool,
) -> str:
    """SOQL of the records that changed from `since` up to `until`, not included (Unix seconds).

    `after` continues behind a stamp and an id. The Bulk API splits what is not ordered, and so is faster.
    """
    conditions = [] if since is None else [f"{STAMP} >= {stamp_text(since)}"]
    conditions.append(f"{STAMP} < {stamp_text(until)}")
    if shape.is_archived and not origin.archived:
        conditions.append("IsArchived = false")
    if after is not None:
        stamp, id_ = after
        conditions.append(f"({STAMP} > {stamp} OR ({STAMP} = {stamp} AND Id > '{id_}'))")
    if origin.where:
        conditions.append(f"({origin.where})")
    order = f" ORDER BY {STAMP}, Id" if is_ordered else ""
    return f"SELECT {', '.join(shape.selected)} FROM {shape.sobject} WHERE {' AND '.join(conditions)}{order}"


def stamp_text(at_s: float) -> str:
    """A time as SOQL has it: whole seconds, without quotes."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_s(text: str) -> float:
    """Unix seconds of a time as Salesforce writes it."""
    return datetime.fromisoformat(text).timestamp()


def rest_record(shape: SalesforceShape, answer: Mapping[str, Any]) -> PagedRecord:
    """A record of a REST answer."""
    return _record(shape, {name: _cleaned(value) for name, value in answer.items() if name != "attributes"})


def _cleaned(value: Any) -> Any:
    """Without `attributes`, and with times that say UTC in the usual way."""
    if isinstance(value, Mapping):
        return {name: _cleaned(inner) for name, inner in value.items() if name != "attributes"}
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{match[1]}Z" if match else value


def bulk_records(shape: SalesforceShape, text: str) -> Iterator[PagedRecord]:
    """The records of a page of CSV, which begins with a header; an empty page has none."""
    lines = csv.reader(io.StringIO(text, newline=""))
    header = next(lines, [])
    kinds = [shape.json_types.get(name) or _JSON_TYPES.get(shape.types.get(name, ""), "text") for name in header]
    for cells in lines:
        record: dict[str, Any] = {}
        for name, kind, cell in zip(header, kinds, cells, strict=True):
            _put(record, name.split("."), _value(kind, cell))
        yield _record(shape, record)


def _put(record: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value in its parents; one without any value stays null, as REST has it."""
    for key in path[:-1]:
        if record.get(key) is None:
            record[key] = None if value is None else {}
        if value is None and record[key] is None:
            return
        record = record[key]
    record[path[-1]] = value


def _value(kind: str, cell: str) -> Any:
    if not cell:
        return None
    if kind == "boolean" and cell in ("true", "false"):
        return cell == "true"
    if kind == "number" and _NUMBER.fullmatch(cell):
        return msgspec.Raw(cell.encode())
    match = _TIME.fullmatch(cell)
    return f"{match[1]}Z" if match else cell


def _record(shape: SalesforceShape, record: dict[str, Any]) -> PagedRecord:
    id_, stamp, is_deleted = record.get("Id"), record.get(STAMP), record.get("IsDeleted") is True
    kept = {name.partition(".")[0] for name in shape.fields}
    # Every record has every field that was asked for: null says no more than its absence.
    data = _ENCODER.encode({name: value for name, value in record.items() if name in kept and value is not None})
    version = stamp_s(stamp) if isinstance(stamp, str) else None
    return PagedRecord(data, id_ if isinstance(id_, str) else None, version, Mark(is_deleted=is_deleted))


def deleted_record(obj: Object, id_: str, at: str) -> PagedRecord:
    """A record that was deleted, of which nothing but its id and the time is known."""
    version = obj.by_name[obj.version].path or (STAMP,)
    record: dict[str, Any] = {"Id": id_}
    _put(record, version, _cleaned(at))
    return PagedRecord(_ENCODER.encode(record), id_, stamp_s(at), Mark(is_deleted=True))
