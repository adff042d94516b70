"""Scans of DynamoDB tables in parallel segments, page by page. A later run can continue after any page.

Source: DynamoDB API reference, Scan: a page is 1 MB before any filter, a start key is valid in its own segment only,
and a scan is not a snapshot: concurrent changes may be seen or not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from trunkline import clock
from trunkline.aws.errors import translate_errors
from trunkline.errors import RecordError, TerminalError, UsageError
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.positions import FileRange, Plan
from trunkline.records import Broken, Framed, Mark, Texts
from trunkline.sources.dynamodb.items import RANK_SCAN, READ_BEFORE, Rules, texts_of, version_text

NAME: Final = "dynamodb_scan"
CLOCK_DIFFERENCE_MAX: Final = timedelta(seconds=30)
"""A scan's rows count as read a minute earlier, so a clock may be wrong by half of that."""


class Segment(msgspec.Struct):
    """How far one segment has been read. `key` is the typed key of the last item read, None before the first page."""

    pages: int = 0
    items: int = 0
    key: dict[str, Any] | None = None
    is_done: bool = False


class Scan(msgspec.Struct):
    """One scan of a table. `started_at` is naive UTC; `set_aside` counts items that could not be used."""

    scan_id: str
    table: str
    started_at: datetime
    segments: list[Segment]
    set_aside: int = 0
    is_consistent: bool = False
    is_finished: bool = False

    @property
    def items(self) -> int:
        """Items read whose rows are durable."""
        return sum(segment.items for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a segment. `items` are typed JSON; `key` is the last one's, None at the segment's end.

    `began_at` is when the request was sent (naive UTC), `units` are the read capacity units that it consumed.
    """

    segment: int
    number: int
    items: list[bytes]
    key: dict[str, Any] | None
    began_at: datetime
    units: float


@dataclass(slots=True)
class Pace:
    """A limit of read capacity units per second over all threads; None for no limit."""

    units_per_s: float | None
    sleep: Callable[[float], None]
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Wait until the units consumed so far are within the limit."""
        with self._lock:
            left = self._free_at - clock.monotonic_s()
        if left > 0:
            self.sleep(left)

    def consume(self, units: float) -> None:
        """Account for a page's units."""
        if self.units_per_s is not None:
            with self._lock:
                self._free_at = max(self._free_at, clock.monotonic_s()) + units / self.units_per_s


def read_page(client: Any, scan: Scan, number: int, pace: Pace) -> Page:
    """The next page of a segment.

    Raises TerminalError where this machine's clock is too wrong to order versions, and errors of DynamoDB as ours.
    """
    segment = scan.segments[number]
    more = {"ExclusiveStartKey": _binary_keys(segment.key)} if segment.key is not None else {}
    pace.wait()
    began_at = clock.now_naive()
    with translate_errors("dynamodb", f"the DynamoDB table {scan.table}", UsageError):
        answer = client.scan(
            TableName=scan.table, Segment=number, TotalSegments=len(scan.segments), ReturnConsumedCapacity="TOTAL",
            ConsistentRead=scan.is_consistent, **more,
        )  # fmt: skip
    _check_clock(answer, began_at)
    units = float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0))
    pace.consume(units)
    items = [msgspec.json.encode(item) for item in answer["Items"]]
    key = answer.get("LastEvaluatedKey")
    plain = msgspec.json.decode(msgspec.json.encode(key)) if key else None
    return Page(number, segment.pages, items, plain, began_at, units)


def _binary_keys(key: dict[str, Any]) -> dict[str, Any]:
    """A key from JSON for boto3, which needs binary values as bytes."""
    return {
        name: {
            tag: msgspec.convert(value, bytes, strict=False) if tag == "B" else value for tag, value in typed.items()
        }
        for name, typed in key.items()
    }


def _check_clock(answer: dict[str, Any], began_at: datetime) -> None:
    """Raise TerminalError where the server's time is outside request and answer by too much: one clock is wrong."""
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not text:
        return
    server_time = parsedate_to_datetime(text).astimezone(UTC).replace(tzinfo=None)
    if not began_at - CLOCK_DIFFERENCE_MAX <= server_time <= clock.now_naive() + CLOCK_DIFFERENCE_MAX:
        raise TerminalError(
            f"this machine's clock differs from DynamoDB's ({server_time:%H:%M:%S} UTC) by more than "
            f"{CLOCK_DIFFERENCE_MAX.seconds} s, so that versions would be in the wrong order: set the clock"
        )


def frame_pages(obj: Object, scan: Scan, pages: Sequence[Page], rules: Rules) -> Framed:
    """Pages as one batch, a range each. A page that is read again is a new range, since the table may have changed."""
    total = len(scan.segments)
    uri = f"dynamodb://{scan.table}/scan/{scan.scan_id}"
    plan = Plan(obj.name, NAME, tuple(
        FileRange(uri, f"{page.segment}of{total}/{page.number}@{page.began_at.isoformat()}", 0, len(page.items), True,
              page.began_at)
        for page in pages
    ))  # fmt: skip
    texts = Texts()
    indexes: list[int] = []
    offsets: list[int] = []
    marks: list[Mark] = []
    broken: list[Broken] = []
    for index, page in enumerate(pages):
        mark = Mark(version=version_text(page.began_at - READ_BEFORE, RANK_SCAN))
        for offset, text in enumerate(texts_of(obj, page.items, [page.began_at] * len(page.items), rules, {})):
            if isinstance(text, RecordError):
                raw = page.items[offset]
                broken.append(Broken(index, offset, raw[:DEAD_LETTER_BYTES_MAX], len(raw), text.code, str(text)))
                continue
            texts.records.append(text)
            indexes.append(index)
            offsets.append(offset)
            marks.append(mark)
    size = sum(len(item) for page in pages for item in page.items)
    return Framed(plan, texts, indexes, offsets, broken, size, marks)


def advance(scan: Scan, pages: Sequence[Page], set_aside: int) -> None:
    """Record that the pages are durable."""
    for page in pages:
        segment = scan.segments[page.segment]
        segment.pages, segment.items = page.number + 1, segment.items + len(page.items)
        segment.key, segment.is_done = page.key, page.key is None
    scan.set_aside += set_aside
