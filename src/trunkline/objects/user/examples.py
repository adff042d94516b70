"""Examples of a user's object: a record, and the row or the reason that it has to give. People read and write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trunkline.limits import DEAD_LETTER_REASONS
from trunkline.objects.user.place import Place, read_document


@dataclass(frozen=True, slots=True)
class Example:
    """One `[[object.NAME.example]]`: values of the row by column, or the reason that it is set aside with."""

    record: dict[str, Any]
    row: dict[str, Any]
    error: str = ""


def read_examples(path: Path) -> dict[str, list[Example]]:
    """The examples of a file by object. Raises UsageError for what is not valid."""
    text, document = read_document(path)
    return {
        name: _examples(Place(str(path), f"object.{name}", text), table.get("example", []))
        for name, table in document.get("object", {}).items()
    }


def _examples(place: Place, value: object) -> list[Example]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise place.error("example", value, f"write each as [[{place.table}.example]]")
    return [_example(place.inner("example", number), item) for number, item in enumerate(value, 1)]


def _example(place: Place, table: dict[str, Any]) -> Example:
    place.only(table, ("record", "row", "error"))
    record, row, error = table.get("record"), table.get("row", {}), place.string(table, "error", "")
    if not isinstance(record, dict):
        raise place.error("record", record, 'write it as a table, such as record = { Id = "1" }')
    if not isinstance(row, dict) or bool(row) == bool(error):
        raise place.error(
            "row", row, 'write the values of the row, such as row = { id = "1" }, or error = "missing_key"'
        )
    if error and error not in DEAD_LETTER_REASONS:
        raise place.error("error", error, f"valid are {', '.join(DEAD_LETTER_REASONS)}")
    return Example(record, row, error)
