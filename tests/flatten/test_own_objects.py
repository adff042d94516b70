"""A user's own object goes the same way as ours: declared in TOML, it is flattened without a line of code."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from flat_rows import flat_rows

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.user.declare import read_objects
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed

EXAMPLE = Path(__file__).parents[2] / "examples" / "objects.toml"
AT = datetime(2026, 3, 8, 12)


def test_the_example_object_is_flattened() -> None:
    """Each column of the example gets its value, a number as id becomes text, a value that does not fit is kept aside, and a record without key is set aside."""
    (obj,) = read_objects(EXAMPLE)
    whole = {
        "surveyId": 5, "contact": {"id": "c1"}, "answeredAt": "2026-03-08T10:00:00Z",
        "updatedAt": "2026-03-08T10:00:01Z", "queueArn": "arn:x/queue/q1", "answers": {"score": 7, "comment": "fine"},
        "durationSeconds": 12, "tags": ["a", "b"], "labels": {"k": "v"}, "survey": {"b": 1, "a": [2]}, "more": 1,
    }  # fmt: skip
    records = [whole, {"surveyId": "s2", "answers": {"score": "x"}}, {"answeredAt": "2026-03-08T10:00:00Z"}]
    plan = Plan(obj.name, "test", (FileRange("file", "1", 0, 100, True, AT),))
    flattener = Flattener(obj, PiiRule(mode="hash", key=b"key"))
    framed = Framed(plan, [json.dumps(record) for record in records], [0] * 3, [0, 10, 20], [], 100)
    result = flattener.flatten(framed, AT)
    assert result.accepted == 2
    assert [letter.reason for letter in result.dead_letters] == ["missing_key"]
    row, other = flat_rows(flattener, result, [*(column.name for column in obj.data_columns), "record_unmapped"])
    assert row == {
        "survey_id": "5", "contact_id": "c1", "answered_at": datetime(2026, 3, 8, 10),
        "updated_at": datetime(2026, 3, 8, 10, 0, 1), "queue_id": "q1", "score": 7, "thinking_ms": 12_000,
        "phone_number": None, "comment": "fine", "tags": ["a", "b"], "labels": {"k": "v"},
        "survey": '{"a":[2],"b":1}', "record_unmapped": '{"more":1}',
    }  # fmt: skip
    assert {name: value for name, value in other.items() if value is not None} == {
        "survey_id": "s2", "record_unmapped": '{"answers.score":"x"}',
    }  # fmt: skip
