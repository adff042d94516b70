"""Scans of DynamoDB tables in parallel segments, page by page. A later run can continue after any page.

Source: DynamoDB API reference, Scan: a page is 1 MB before any filter, a start key is valid in its own segment only,
and a scan is not a snapshot: concurrent changes may be seen or not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

from trunkline import clock
from trunkline.aws.errors import translate_errors
from trunkline.errors import RecordError, TerminalError, UsageError
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.positions import Plan, Snapshot
from trunkline.records import Broken, Framed, KeptLetter, Mark, Texts
from trunkline.sources.dynamodb.items import RANK_SCAN, READ_BEFORE, Rules, texts_of, version_text
from trunkline.sources.dynamodb.tables import rules_of
from trunkline.sources.files import reader
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

NAME: Final = "dynamodb_scan"
_URI: Final = "dynamodb://"
_BATCH_PAGES: Final = 8
"""Pages of one batch, of up to 1 MB each."""
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


def read_page(
    client: Any, scan: Scan, segment: int, number: int, start_key: Mapping[str, Any] | None, pace: Pace
) -> Page:
    """A page of a segment, after the page whose key is `start_key` (None: the first).

    Raises TerminalError where this machine's clock is too wrong to order versions, and errors of DynamoDB as ours.
    """
    more = {"ExclusiveStartKey": _binary_keys(start_key)} if start_key is not None else {}
    pace.wait()
    began_at = clock.now_naive()
    with translate_errors("dynamodb", f"the DynamoDB table {scan.table}", UsageError):
        answer = client.scan(
            TableName=scan.table,
            Segment=segment,
            TotalSegments=len(scan.segments),
            ReturnConsumedCapacity="TOTAL",
            ConsistentRead=scan.is_consistent,
            **more,
        )
    _check_clock(answer, began_at)
    units = float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0))
    pace.consume(units)
    items = [msgspec.json.encode(item) for item in answer["Items"]]
    key = answer.get("LastEvaluatedKey")
    plain = msgspec.json.decode(msgspec.json.encode(key)) if key else None
    return Page(segment, number, items, plain, began_at, units)


def _binary_keys(key: Mapping[str, Any]) -> dict[str, Any]:
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


def scan_uri(scan: Scan) -> str:
    """The address that the positions of a scan refer to."""
    return f"{_URI}{scan.table}/scan/{scan.scan_id}"


def frame_pages(obj: Object, scan: Scan, pages: Sequence[Page], rules: Rules) -> Framed:
    """Pages as one batch, a range each. A page that is read again is a new range, since the table may have changed."""
    ranges = tuple(
        Snapshot(
            uri=scan_uri(scan),
            part=f"{page.segment}of{len(scan.segments)}",
            page=page.number,
            start=0,
            end=len(page.items),
            arrived_at=page.began_at,
            next_key=None if page.key is None else msgspec.json.encode(page.key).decode(),
        )
        for page in pages
    )
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
    return Framed(Plan(obj.name, NAME, ranges), texts, indexes, offsets, broken, size, marks)


@dataclass(frozen=True, slots=True)
class Scanning:
    """What a table is scanned with. `restart` drops a scan that was stopped.

    `is_consistent` reads consistently, for a caller that then deletes what the scan did not find and calls `finish`.
    """

    table: str
    client: Any
    segments: int
    pace: Pace
    is_consistent: bool = False
    restart: bool = False


class ScanSource:
    """Items of one table, page by page. A scan that was stopped is continued.

    A page counts as read once its rows are durable, and a segment reads no page before that of its last one: a stop
    repeats at most one page of each segment. A plan is not read again: its pages are.
    """

    name = NAME

    def __init__(self, context: SourceContext, scanning: Scanning | None = None) -> None:
        self._context, self._scanning = context, scanning
        self._rules = rules_of(context.settings)
        self._scan: Scan | None = None

    def begin(self) -> Scan:
        """The scan to continue, or a new one, which is recorded before its first page.

        Raises UsageError where a stopped scan did not read consistently and this one has to.
        """
        if self._scan is None:
            self._scan = self._begin()
        return self._scan

    def _begin(self) -> Scan:
        options = self._scanning
        if options is None:
            raise TerminalError("a source that was opened without a table cannot scan")
        stopped = self._load(options.table)
        if stopped is None or stopped.is_finished or options.restart:
            segments = [Segment() for _ in range(options.segments)]
            new = Scan(uuid4().hex, options.table, clock.now_naive(), segments, is_consistent=options.is_consistent)
            self._save(new)
            return new
        if options.is_consistent and not stopped.is_consistent:
            raise UsageError(
                f"the scan of {options.table} that was stopped did not read consistently, so that --delete-missing "
                "could delete what is there; end it without that option, or begin again with --restart"
            )
        return stopped

    def finish(self) -> None:
        """Record that the scan is finished, so that the next one begins anew."""
        scan = self.begin()
        scan.is_finished = True
        self._save(scan)

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The pages that are not durable, of all segments at once.

        Raises TerminalError where this machine's clock is too wrong to order versions.
        """
        if self._scanning is None:
            return
        scan = self.begin()
        for pages in _pages(self._scanning.client, scan, self._scanning.pace):
            yield frame_pages(self._context.obj, scan, pages, self._rules)
            yield None
        if not self._scanning.is_consistent:
            self.finish()

    def reread(self, plan: Plan) -> Framed | None:
        """None: see the class."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Move the segments on past these pages."""
        for batch in batches:
            spans = [span for span in batch.plan.ranges if isinstance(span, Snapshot)]
            table, _, scan_id = spans[0].uri.removeprefix(_URI).rpartition("/scan/") if spans else ("", "", "")
            scan = self._scan if self._scan is not None and self._scan.table == table else self._load(table)
            if scan is not None and scan.scan_id == scan_id and _advance(scan, spans):
                scan.set_aside += batch.dead_letter
                self._save(scan)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The item in the letter, in typed JSON or as a row already."""
        return reader.revive(letter)

    def _save(self, scan: Scan) -> None:
        text = msgspec.json.format(msgspec.json.encode(scan), indent=1)
        self._context.state.put(text, "scan", self._context.obj.name, scan.table)

    def _load(self, table: str) -> Scan | None:
        data = self._context.state.get("scan", self._context.obj.name, table)
        return msgspec.json.decode(data, type=Scan) if data is not None else None


def _advance(scan: Scan, spans: Sequence[Snapshot]) -> bool:
    """Record that these pages are durable; whether that is new."""
    is_new = False
    for span in spans:
        number = span.part.partition("of")[0]
        if not number.isdigit() or scan.segments[int(number)].pages != span.page:
            continue
        segment = scan.segments[int(number)]
        segment.pages, segment.items = span.page + 1, segment.items + span.end
        segment.key = None if span.next_key is None else msgspec.json.decode(span.next_key)
        segment.is_done, is_new = span.next_key is None, True
    return is_new


def _pages(client: Any, scan: Scan, pace: Pace) -> Iterator[list[Page]]:
    """Pages as they arrive. A segment reads its next page once the caller asks for more, and so has made it durable."""
    unread = [(number, segment) for number, segment in enumerate(scan.segments) if not segment.is_done]
    if not unread:
        return
    with ThreadPoolExecutor(len(unread), thread_name_prefix="scan") as pool:
        waiting: set[Future[Page]] = {
            pool.submit(read_page, client, scan, number, segment.pages, segment.key, pace) for number, segment in unread
        }
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                arrived = sorted((future.result() for future in done), key=lambda page: page.segment)
                for start in range(0, len(arrived), _BATCH_PAGES):
                    yield arrived[start : start + _BATCH_PAGES]
                for page in arrived:
                    if page.key is not None:
                        waiting.add(pool.submit(read_page, client, scan, page.segment, page.number + 1, page.key, pace))
        finally:
            pool.shutdown(cancel_futures=True)
