"""Contact records and the rows they become, side by side, for people to read in a review."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from flat_rows import flat_rows
from golden_files import Golden
from homes import Record

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec
from trunkline.sources.files import reader

AT = datetime(2026, 3, 9, 12)
BASE: Record = {
    "ContactId": "c1", "InitiationTimestamp": "2026-03-03T10:00:00Z", "LastUpdateTimestamp": "2026-03-03T11:00:00Z",
}  # fmt: skip
CASES: dict[str, Record] = {
    "a number, an address and the record's own number among attributes": {
        "CustomerEndpoint": {"Address": "+15550100123", "Type": "TELEPHONE_NUMBER"},
        "Attributes": {"Callback": "+442071838750", "Mail": "ann@example.com", "Note": "call 15550100123", "Tier": "gold"},
    },
    "a redacted contact": {"SegmentAttributes": {"connect:RedactedFields": {"ValueString": "CustomerEndpoint"}}},
    "tagged unions of several kinds": {
        "SegmentAttributes": {"a": {"ValueString": "x"}, "b": {"ValueInteger": 5}, "c": {"ValueMap": {"k": {"ValueString": "v"}}}}
    },
    "times with offsets and fractions": {
        "DisconnectTimestamp": "2026-03-03T12:05:00.250+01:00",
        "Agent": {"StateTransitions": [{"state": "SILENT_MONITOR", "stateStartTimestamp": "2026-03-03T10:00:00-05:00"}]},
    },
    "scalars of other JSON types": {"Queue": {"Duration": "33.5", "Name": 7}, "AgentConnectionAttempts": "2"},
    "unknown fields, one that differs in case alone": {"channel": "VOICE", "Agent": {"NewKey": [1.50, {"b": "+15550100123"}]}},
    "JSON in canonical text": {"AdditionalEmailRecipients": {"ToList": [{"Address": "ann@example.com"}]}, "OutboundStrategy": {"b": 1e2, "a": None}},
    "a time that cannot be": {"DisconnectTimestamp": "2031-01-01T00:00:00Z"},
    "a value of another type": {"Queue": {"Duration": "long"}},
    "no key": {"ContactId": None},
}  # fmt: skip


def records(folder: Path) -> Iterator[tuple[str, str]]:
    """What each record shows, and its text: the first simulated one of each channel and method, and the cases."""
    files = reader.list_files([str(simulate(Spec(contacts=60, seed=7), folder).folder)])
    seen: set[tuple[str, str]] = set()
    for framed in reader.read_batches(files, {}, CONTACT_RECORD.name):
        for text in framed.texts:
            record = json.loads(text)
            kind = record["Channel"], record["InitiationMethod"]
            if kind not in seen and len(seen) < 4:
                seen.add(kind)
                yield f"simulated: {kind[0]}, {kind[1]}", text
    for name, change in CASES.items():
        yield name, json.dumps(BASE | change)


def shown(value: Any) -> Any:
    """A value as JSON has it."""
    return msgspec.to_builtins(value)


def test_events_and_their_rows(tmp_path: Path, golden: Golden) -> None:
    """A dozen records and what is stored of them: columns that have a value, or the reason for a dead letter."""
    flattener = Flattener(CONTACT_RECORD, PiiRule("hash", b"key", frozenset({"WrapUp"})))
    found = []
    for name, text in records(tmp_path):
        plan = Plan(CONTACT_RECORD.name, "test", (FileRange("file", "1", 0, len(text), True, AT),))
        result = flattener.flatten(Framed(plan, [text], [0], [0], [], len(text)), AT)
        entry: dict[str, Any] = {"what": name, "event": json.loads(text)}
        for row in flat_rows(flattener, result):
            entry["row"] = {column: shown(value) for column, value in row.items() if value is not None}
        for letter in result.dead_letters:
            entry["dead_letter"] = {"reason": letter.reason, "detail": letter.detail}
        found.append(entry)
    golden.check("flatten/contact_records.json", json.dumps(found, indent=1, ensure_ascii=False))
