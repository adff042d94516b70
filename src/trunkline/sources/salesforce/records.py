"""SOQL, and what Salesforce's REST API answers to it as records. Pure.

Source: REST API developer guide. A record has `attributes`, and objects for its parents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from trunkline.errors import TerminalError
from trunkline.objects.model import Column, Object
from trunkline.objects.origins import SalesforceOrigin
from trunkline.records import Mark
from trunkline.sources.pages import PagedRecord

STAMP: Final = "SystemModstamp"
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)\+0000")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_COMPOUND: Final = frozenset({"address", "location"})
_KINDS: Final[Mapping[str, str]] = {
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
"""What a field's values are in JSON, by the type of the field or of its column; others are text."""


@dataclass(frozen=True, slots=True)
class SalesforceShape:
    """What is asked of one Salesforce object. `fields` are those that a record keeps, `types` those of its own.

    `kinds` has for each of `fields` what its values are in JSON: boolean, number or text.
    """

    sobject: str
    fields: tuple[str, ...]
    types: Mapping[str, str]
    kinds: Mapping[str, str]
    can_list_deleted: bool

    @property
    def selected(self) -> tuple[str, ...]:
        """The fields of the query: also those that only tell what a record is."""
        needed = [name for name in ("Id", STAMP, "IsDeleted") if name in self.types]
        return tuple(dict.fromkeys([*needed, *self.fields]))

    @property
    def kept(self) -> set[str]:
        """The members of a record that it keeps: its own fields, and its parents."""
        return {name.partition(".")[0] for name in self.fields}

    def kind(self, name: str) -> str:
        """What the values of a selected field are in JSON: boolean, number or text."""
        return self.kinds.get(name) or _KINDS.get(self.types.get(name, ""), "text")

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
    columns = columns_by_field(obj)
    fields = fields_of(obj, origin)
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
    return SalesforceShape(origin.sobject, fields, types, _kinds(fields, types, columns), can_list)


def columns_by_field(obj: Object) -> Mapping[str, Column]:
    """The object's columns by the field that they are read from, with dots for parents."""
    return {".".join(column.path): column for column in obj.data_columns if column.path}


def fields_of(obj: Object, origin: SalesforceOrigin | None) -> tuple[str, ...]:
    """The fields that a record keeps: those that the origin names, else those of the columns."""
    named = origin.fields if origin is not None else ()
    return named or tuple(name for name in columns_by_field(obj) if not name.startswith("attributes."))


def _kinds(fields: Sequence[str], types: Mapping[str, str], columns: Mapping[str, Column]) -> Mapping[str, str]:
    kinds = {}
    for name in fields:
        column = columns.get(name)
        declared = str(column.type) if column is not None and isinstance(column.type, str) else types.get(name, "")
        kinds[name] = _KINDS.get(types.get(name, declared), "text")
    return kinds


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


def stamp_s(text: str) -> float | None:
    """Unix seconds of a time as Salesforce writes it; None for anything else."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def rest_record(shape: SalesforceShape, answer: Mapping[str, Any]) -> PagedRecord:
    """A record of a REST answer."""
    return paged_record(shape, {name: with_utc(value) for name, value in answer.items() if name != "attributes"})


def with_utc(value: Any) -> Any:
    """A value without `attributes`, and with times that say UTC in the usual way."""
    if isinstance(value, Mapping):
        return {name: with_utc(inner) for name, inner in value.items() if name != "attributes"}
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{match[1]}Z" if match else value


def put_value(record: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value in its parents; one without any value stays null, as REST has it."""
    for key in path[:-1]:
        if record.get(key) is None:
            record[key] = None if value is None else {}
        if value is None and record[key] is None:
            return
        record = record[key]
    record[path[-1]] = value


def paged_record(shape: SalesforceShape, record: dict[str, Any]) -> PagedRecord:
    """A record of the members of an answer, of which it keeps those that have a value."""
    id_, stamp, is_deleted = record.get("Id"), record.get(STAMP), record.get("IsDeleted") is True
    kept = shape.kept
    # Every record has every field that was asked for: null says no more than its absence.
    data = _ENCODER.encode({name: value for name, value in record.items() if name in kept and value is not None})
    version = stamp_s(stamp) if isinstance(stamp, str) else None
    return PagedRecord(data, id_ if isinstance(id_, str) else None, version, Mark(is_deleted=is_deleted))


def deleted_record(obj: Object, id_: str, at: str) -> PagedRecord:
    """A record that was deleted, of which nothing but its id and the time is known."""
    version = obj.by_name[obj.version].path or (STAMP,)
    record: dict[str, Any] = {"Id": id_}
    put_value(record, version, with_utc(at))
    return PagedRecord(_ENCODER.encode(record), id_, stamp_s(at), Mark(is_deleted=True))
