"""A register of contacts in memory, for tests of the ledger: it lists what it would know by then, and counts calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from homes import RECORD_COLUMNS, Record, _column

from trunkline.completeness.census import Scope
from trunkline.completeness.listings import Listing
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import Home
from trunkline.pipelines.merging import merge_batches
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Mark
from trunkline.schedules.windows import Window

TALLY = Object(
    name="tally",
    database="test",
    warehouse_table="connect.f_tally",
    grain="One row per id.",
    key=("id",),
    version="changed_at",
    event_time="ended_at",
    partition="began_at",
    delete_rule="By mark.",
    columns=(
        _column("id", "text", "ContactId", nullable=False),
        _column("centre", "text", "Centre"),
        _column("began_at", "timestamp", "Began"),
        _column("ended_at", "timestamp", "Ended"),
        _column("changed_at", "timestamp", "Changed"),
        _column("score", "bigint", "Score"),
        *RECORD_COLUMNS,
    ),
    anchor="ContactId",
)
"""What the ledger needs of an object, and no more."""

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def tally(id_: str, ended: datetime | None = NOON, lasted_s: int = 600, **changes: Any) -> Record:
    """A record; by default its version is a minute after its end."""
    began = (ended or NOON) - timedelta(seconds=lasted_s)
    record: Record = {
        "ContactId": id_, "Centre": "a", "Began": stamp(began), "Ended": stamp(ended) if ended else None,
        "Changed": stamp((ended or NOON) + timedelta(minutes=1)), "Score": 1,
    }  # fmt: skip
    return record | changes


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass
class Memory:
    """The register. `records` by id; one is listed from `visible_at[id]` on (default: ten minutes after its end).

    `pages` of 100 cost a call each, and each fetch one; `calls_max` is the quota, and a call too many is an error.
    """

    records: dict[str, Record]
    now: datetime
    visible_at: dict[str, datetime] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    source: str = "memory"
    scope: Scope = None
    calls_max: int = 10_000
    stretch: timedelta = timedelta(hours=6)
    searches: int = 0
    fetches: list[str] = field(default_factory=list)
    before_call: Callable[[], None] = lambda: None
    home: Home | None = None

    @staticmethod
    def of(records: Sequence[Record], now: datetime, **more: Any) -> Memory:
        return Memory({record["ContactId"]: record for record in records}, now, **more)

    def at(self, home: Home) -> Memory:
        """The register beside a home, into which it loads what is fetched."""
        self.home = home
        return self

    def list_window(self, window: Window) -> Iterator[Listing]:
        edges = [window.start]
        while edges[-1] + self.stretch < window.end:
            edges.append(edges[-1] + self.stretch)
        for start, end in pairwise([*edges, window.end]):
            found = []
            for id_, record in self.records.items():
                if record["Ended"] is None or id_ in self.unlisted:
                    continue
                ended = time_of(record["Ended"])
                if start <= ended < end and self.visible_at.get(id_, ended + timedelta(minutes=10)) <= self.now:
                    found.append((id_, time_of(record["Began"]).replace(tzinfo=None), ended.replace(tzinfo=None)))
            for _ in range(max(1, -(-len(found) // 100))):
                self._call()
                self.searches += 1
            yield Listing(Window(start, end), self.now, found)

    def fetch(self, ids: Mapping[str, datetime], advance: Callable[[int], None]) -> list[str]:
        home, obj = self.home, TALLY
        assert home is not None
        texts, unknown = [], []
        for id_ in ids:
            self._call()
            self.fetches.append(id_)
            if id_ in self.unknown or id_ not in self.records:
                unknown.append(id_)
            else:
                # What the API cannot give is left out, never zero.
                texts.append(json.dumps({k: v for k, v in self.records[id_].items() if k != "Score"}))
        if texts:
            arrived = self.now.replace(tzinfo=None)
            size = sum(map(len, texts))
            plan = Plan(
                obj.name, "connect_api", (FileRange(f"memory:{min(ids)}", stamp(self.now), 0, size, True, arrived),)
            )
            framed = Framed(
                plan, texts, [0] * len(texts), list(range(len(texts))), [], size, [Mark("api")] * len(texts)
            )
            batches.record_plan(home.store, plan)
            merge_batches(home, obj, [FlattenPool(home.lake, obj).put(framed)])
        advance(len(ids))
        return unknown

    def estimate(self, contacts: int, fetched: int, windows: int) -> tuple[int, float]:
        pages = max(-(-contacts // 100), windows)
        return pages + fetched, pages * 2 + fetched / 10

    def _call(self) -> None:
        self.before_call()
        if self.searches + len(self.fetches) >= self.calls_max:
            raise AssertionError(f"call {self.calls_max + 1} is beyond the quota")
