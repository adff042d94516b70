"""The flatten statements may be written anew for speed; the rows they give may not change.

Each case is flattened and digested column by column, so that a difference names its column.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flat_rows import flat_rows
from golden_files import Golden

from trunkline.flatten.flattener import Flattened, Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Faults, Spec
from trunkline.sources.files import reader as s3_files
from trunkline.sql.flatten.tree import tree_of

AT = datetime(2026, 3, 9, 12)
SCALARS: list[Any] = [
    "", " ", "x", "null", "true", "True", "0", "-1", "33.7", "33.50", "1e3", "007", "12345678901234567890", "+15550100123",
    "me@example.com", "a +442071838750 b", "inf", "nan", "infinity", "epoch", "2026-03-03T10:00:00Z", "2026-03-03T10:00:00z",
    "2026-03-03 10:00:00Z", "2026-03-03T10:00:00", "2026-03-03T10:00:00.123456789Z", "2026-03-03T10:00:00,5+05:30",
    "2026-03-03T10:00:00-0330", "2026-03-03T10:00:00+01", "2026-02-30T10:00:00Z", "2026-03-03T24:00:00Z",
    "2026-03-03T10:00:60Z", "+026-03-03T10:00:0Z", "12026-03-03T10:00:00Z", "9999-12-31T23:59:59Z", "1999-01-01T00:00:00Z",
    "2026-03-03T10:00:00ZZ", "２０26-03-03T10:00:00Z", "2026-3-03T10:00:000Z", "arn:aws:connect:eu:1:instance/a/", "日本/語",
    "x" * 5000, 'a\nb\tc"d\\e', "\u0000", "}{", '{"ValueString":"x"}',
    0, -0, 7, -3, 33.7, 33.0, 33.5, 1e3, 1.5e-7, 999999999999999, 9999999999999999, 123456789012345678901234567890,
    0.1234567890123456789, True, False, None, [], {}, [1], {"a": 1}, [None], {"a": None},
]  # fmt: skip
CONTAINERS: list[Any] = [
    {"a": "b", "c": "d"}, {"c": "d", "a": "b"}, {"a": {"ValueString": "x"}, "b": {"ValueInteger": 5}}, {"a": ["x"]},
    {"a": {"ValueString": "x", "ValueInteger": 5}}, {"a": {"ValueMap": {"k": "v"}}}, {"a": {"ValueString": None}},
    {"a": {"ValueString": '","'}}, {"a": {"ValueString": "+15550100123"}}, {"connect:RedactedFields": {"ValueString": "x"}},
    {"a": "+15550100123"}, {"a": "me@example.com", "b": "plain"}, {"a": "null"}, {"n": None, "m": "x"}, {"": "x"}, {"a": ""},
    {"a": 'say ":5"'}, {"a": "15550100123 twice"}, {"+15550100123": "key"}, {"WrapUp": "+15550100123"}, {"é": "ü", "日": "本"},
    [{"Type": "AUDIO"}], [{"Type": "AUDIO", "More": 1}], [{}], [None, {"Type": "CHAT"}], [{"Type": 5}], ["AUDIO"],
    [{"Name": "me@example.com", "Type": "URL", "Value": "+15550100123", "Status": "APPROVED"}],
    [{"StartTimestamp": "2026-03-03T10:00:00Z", "Location": "l"}], [{"StartTimestamp": "soon"}],
    {"f": {"FormId": "f", "StartTimestamp": "2026-03-03T10:00:00Z"}}, {"f": {"FormId": "f", "StartTimestamp": "x"}},
    {"f": {"FormId": "f", "New": "x"}}, {"f": None}, {"QualityScore": 4.5, "PotentialQualityIssues": ["a", "b"]},
    {"QualityScore": "4.5"}, {"QualityScore": "bad"}, {"PotentialQualityIssues": "x"},
    [{"Index": 1, "ActivationTimestamp": "2026-03-03T10:00:00Z",
      "Steps": [{"Status": "ACTIVE", "Expiry": {"DurationInSeconds": 5}, "Expression": {"AndExpression": [{"B": 1, "A": 2}]}}]}],
    [{"Index": 1.5}], [{"stateStartTimestamp": "2026-03-03T10:00:00Z", "state": "SILENT_MONITOR"}],
]  # fmt: skip


def _simulated(folder: Path) -> Iterator[Framed]:
    spec = Spec(contacts=300, seed=7, faults=Faults.every(0.05), redacted=0.1)
    files = s3_files.list_files([str(simulate(spec, folder).folder)])
    for framed in s3_files.read_batches(files, {}, CONTACT_RECORD.name):
        # Names and times of files differ from run to run.
        ranges = (
            FileRange(f"file{n}", "1", one.start, one.end, one.is_last, AT) for n, one in enumerate(framed.plan.ranges)
        )
        yield Framed(
            Plan(framed.plan.object_name, "test", tuple(ranges)),
            framed.texts, framed.range_indexes, framed.offsets, framed.broken, framed.bytes_read,
        )  # fmt: skip


def _put(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        record = record.setdefault(key, {})
    record[path[-1]] = value


def _hostile() -> Iterator[Framed]:
    """One record per path and value: anything may stand anywhere."""
    rng = random.Random(5)
    texts: list[str] = []
    tree = tree_of(CONTACT_RECORD)
    for leaf in tree.leaves:
        is_plain = isinstance(leaf.type, str)
        is_text = leaf.type == "text"
        for value in rng.sample(SCALARS, 3 if is_text else 20) + ([] if is_plain else CONTAINERS):
            record: dict[str, Any] = {
                "ContactId": f"c{len(texts)}", "InitiationTimestamp": "2026-03-03T10:00:00Z",
                "LastUpdateTimestamp": "2026-03-03T11:00:00Z", "CustomerEndpoint": {"Address": "+15550100123"},
            }  # fmt: skip
            _put(record, leaf.path, value)
            texts.append(json.dumps(record, ensure_ascii=rng.random() < 0.5))
    for path in tree.objects[1:]:
        for value in ("x", [], {"Unknown": 1}, None):
            record = {"ContactId": f"c{len(texts)}", "LastUpdateTimestamp": "2026-03-03T11:00:00Z"}
            _put(record, path, value)
            texts.append(json.dumps(record))
    texts += ['{"ContactId":"d","ContactId":"d"}', '{"ContactId":"d","Attributes":{"a":"1","a":"2"}}', "{}"]
    plan = Plan(CONTACT_RECORD.name, "test", (FileRange("hostile", "1", 0, 10**6, True, AT),))
    # Small batches: a record that DuckDB refuses sends its whole batch to the careful reading.
    for first in range(0, len(texts), 300):
        some = texts[first : first + 300]
        yield Framed(plan, some, [0] * len(some), [100 * n for n in range(len(some))], [], 10**6)


def _digest(rows: list[Any]) -> str:
    return f"{len(rows)} {hashlib.md5(repr(rows).encode()).hexdigest()}"


def _collect(flattener: Flattener, done: Flattened, into: dict[str, list[Any]]) -> None:
    names = [column.name for column in CONTACT_RECORD.columns] + ["record_row", "record_partition_date"]
    rows = flat_rows(flattener, done, names, is_text=True)
    old = {"record_row": "row_id", "record_partition_date": "partition_date"}
    for name in names:
        into.setdefault(old.get(name, name), []).extend(
            (row["record_row"], row[name]) for row in rows if row[name] is not None
        )
    letters = [(one.position, one.reason, one.detail, one.payload_hash) for one in done.dead_letters]
    into.setdefault("dead letters", []).extend(sorted(letters))
    into.setdefault("drift", []).append(msgspec.json.encode(done.drift, order="sorted"))


@pytest.mark.parametrize("mode", ["hash", "drop", "keep"])
def test_rows_are_what_they_were(mode: str, tmp_path: Path, golden: Golden) -> None:
    """Simulated records with every fault, and records with hostile values everywhere, give the rows known to be right."""
    flattener = Flattener(CONTACT_RECORD, PiiRule(mode, b"key", frozenset({"WrapUp"})))
    lines: list[str] = []
    for name, source in {"simulated": _simulated(tmp_path), "hostile": _hostile()}.items():
        found: dict[str, list[Any]] = {}
        for framed in source:
            _collect(flattener, flattener.flatten(framed, AT), found)
        lines += [f"{name} {column} {_digest(rows)}" for column, rows in found.items()]
    golden.check(f"flatten/rows_{mode}.txt", "\n".join(lines))
