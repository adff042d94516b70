"""One optional value of any form, from the file to the warehouse: its row is in every engine, and the value is found."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from any_value import base, columns_at, exact, fitting_value, is_empty, mutations, put_value, random_value, written
from homes import Row, lake_best, letters, load_into, opened, table, totals
from servers import TARGETS
from transcript_files import TALK, call_analytics, chat, lens, put, transcribe

from trunkline.objects import catalogue
from trunkline.objects.model import Object

OBJECTS = catalogue.load([])
FROM_RECORDS = sorted(name for name in OBJECTS if name != "transcript")
DOCUMENTS = (transcribe(TALK, "speaker"), lens(TALK), call_analytics(TALK), chat([("AGENT", "Hi", "03:31:52")]))
# Places of values that are read; each document has some of them.
PLACES = (
    "jobName", "status", "JobStatus", "AccountId", "Channel", "Version", "LanguageCode", "Categories", "Participants",
    "ConversationCharacteristics", "ConversationCharacteristics.TotalConversationDurationMillis",
    "ConversationCharacteristics.TalkTime", "ConversationCharacteristics.TalkTime.DetailsByParticipant",
    "ConversationCharacteristics.Sentiment.OverallSentiment", "Transcript.0.Sentiment", "Transcript.0.Id",
    "Transcript.0.AbsoluteTime", "results.audio_duration", "results.transcripts", "results.language_code",
)  # fmt: skip

AS_TEXT = {"jobName", "status", "JobStatus", "AccountId", "Version", "LanguageCode"}
SEEDED = [
    pytest.param(target, seed, marks=[pytest.mark.soak] if seed or "redshift" in target else [])
    for target in TARGETS
    for seed in range(6)
]
"""Targets and seeds."""

Record = dict[str, Any]
Expected = dict[str, list[tuple[tuple[str, ...], Any]]]


def records_of(obj: Object, rng: random.Random) -> tuple[list[Record], Expected]:
    """Records, each with one value replaced, every fourth key in two versions; by key what the last one has."""
    records: list[Record] = []
    expected: Expected = {}
    for number, (path, value) in enumerate(mutations(obj, rng)):
        key = f"k{number:03}"
        record = base(obj, key)
        put_value(record, path, value)
        records.append(record)
        expected[key] = [(path, value)]
        if number % 4 == 0:
            later = base(obj, key, "2026-03-03T10:00:01Z")
            put_value(later, path, fitting_value(obj, path, rng))
            records.append(later)
            del expected[key]
    return records, expected


def check_row(obj: Object, row: Row, path: tuple[str, ...], value: Any) -> None:
    """The value is kept whole and its columns are NULL (or rounded), or the columns hold it."""
    kept = exact(row["record_unmapped"] or "{}")
    at = ".".join(path)
    columns = columns_at(obj, path)
    if at in kept:
        assert kept[at] == exact(json.dumps(written(value)))
        assert all(row[name] is None or obj.by_name[name].type == "decimal" for name in columns), (path, value)
    elif not is_empty(value):
        below = [name for name in kept if name.startswith((f"{at}.", f"{at}["))]
        assert below or any(row[name] is not None for name in columns), (path, value)


@pytest.mark.parametrize(("each_target", "seed"), SEEDED, indirect=["each_target"])
def test_any_optional_value_may_be_anything(each_target: str, seed: int, tmp_path: Path) -> None:
    """Every record is a row of the lake and of the warehouse, no value is lost, and the order of loads does not matter."""
    tables: dict[str, list[list[Row]]] = {}
    rng = random.Random(seed)
    made = {name: records_of(OBJECTS[name], rng) for name in FROM_RECORDS}
    # By default a third of the objects is loaded in another order too.
    again = made if seed else {name: made[name] for name in [*made][::3] if each_target == "duckdb"}
    for order, chosen in enumerate((made, again)):
        with opened(tmp_path / f"home-{order}", pii="keep") as home:
            for name, (records, expected) in chosen.items():
                obj = OBJECTS[name]
                random.Random(order).shuffle(records)
                for number, part in enumerate((records[::2], records[1::2]) if order else (records,)):
                    load_into(home, write_records(tmp_path / f"{name}-{order}-{number}.jsonl", part), obj=obj)
                assert letters(home, obj) == []
                counts = totals(home, obj)
                assert (counts.read, counts.dead_letter, counts.rejected) == (len(records), 0, 0)
                rows = table(home, obj)
                by_key = {row[obj.key[0]]: row for row in rows}
                assert len(by_key) == len(rows)
                there = [row["record_hash"] for row in rows if not row.get("record_is_deleted")]
                assert len(there) == counts.inserted - counts.deleted
                for key, mutated in expected.items():
                    for path, value in mutated:
                        check_row(obj, by_key[key], path, value)
                assert [row["record_hash"] for row in lake_best(home, obj)] == there
                tables.setdefault(name, []).append(rows)
    for first, *others in tables.values():
        assert all(rows == first for rows in others)


def write_records(path: Path, records: list[Record]) -> Path:
    """A file of records, with halves of characters as their programs write them."""
    path.write_text("\n".join(map(json.dumps, records)))
    return path


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 12))])
def test_any_optional_value_of_a_transcript_may_be_anything(seed: int, tmp_path: Path) -> None:
    """Each file is a row; where its value has no column it is in record_unmapped, whatever comes first."""
    obj, rng = OBJECTS["transcript"], random.Random(seed)
    expected: dict[str, tuple[str, Any]] = {}
    tables = []
    for place in PLACES:
        for document in DOCUMENTS:
            changed = json.loads(json.dumps(document))
            node, *keys = changed, *place.split(".")
            try:
                for key in keys[:-1]:
                    node = node[int(key) if key.isdigit() else key]
            except (KeyError, IndexError):
                continue
            name = f"c-{len(expected):03}"
            node[keys[-1]] = value = random_value(rng)
            expected[name] = re.sub(r"\.(\d+)", r"[\1]", place), value
            put(tmp_path / "t", f"transcripts/{name}.json", json.dumps(changed).encode())
    files = sorted((tmp_path / "t" / "transcripts").iterdir())
    for order in (files, files[::-1]):
        with opened(tmp_path / f"home-{len(tables)}", pii="keep") as home:
            for half in (order[::2], order[1::2]) if tables else (order,):
                load_into(home, *half, obj=obj)
            assert letters(home, obj) == []
            rows = {row["call_id"]: row for row in table(home, obj)}
            assert rows.keys() == expected.keys()
            for name, (at, value) in expected.items():
                kept = exact(rows[name]["record_unmapped"] or "{}")
                assert at not in kept or kept[at] == exact(json.dumps(written(value)))
                # No place asks for a boolean; as a text it is right.
                assert at in kept or not isinstance(value, bool) or at in AS_TEXT
            tables.append(rows)
    assert tables[0] == tables[1]
