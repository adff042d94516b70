"""What a source says of a record beside its text: fidelity, version, deletion, and records that a rule left out."""

from __future__ import annotations

import json
from datetime import datetime

from flat_rows import flat_rows
from homes import NARROW

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Mark

AT = datetime(2026, 3, 8, 12)


def framed(marks: list[Mark] | None, filtered: int = 0) -> Framed:
    """Two records, the second of which is read with care."""
    texts = [
        json.dumps({"ContactId": "a", "Changed": "2026-03-08T10:00:00Z"}),
        json.dumps({"ContactId": "b", "Labels": {"n": [1.50]}}),
    ]
    plan = Plan(NARROW.name, "test", (FileRange("file", "1", 0, 100, True, AT),))
    return Framed(plan, texts, [0, 0], [0, 50], [], 100, marks, filtered)


def rows(given: Framed) -> list[tuple[object, ...]]:
    """Fidelity, version and deletion of each row, in order."""
    flattener = Flattener(NARROW, PiiRule("hash", b"key"))
    result = flattener.flatten(given, AT)
    assert result.accepted == 2
    names = ("record_fidelity", "record_version", "record_is_deleted")
    return [tuple(row.values()) for row in flat_rows(flattener, result, names)]


def test_without_marks_a_row_is_a_stream_row_with_its_own_version() -> None:
    """The default mark."""
    assert rows(framed(None)) == [("stream", "2026-03-08 10:00:00", False), ("stream", None, False)]


def test_a_mark_belongs_to_its_record_however_it_is_read() -> None:
    """Plain and careful rows carry the mark of their own record."""
    marks = [Mark("api", None, False), Mark("stream", "v7", True)]
    assert rows(framed(marks)) == [("api", "2026-03-08 10:00:00", False), ("stream", "v7", True)]


def test_what_a_rule_left_out_counts_as_read() -> None:
    """Filtered records are read, and have no row."""
    assert framed(None, filtered=3).read == 5
