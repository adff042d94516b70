"""Any order and repetition of stream batches, mixed with scans and exports, gives the items' last state (must hold 2)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dynamo_tables import Item, arn, call, change
from homes import assert_adds_up, lake_best, opened, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.flatten.flattener import Flattener
from trunkline.pipelines import batches
from trunkline.pipelines.home import Home
from trunkline.pipelines.merging import merge_batches
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed
from trunkline.sources.dynamodb.export import Export, read_lines
from trunkline.sources.dynamodb.items import Rules
from trunkline.sources.dynamodb.scan import Page, Scan, Segment, frame_pages
from trunkline.sources.dynamodb.stream import as_json, frame_event

START = datetime(2026, 2, 11, 12)
KEYS = "abc"
Frame = Callable[[Any], Framed]


@dataclass(frozen=True)
class Write:
    """One change of an item: when, and the item after it (None: deleted)."""

    at: datetime
    key: str
    before: Item | None
    after: Item | None


def item(key: str, number: int) -> Item:
    """A state of an item; its call's day may differ from the one before."""
    return call(key, f"2026-02-{9 + number % 3:02}T10:00:00Z", agentName={"S": f"n{number}"})


def history(chance: random.Random) -> tuple[dict[str, Item], list[Write]]:
    """Items that were there before the stream, and changes: inserts, updates, deletes and inserts again."""
    first = {key: item(key, 0) for key in KEYS if chance.random() < 0.5}
    state, at, writes = dict(first), START, []
    for number in range(1, chance.randrange(1, 9)):
        at += timedelta(seconds=chance.choice([0.0, 0.2, 0.7, 5, 61, 300]))
        key = chance.choice(KEYS)
        before = state.get(key)
        after = None if before is not None and chance.random() < 0.4 else item(key, number)
        writes.append(Write(at, key, before, after))
        state[key] = after  # type: ignore[assignment]
        state = {one: value for one, value in state.items() if value is not None}
    return first, writes


def state_at(first: dict[str, Item], writes: Sequence[Write], at: datetime) -> dict[str, Item]:
    state: dict[str, Item | None] = dict(first)
    for one in writes:
        if one.at <= at:
            state[one.key] = one.after
    return {key: value for key, value in state.items() if value is not None}


def stream_records(writes: Sequence[Write], has_old: bool) -> list[bytes]:
    records = []
    for number, one in enumerate(writes):
        name = "REMOVE" if one.after is None else "INSERT" if one.before is None else "MODIFY"
        at = (one.at - datetime(1970, 1, 1)).total_seconds()
        record = change(number, name, one.after, one.before if has_old else None, {"callId": {"S": one.key}}, at=at)
        records.append(as_json(record))
    return records


def stream_batches(chance: random.Random, obj: Any, records: list[bytes]) -> list[Framed]:
    """Batches as Lambda delivers them: cut anywhere, some again whole, some again in halves."""
    found: list[Framed] = []
    start = 0
    while start < len(records):
        end = min(len(records), start + chance.randrange(1, 5))
        cuts = [(start, end)]
        if chance.random() < 0.3:
            cuts.append((start, end))
        if chance.random() < 0.3 and end - start > 1:
            middle = chance.randrange(start + 1, end)
            cuts += [(start, middle), (middle, end)]
        found += [frame_event(obj, arn(), records[a:b], Rules()) for a, b in cuts]
        start = end
    return found


def reading(chance: random.Random, writes: Sequence[Write]) -> datetime:
    """When a page, or an export, is read: before, during or after the changes."""
    last = writes[-1].at if writes else START
    return START + (last + timedelta(seconds=90) - START) * chance.random()


def scanned(
    chance: random.Random, obj: Any, first: dict[str, Item], writes: Sequence[Write], number: int
) -> list[Framed]:
    """A whole scan, a page a key. A page shows what was true a little before its start (it may be stale) or after it."""
    scan = Scan(f"scan{number}", "calls", START, [Segment() for _ in KEYS])
    found = []
    for place, key in enumerate(KEYS):
        began = reading(chance, writes)
        seen = state_at(first, writes, began + timedelta(seconds=chance.choice([-30, -2, 0, 0.5, 20]))).get(key)
        page = Page(place, 0, [json.dumps(seen, separators=(",", ":")).encode()] if seen else [], None, began, 1)
        found.append(frame_pages(obj, scan, [page], Rules()))
    return found


def exported(
    chance: random.Random, obj: Any, first: dict[str, Item], writes: Sequence[Write], number: int
) -> list[Framed]:
    """A full export, or an incremental one of a part of the changes."""
    at = reading(chance, writes)
    is_full = chance.random() < 0.5
    if is_full:
        shown = at + timedelta(seconds=chance.choice([-30, 0, 30]))  # the export's clock may be off
        lines = [{"Item": one} for one in state_at(first, writes, shown).values()]
    else:
        last = {one.key: one for one in writes if one.at < at}
        lines = []
        for one in last.values():
            micros = str(int((one.at - datetime(1970, 1, 1)) / timedelta(microseconds=1)))
            line: dict[str, Any] = {
                "Metadata": {"WriteTimestampMicros": {"N": micros}},
                "Keys": {"callId": {"S": one.key}},
            }
            lines.append(line | ({"NewImage": one.after} if one.after else {"OldImage": one.before}))
    texts = [json.dumps(line, separators=(",", ":")) for line in lines]
    plan = Plan(obj.name, "s3_files", (FileRange(f"export{number}", "1", 0, 100, True, at),))
    framed = Framed(plan, texts, [0] * len(texts), list(range(len(texts))), [], 100)
    return [read_lines(obj, Export("arn", "", at, not is_full, (), None), framed, Rules())]


def merged(home: Home, obj: Any, flattener: Flattener, framed: Framed) -> None:
    record = batches.put(home.store, home.scratch, flattener, framed)
    (counts,) = merge_batches(home, obj, [record])
    assert_adds_up(counts)
    assert counts.dead_letter == 0


def check(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    first, writes = history(chance)
    with opened(folder / str(seed), pii="drop") as home:
        obj = home.objects["call"]
        flattener = Flattener(obj, home.rule)
        everything = stream_batches(chance, obj, stream_records(writes, has_old=chance.random() < 0.7))
        everything += scanned(chance, obj, first, writes, 0)
        for number in range(chance.randrange(3)):
            everything += exported(chance, obj, first, writes, number)
        chance.shuffle(everything)
        for framed in everything:
            merged(home, obj, flattener, framed)
        wanted = {
            key: one["payload"]["M"]["agentName"]["S"] for key, one in state_at(first, writes, datetime.max).items()
        }
        held = {row["call_id"]: row["agent_name"] for row in table(home, obj) if not row["record_is_deleted"]}
        assert held == wanted
        assert {row["call_id"]: row["agent_name"] for row in lake_best(home, obj)} == wanted


@given(seed=st.integers(min_value=0))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_gives_the_last_state(tmp_path: Path, seed: int) -> None:
    """Four histories, each in an order and with repetitions of its own."""
    check(tmp_path, seed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_any_order_gives_the_last_state_at_length(tmp_path: Path) -> None:
    """Five hundred histories."""
    for seed in range(500):
        check(tmp_path, seed)
