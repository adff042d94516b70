"""Flatten one batch: typed rows in a table of the engine, dead letters for what cannot be a row.

A dead letter is a broken span or a refused record, with its position, its bytes and the reason.
A `Flattener` owns an in-memory DuckDB with one thread and its prepared statements; several work side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from trunkline.accounting import Drift
from trunkline.errors import RecordError
from trunkline.flatten import arrow
from trunkline.flatten.arrow import Batch
from trunkline.flatten.careful import PlainRecord, make_plain
from trunkline.flatten.cells import Cells, EngineCells, SplitCells, read_batch
from trunkline.flatten.columns import BatchTable
from trunkline.flatten.decode import Decoded, RecordDecoder
from trunkline.flatten.drift import KeyReport, cut_unknown, read_layouts
from trunkline.flatten.hooked import HookedRows
from trunkline.flatten.loose import tidy_records
from trunkline.flatten.nested import NestedColumns, NestedReader
from trunkline.flatten.privacy import PiiRule
from trunkline.flatten.rows import RowReader
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import READ_AT, Object
from trunkline.positions import LetterRange, Plan, Range
from trunkline.records import Broken, DeadLetter, Framed, RowLayout, Texts
from trunkline.sql.flatten.cells import BESIDE, cells_rows
from trunkline.sql.flatten.statement import IS_ODD, FlattenSql, flatten_sql, is_hidden
from trunkline.sql.flatten.values import tree_of
from trunkline.sql.relation import Relation


def broken_letter(obj: Object, framed: Framed, broken: Broken) -> DeadLetter:
    """The dead letter of a span that is not a record."""
    span = framed.plan.ranges[broken.range_index]
    return DeadLetter(
        obj.name,
        f"{span.place}{broken.offset}",
        _identity(span, broken.payload, broken.length),
        broken.reason,
        broken.detail,
        broken.payload,
        broken.length,
        span.arrived_at,
    )


def record_letter(obj: Object, framed: Framed, row: int, error: RecordError) -> DeadLetter:
    """The dead letter of a record that cannot be a row."""
    data = framed.texts.records[row] if isinstance(framed.texts, Texts) else framed.texts[row].encode()
    if framed.layout is not None:
        data = framed.layout.with_header(data)
    payload = data[:DEAD_LETTER_BYTES_MAX]
    span = framed.plan.ranges[framed.range_indexes[row]]
    return DeadLetter(
        obj.name,
        f"{span.place}{framed.offsets[row]}",
        _identity(span, payload, len(data)),
        error.code,
        str(error),
        payload,
        len(data),
        span.arrived_at,
    )


def _identity(span: Range, payload: bytes, length: int) -> str:
    """A replayed dead letter keeps the identity it was set aside with, even if only part of its bytes is a record."""
    return span.payload_hash if isinstance(span, LetterRange) else fingerprint(payload, length)


def fingerprint(payload: bytes, length: int) -> str:
    """Identity of a dead letter's bytes: 32 hexadecimal digits over its first MiB and its length."""
    return hashlib.sha256(payload + length.to_bytes(8, "big")).hexdigest()[:32]


# What DuckDB raises for a value it cannot take. Any other error is a fault of ours and must not look like the record's.
_REFUSALS = (duckdb.DataError, duckdb.InvalidInputException)
_NO_BATCH = Batch(Framed(Plan("", "", ()), [], [], [], [], 0), datetime(1970, 1, 1))


@dataclass(frozen=True, slots=True)
class Flattened:
    """The rows, dead letters and drift of one batch.

    `rows` is a table of the flattener's connection until its next batch: the object's columns that have a value in the
    batch, in catalogue order, and those that every row needs; then PARTITION_DATE, ROW and IS_ODD (false). A column
    that is not there is NULL throughout. `days` counts the rows of each partition date.
    """

    rows: Relation
    days: Mapping[date, int]
    dead_letters: list[DeadLetter]
    drift: Drift

    @property
    def accepted(self) -> int:
        """The number of rows."""
        return sum(self.days.values())


@dataclass(slots=True)
class _Work:
    """One batch while it is flattened. `unmapped`: by row the texts of what the catalogue does not know of it.

    `in_engine`: leaves whose values are in the engine's table of `cells`, each with its column's number there.
    """

    batch: Batch
    decoded: Decoded
    nested: NestedColumns
    report: KeyReport = field(default_factory=KeyReport)
    unmapped: dict[int, tuple[str, str]] = field(default_factory=dict)
    errors: dict[int, RecordError] = field(default_factory=dict)
    careful: set[int] = field(default_factory=set)
    cells: Cells | None = None
    in_engine: Mapping[int, int] = field(default_factory=dict)

    @property
    def leaves(self) -> set[int]:
        """The leaves that have values."""
        return {*self.decoded.values, *self.in_engine}


class Flattener:
    """Flattens batches of one object under one PII rule."""

    def __init__(self, obj: Object, rule: PiiRule, memory_mb: int = 512, spill: Path | None = None) -> None:
        self.obj = obj
        self.rule = rule
        # DuckDB's own choice is `.tmp` in the working directory, where anybody could read the records.
        folder = {"temp_directory": str(spill) if spill else ""}
        self.con = duckdb.connect(config={"threads": 1, "memory_limit": f"{memory_mb}MB", **folder})
        self.con.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
        self.con.execute("SET preserve_insertion_order = true; SET enable_progress_bar = false")
        self._decoder, self._nested = RecordDecoder(obj), NestedReader(obj, rule)
        self._rows, self._folder = RowReader(obj, rule), spill
        self._beside: dict[tuple[frozenset[int], bool], BatchTable] = {}
        self._read_at = next((n for n, leaf in enumerate(tree_of(obj).leaves) if leaf.path == (READ_AT,)), None)
        self._stored = _stored_leaves(obj, rule)
        self._texts = arrow.ArrowTable()
        self._set_texts([], [])
        self.con.register("texts", self._texts)
        self._is_open = False
        self._hook = HookedRows(obj, self.con)
        self._use(self._stored if obj.hook else frozenset())  # a hook gets all columns in every batch
        self.con.execute(f"PREPARE layouts AS {self.sql.layouts}")

    def _use(self, leaves: frozenset[int]) -> None:
        """Prepare the statements for records with values at these leaves."""
        self._leaves = leaves
        self.sql: FlattenSql = flatten_sql(self.obj, leaves)
        self._table = BatchTable(self.obj, self.rule, leaves)
        self._table.set_made(_NO_BATCH, {})
        self.con.register("records", self._table.arrow)
        self.con.execute(self.sql.table)
        self.con.execute(f"PREPARE rows AS {self.sql.rows}")
        self.con.execute(f"PREPARE days AS {self.sql.days}")

    def flatten(self, framed: Framed, loaded_at: datetime) -> Flattened:
        """Flatten one batch. Every record ends in the rows or in the dead letters, or the hook stops it all."""
        letters = [broken_letter(self.obj, framed, span) for span in framed.broken]
        self._empty()
        if not framed.texts:
            return Flattened(self.sql.flat, {}, letters, Drift())
        layout = framed.layout
        work = self._read_rows(framed, layout, loaded_at) if layout else self._read_records(framed, loaded_at)
        for mark in framed.marks or ():
            work.report.count_changes(mark.changes)
        days = self._insert(work)
        letters += [record_letter(self.obj, framed, row, work.errors[row]) for row in sorted(work.errors)]
        work.report.keys.update(work.decoded.keys)
        self._forget()
        rows = self._hook.apply(self.sql.flat) if days else self.sql.flat
        return Flattened(rows, days, letters, work.report.drift(work.batch.count))

    def _read_records(self, framed: Framed, loaded_at: datetime) -> _Work:
        """The values of JSON records."""
        batch = Batch(self._tidy(framed), loaded_at)
        decoded = self._decoder.decode(batch.records)
        self._add_file_times(batch, decoded)
        work = _Work(batch, decoded, self._nested.read(decoded.values))
        self._compare_keys(work)
        return work

    def _read_rows(self, framed: Framed, layout: RowLayout, loaded_at: datetime) -> _Work:
        """The values of rows of a table. What cannot be read by column is made a JSON record, and read with care."""
        cells = read_batch(self.con, framed, layout, self._rows.leaves(layout), self._folder)
        rows = self._rows.read(layout, cells)
        batch = Batch(replace(framed, texts=rows.texts), loaded_at)
        self._add_file_times(batch, rows.decoded)
        work = _Work(batch, rows.decoded, NestedColumns(), unmapped=rows.unmapped, careful=rows.careful)
        work.cells, work.in_engine = cells, rows.in_engine
        work.report.unknown_counts.update(rows.unknown)
        return work

    def _add_file_times(self, batch: Batch, decoded: Decoded) -> None:
        """Give the column that asks for it the time of the file, where the record has no such value of its own."""
        if self._read_at is not None:
            own = decoded.values.get(self._read_at) or [None] * batch.count
            times = [batch.file_time(row) if value is None else value for row, value in enumerate(own)]
            if any(times):
                decoded.values[self._read_at] = times

    def _tidy(self, framed: Framed) -> Framed:
        """The batch with the catalogue's spelling where the source is careless about it. Dead letters keep theirs."""
        if not self.obj.is_loose:
            return framed
        texts = framed.texts
        records = texts.records if isinstance(texts, Texts) else [text.encode() for text in texts]
        return replace(framed, texts=Texts(tidy_records(self.obj, records)))

    def _insert(self, work: _Work) -> dict[date, int]:
        """Insert the batch; returns the number of rows by partition date."""
        self._widen(work.leaves)
        types = self._insert_plain(work)
        days, odd = self._days()
        careful = work.careful.union(range(work.batch.count) if types is None else odd)
        work.report.type_changes.update(change for row, change in types or () if row not in careful)
        made = self._make_plain(work, careful)
        if self._widen(leaf for record in made.values() for leaf in record.leaves):
            self._insert_plain(work)
        if odd:
            self.con.execute(f"DELETE FROM {self.sql.flat.sql} WHERE {IS_ODD}")
        if made:
            self._insert_made(work, made)
        return self._days()[0] if odd or made else days

    def _widen(self, leaves: Iterable[int]) -> bool:
        """Prepare wider statements where records have a leaf that no batch had before; whether that was so."""
        wider = self._leaves.union(self._stored.intersection(leaves))
        if wider == self._leaves:
            return False
        self._empty()
        self._use(wider)
        return True

    def _empty(self) -> None:
        """Empty the rows. They stay in an open transaction where possible: to commit would copy them once more."""
        self.con.execute("ROLLBACK" if self._is_open else f"TRUNCATE {self.sql.flat.sql}")
        self._is_open = False

    def _forget(self) -> None:
        """Hold no batch: its texts are not kept until the next one."""
        self._table.arrow.clear()
        self._texts.clear()

    def _set_texts(self, rows: Sequence[int], records: Sequence[bytes]) -> None:
        """Let table `texts` contain these records."""
        self._texts.set(len(rows), {"record_row": arrow.integers(rows), "text": arrow.texts(records)})

    def _compare_keys(self, work: _Work) -> None:
        """Compare keys with the catalogue where that is not proven; cut out what the catalogue does not know."""
        work.careful |= work.decoded.refused | work.nested.careful
        rows = sorted(work.careful.union(work.decoded.unproven))
        if not rows:
            return
        records, report = work.batch.records, work.report
        self._set_texts(rows, [records[row] for row in rows])
        try:
            read_layouts(self.obj, self.sql, self.con.execute("EXECUTE layouts").fetchall(), report)
        except _REFUSALS:
            # Some text is JSON by the grammar and not for DuckDB; the careful reading finds which.
            report.careful.extend(rows)
        for paths, rows_of_paths in report.unknown.items():
            for row in rows_of_paths:
                try:
                    texts = cut_unknown(self.obj, records[row], paths, self.rule)
                except RecordError:
                    work.careful.add(row)
                    continue
                if texts:
                    work.unmapped[row] = texts
        work.careful.update(report.careful)

    def _insert_plain(self, work: _Work) -> list[tuple[int, str]] | None:
        """Insert the records as they came, in a transaction that stays open; those for the careful reading are odd.

        Returns row, path and type of values of another JSON type than expected; None if all records are left.
        """
        if isinstance(work.cells, EngineCells) and work.in_engine:
            types = self._insert_cells(work, work.cells)
            if types is not None:
                return types
            split = SplitCells(list(work.cells.rows), work.cells.layout)
            work.decoded, work.in_engine = self._rows.read(work.cells.layout, split).decoded, {}
            self._add_file_times(work.batch, work.decoded)
        for is_strict in (False, True):
            types = self._table.set_plain(work.batch, work.decoded, work.nested, work.careful, work.unmapped, is_strict)
            self.con.execute("BEGIN")
            self._is_open = True
            try:
                self.con.execute("EXECUTE rows")
            except _REFUSALS:
                # One record that DuckDB refuses fails the whole statement, and it does not say which one.
                self._empty()
            else:
                return types
        return None

    def _insert_cells(self, work: _Work, cells: EngineCells) -> list[tuple[int, str]] | None:
        """Insert a batch of rows from the engine's cells, like `_insert_plain`; None where the engine refuses it."""
        batch, others = work.batch, self._leaves.difference(work.in_engine)
        kind = others, batch.framed.marks is not None  # a table of Arrow always has the same columns
        table = self._beside.setdefault(kind, BatchTable(self.obj, self.rule, others))
        names, types = table.set_beside(batch, work.decoded, work.careful, work.unmapped)
        ranges = batch.framed.plan.ranges
        values = [[span.place for span in ranges], [span.arrived_at for span in ranges], batch.loaded_at]
        self.con.register(BESIDE, table.arrow)
        self.con.execute("BEGIN")
        self._is_open = True
        try:
            self.con.execute(cells_rows(self.obj, self.sql, cells.layout, work.in_engine, names), values)
        except _REFUSALS:
            self._empty()
            return None
        finally:
            table.arrow.clear()
        return types

    def _days(self) -> tuple[dict[date, int], set[int]]:
        """The number of rows by partition date, and the odd ones among them."""
        days = self.con.execute("EXECUTE days").fetchall()
        return {day: count for day, count, _ in days}, {row for _, _, odd in days for row in odd or ()}

    def _make_plain(self, work: _Work, rows: set[int]) -> dict[int, PlainRecord]:
        """Read records with care; those that cannot be rows are errors."""
        made: dict[int, PlainRecord] = {}
        for row in sorted(rows):
            try:
                text = work.batch.framed.texts[row]
                work.report.count(self.obj, text, is_decoded=row not in work.decoded.refused)
                made[row] = make_plain(self.obj, text, self.rule, work.batch.arrived_at(row), work.batch.file_time(row))
            except RecordError as error:
                work.errors[row] = error
            else:
                work.report.type_changes.update(made[row].changes)
        return made

    def _insert_made(self, work: _Work, made: dict[int, PlainRecord]) -> None:
        """Insert records that were made plain; where DuckDB refuses some, find which."""
        self._table.set_made(work.batch, made)
        try:
            self.con.execute("EXECUTE rows")
        except _REFUSALS:
            if self._is_open:  # the refusal has undone the plain rows too
                self._empty()
                self._insert_plain(work)
                self.con.execute(f"DELETE FROM {self.sql.flat.sql} WHERE {IS_ODD}")
                self.con.execute("COMMIT")
                self._is_open = False
            self._insert_halves(work, made)

    def _insert_halves(self, work: _Work, made: dict[int, PlainRecord]) -> None:
        """Insert records in halves of halves until the ones that DuckDB refuses stand alone."""
        rows = list(made)
        self._table.set_made(work.batch, made)
        try:
            self.con.execute("EXECUTE rows")
        except _REFUSALS as error:
            if len(rows) == 1:
                work.errors[rows[0]] = _refusal(self.obj, error)
                return
            middle = len(rows) // 2
            self._insert_halves(work, {row: made[row] for row in rows[:middle]})
            self._insert_halves(work, {row: made[row] for row in rows[middle:]})


def _refusal(obj: Object, error: duckdb.Error) -> RecordError:
    """What a record is set aside with that DuckDB refuses: a rule of the object may be what it does not fit."""
    rules = [column.name for column in obj.columns if column.rule]
    if rules:
        detail = f"a rule of {', '.join(rules)} cannot be applied to the record ({type(error).__name__})"
        return RecordError("rule_failed", detail)
    return RecordError("invalid_json", f"DuckDB cannot read the record ({type(error).__name__})")


def _stored_leaves(obj: Object, rule: PiiRule) -> frozenset[int]:
    """The leaves whose values are stored. A direct value that is neither text nor JSON has no hash that fits it."""
    return frozenset(
        n
        for n, leaf in enumerate(tree_of(obj).leaves)
        if rule.mode == "keep" or all(column.pii != "direct" or is_hidden(column) for column in leaf.columns)
    )
