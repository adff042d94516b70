"""The source `sheets`: a tab read whole, and the rows of it that changed since it was last read.

A snapshot is taken, compared with the rows that are durable, and stored with what is new before the first batch: a run
that was stopped goes on with the same snapshot. Its time is the version of its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from trunkline import clock
from trunkline.errors import TerminalError, TransientError, printable
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import READ_AT, Object
from trunkline.objects.origins import SheetOrigin
from trunkline.positions import Plan, Snapshot
from trunkline.records import Broken, Framed, KeptLetter, Mark, Texts
from trunkline.settings.installation import Settings
from trunkline.sources.files import reader
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext
from trunkline.sources.paged import fingerprint, shape_of_columns
from trunkline.sources.sheets.cells import SheetRow, columns_of, row_of
from trunkline.sources.sheets.client import SheetCells, read_cells

NAME: Final = "sheets"
_SNAPSHOT: Final = "sheet"
_KNOWN: Final = "sheet_rows"


class SheetRecord(msgspec.Struct, array_like=True):
    """A row that is new, changed or removed. `offset` is the sheet's row number, beyond the last for a removed one."""

    offset: int
    text: str
    is_deleted: bool = False
    reason: str = ""
    detail: str = ""
    changes: tuple[tuple[str, str], ...] = ()


class SheetSnapshot(msgspec.Struct):
    """What one reading of the tab found new, and the digest of every row by its key. `taken_at` is naive UTC.

    Records before `next_offset` are durable.
    """

    taken_at: datetime
    records: list[SheetRecord]
    rows: dict[str, str]
    next_offset: int = 0


class KnownRows(msgspec.Struct):
    """The digest of every durable row by its key, and when they were read (naive UTC)."""

    taken_at: datetime = datetime(1, 1, 1)
    rows: dict[str, str] = {}


class SheetTab:
    """One tab of a sheet for one object."""

    def __init__(self, obj: Object, origin: SheetOrigin, settings: Settings) -> None:
        self.obj, self.origin, self._endpoint = obj, origin, settings.sheets_endpoint

    @property
    def scope(self) -> str:
        """The name of the state of what is read."""
        origin = self.origin
        return fingerprint([origin.sheet, origin.tab, origin.header_row, origin.zone, *shape_of_columns(self.obj)])

    @property
    def uri(self) -> str:
        """The address that positions refer to."""
        return f"sheets://{self.origin.sheet}/{self.origin.tab}/{self.scope}"

    def take(self, known: KnownRows) -> SheetSnapshot:
        """What is new in the sheet, compared with the rows that are known.

        Raises TransientError or TerminalError for a sheet that looks half edited, and what reading it raises.
        """
        cells = read_cells(self.origin, self._endpoint)
        # A clock that was set back must not make a newer snapshot the older one.
        taken_at = max(clock.now_naive(), known.taken_at + timedelta(microseconds=1))
        return compared(self.obj, self.origin, self._rows(cells), known.rows, taken_at)

    def _rows(self, cells: SheetCells) -> list[SheetRow]:
        first, zone = self.origin.header_row, ZoneInfo(self.origin.zone or cells.zone)
        columns = columns_of(self.obj, self.origin, cells.rows[first - 1] if len(cells.rows) >= first else [])
        numbered = enumerate(cells.rows[first:], first + 1)
        rows = [row for number, values in numbered if (row := row_of(columns, number, values, zone)) is not None]
        if len(rows) < self.origin.rows_min:
            raise TransientError(
                f"the tab {printable(self.origin.tab)!r} has {len(rows):,} rows, and rows_min is "
                f"{self.origin.rows_min:,}: it looks half edited, so nothing was read. Try again when it is whole, or "
                "lower rows_min."
            )
        return rows


def compared(
    obj: Object, origin: SheetOrigin, rows: Sequence[SheetRow], known: Mapping[str, str], taken_at: datetime
) -> SheetSnapshot:
    """The rows that differ from those that are known, and those that were removed.

    Of rows with the same key the last one counts. Where removed rows are not deleted, they stay known.

    Raises TerminalError where more rows are gone than may be.
    """
    by_key: dict[str, list[SheetRow]] = {}
    for row in rows:
        by_key.setdefault(_identity(row), []).append(row)
    digests = {key: _digest(group) for key, group in by_key.items()}
    changed = [row for key, group in by_key.items() if known.get(key) != digests[key] for row in group]
    records = [_record(obj, row, taken_at) for row in sorted(changed, key=lambda row: row.number)]
    removed = [key for key in known if key not in digests and key.startswith("[")]
    if not origin.deletes:
        return SheetSnapshot(taken_at, records, {key: known[key] for key in removed} | digests)
    if removed:
        keyed = sum(1 for key in known if key.startswith("["))
        if 100 * len(removed) > origin.removed_percent_max * keyed:
            raise TerminalError(
                f"{len(removed):,} of {keyed:,} rows are missing from the tab {printable(origin.tab)!r}, which is more "
                f"than removed_percent_max ({origin.removed_percent_max}): nothing was read. Restore the rows (File, "
                "Version history), or raise removed_percent_max for one run."
            )
        beyond = max((row.number for row in rows), default=0) + 1
        records += [_removed(obj, key, beyond + index, taken_at) for index, key in enumerate(removed)]
    return SheetSnapshot(taken_at, records, digests)


def _identity(row: SheetRow) -> str:
    return "#" + _digest([row]) if row.key is None else msgspec.json.encode(row.key).decode()


def _digest(rows: Sequence[SheetRow]) -> str:
    return hashlib.sha256(b"\n".join(row.text for row in rows)).hexdigest()[:20]


def _record(obj: Object, row: SheetRow, taken_at: datetime) -> SheetRecord:
    text = _with_read_at(obj, row.text.decode(), taken_at)
    if row.error is None:
        return SheetRecord(row.number, text, changes=row.changes)
    return SheetRecord(row.number, text, reason=row.error.code, detail=str(row.error))


def _removed(obj: Object, key: str, offset: int, taken_at: datetime) -> SheetRecord:
    names = [(obj.by_name[name].path or ("",))[0] for name in obj.key]
    text = msgspec.json.encode(dict(zip(names, msgspec.json.decode(key), strict=True))).decode()
    return SheetRecord(offset, _with_read_at(obj, text, taken_at), is_deleted=True)


def _with_read_at(obj: Object, text: str, taken_at: datetime) -> str:
    """The text with the snapshot's time, where a column asks for it."""
    if not any(column.path == (READ_AT,) for column in obj.data_columns):
        return text
    return f'{text[:-1]}{"," if len(text) > 2 else ""}"{READ_AT}":"{taken_at.isoformat()}Z"}}'


class SheetSource:
    """Rows of one tab. Opened without one, it reads plans again from the snapshot that is stored, and moves on."""

    name = NAME

    def __init__(self, context: SourceContext, tab: SheetTab | None = None) -> None:
        self._context, self._tab = context, tab

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """What is new in the tab. A snapshot that was stopped is finished first."""
        if self._tab is None:
            return
        scope = self._tab.scope
        stopped = self._load(scope)
        if stopped is not None:
            yield from self._batches(self._tab, stopped)
            yield None
            if self._load(scope) is not None:
                return  # what was given is not durable, so there is nothing to compare with yet
        known = self._known(scope)
        snapshot = self._tab.take(known)
        if snapshot.records:
            self._save(scope, snapshot)
            yield from self._batches(self._tab, snapshot)
        elif known.rows != snapshot.rows:
            self._save_known(scope, snapshot)

    def _batches(self, tab: SheetTab, snapshot: SheetSnapshot) -> Iterator[Framed]:
        left = [record for record in snapshot.records if record.offset >= snapshot.next_offset]
        start, size = 0, 0
        for index, record in enumerate(left):
            size += len(record.text)
            if size >= self._context.settings.batch_bytes or index == len(left) - 1:
                yield self._framed(snapshot, left[start : index + 1], tab.uri)
                start, size = index + 1, 0
        if not left:
            self._finish(tab.scope, snapshot)

    def _framed(self, snapshot: SheetSnapshot, records: Sequence[SheetRecord], uri: str) -> Framed:
        span = Snapshot(uri, "rows", 0, records[0].offset, records[-1].offset + 1, snapshot.taken_at)
        version = snapshot.taken_at.isoformat(sep=" ", timespec="microseconds")
        texts, offsets = Texts(), []
        marks: list[Mark] = []
        broken: list[Broken] = []
        for record in records:
            data = record.text.encode()
            if record.reason:
                kept = data[:DEAD_LETTER_BYTES_MAX]
                broken.append(Broken(0, record.offset, kept, len(data), record.reason, record.detail))
                continue
            texts.records.append(data)
            offsets.append(record.offset)
            # Of rows with the same key in one snapshot, the last one is the newest.
            marks.append(Mark("stream", f"{version} {record.offset:08}", record.is_deleted, record.changes))
        size = sum(len(record.text) for record in records)
        plan = Plan(self._context.obj.name, NAME, (span,))
        return Framed(plan, texts, [0] * len(texts), offsets, broken, size, marks)

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan from the snapshot that is stored; None where it is another one."""
        span = plan.ranges[0]
        snapshot = self._load(span.uri.rpartition("/")[2]) if isinstance(span, Snapshot) else None
        if snapshot is None or not isinstance(span, Snapshot) or snapshot.taken_at != span.arrived_at:
            return None
        records = [record for record in snapshot.records if span.start <= record.offset < span.end]
        return self._framed(snapshot, records, span.uri)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Move the snapshot on past these rows; after the last one its rows are those that are known."""
        for batch in batches:
            for span in batch.plan.ranges:
                if not isinstance(span, Snapshot):
                    continue
                scope = span.uri.rpartition("/")[2]
                snapshot = self._load(scope)
                if snapshot is None or snapshot.taken_at != span.arrived_at or span.end <= snapshot.next_offset:
                    continue
                snapshot.next_offset = span.end
                if span.end > snapshot.records[-1].offset:
                    self._finish(scope, snapshot)
                else:
                    self._save(scope, snapshot)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The row in the letter, with the time of its snapshot."""
        return reader.revive(letter)

    def _finish(self, scope: str, snapshot: SheetSnapshot) -> None:
        self._save_known(scope, snapshot)
        self._context.state.remove(_SNAPSHOT, self._context.obj.name, scope)

    def _load(self, scope: str) -> SheetSnapshot | None:
        data = self._context.state.get(_SNAPSHOT, self._context.obj.name, scope)
        return msgspec.json.decode(data, type=SheetSnapshot) if data is not None else None

    def _save(self, scope: str, snapshot: SheetSnapshot) -> None:
        data = msgspec.json.encode(snapshot)
        self._context.state.put(data, _SNAPSHOT, self._context.obj.name, scope, is_private=True)

    def _known(self, scope: str) -> KnownRows:
        data = self._context.state.get(_KNOWN, self._context.obj.name, scope)
        return msgspec.json.decode(data, type=KnownRows) if data is not None else KnownRows()

    def _save_known(self, scope: str, snapshot: SheetSnapshot) -> None:
        data = msgspec.json.encode(KnownRows(snapshot.taken_at, snapshot.rows))
        self._context.state.put(data, _KNOWN, self._context.obj.name, scope, is_private=True)
