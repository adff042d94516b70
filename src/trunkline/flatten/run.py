"""Run the flatten statement over one batch: typed rows in the table `flat`, bad records set aside.

One `Flattener` owns one in-memory DuckDB with one thread and its prepared statements; several work side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from trunkline.batch import DeadLetter, Drift, Framed, Mark, Plan, Texts
from trunkline.compile.flatten import FlattenSql, by_hand, flatten_sql
from trunkline.errors import RecordError
from trunkline.flatten import records as arrow
from trunkline.flatten.careful import Made, cut_unknown, make_plain
from trunkline.flatten.leaves import HandLeaves, LeafReader
from trunkline.flatten.letters import broken_letter, place, record_letter
from trunkline.flatten.pii import PiiRule
from trunkline.flatten.shapes import ShapeReport, drift_of, read_layouts
from trunkline.flatten.types import scalar_changes, scalar_types
from trunkline.limits import DRIFT_SAMPLE_ROWS
from trunkline.objects.model import Object

# What DuckDB says of a value it cannot take. Any other error is a fault of ours and must not look like the record's.
_REFUSALS = (duckdb.DataError, duckdb.InvalidInputException)


@dataclass(frozen=True, slots=True)
class Flattened:
    """What became of one batch. The typed rows are in table `flat` of the connection until the next batch."""

    accepted: int
    dead_letters: list[DeadLetter]
    drift: Drift


class Flattener:
    """Flattens batches of one object under one PII rule."""

    def __init__(self, obj: Object, rule: PiiRule, memory_mb: int = 512, spill: Path | None = None) -> None:
        self.obj = obj
        self.rule = rule
        self.sql: FlattenSql = flatten_sql(obj, rule.mode)
        # DuckDB's own choice is `.tmp` in the working directory, where records would lie for all to read.
        place = {"temp_directory": str(spill) if spill else ""}
        self.con = duckdb.connect(config={"threads": 1, "memory_limit": f"{memory_mb}MB", **place})
        self.con.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
        self.con.execute("SET preserve_insertion_order = true; SET enable_progress_bar = false")
        self._pads = rule.pads
        self._leaves = LeafReader(obj, rule)
        self._hand = tuple(n for n, _ in by_hand(obj))
        self._records, self._texts = arrow.Records(), arrow.Records()
        self._forget()
        self.con.register("records", self._records)
        self.con.register("texts", self._texts)
        self.con.execute(self.sql.table)
        statements = {"layouts": self.sql.layouts, "scalar_types": scalar_types(obj), "rows": self.sql.rows}
        for name, sql in statements.items():
            self.con.execute(f"PREPARE {name} AS {sql}")

    def flatten(self, framed: Framed, loaded_at: datetime) -> Flattened:
        """Flatten one batch. Every record ends in `flat` or in the dead letters."""
        letters = [broken_letter(self.obj, framed, one) for one in framed.broken]
        self.con.execute("TRUNCATE flat")
        if not framed.texts:
            return Flattened(0, letters, Drift())
        batch = _Batch(framed, loaded_at)
        errors: dict[int, RecordError] = {}
        extra: dict[int, tuple[str, str]] = {}
        report = self._look(batch, errors, extra)
        careful = set(report.careful) if report else set(range(len(batch.records)))
        if report:
            careful |= self._plainly(batch, careful | set(errors), extra)
        self._carefully(batch, careful - set(errors), errors)
        letters += [record_letter(self.obj, framed, row, errors[row]) for row in sorted(errors)]
        if report:
            wrong = (error for error in errors.values() if error.seen)
            report.type_changes.update(f"{error.column} is {error.seen}" for error in wrong)
        drift = self._drift(batch, report) if report else Drift(records=len(batch.records))
        self._forget()
        return Flattened(len(batch.records) - len(errors), letters, drift)

    def _forget(self) -> None:
        """Hold no batch: its texts are not kept until the next one."""
        self._set_batch(_NOTHING, [], {}, {})
        self._set_texts([])

    def _set_texts(self, records: Sequence[bytes]) -> None:
        """Let table `texts` hold these records."""
        rows = arrow.integers(range(len(records)))
        self._texts.set(len(records), {"row_id": rows, "text": arrow.texts(records)})

    def _set_batch(
        self, batch: _Batch, rows: Sequence[int], extra: Mapping[int, tuple[str, str]], made: Mapping[int, Made]
    ) -> None:
        """Let table `records` hold these rows of the batch; those in `made` as they were made plain."""
        count = len(rows)
        columns = batch.columns(rows, {row: one.text for row, one in made.items()})
        unmapped = {row: (one.unmapped, one.unmapped_safe) for row, one in made.items()} | dict(extra)
        for at, name in enumerate(("unmapped", "unmapped_safe")):
            columns[name] = _sparse(count, {i: unmapped[row][at] for i, row in enumerate(rows) if row in unmapped})
        columns["is_made"] = arrow.booleans([bool(made)] * count)
        columns["inner_pad"], columns["outer_pad"] = (arrow.same_bytes(pad, count) for pad in self._pads)
        for n in self._hand:
            columns[f"h{n}"], columns[f"s{n}"] = self._leaf_columns(n, batch, rows, made)
        self._records.set(count, columns)

    def _leaf_columns(
        self, n: int, batch: _Batch, rows: Sequence[int], made: Mapping[int, Made]
    ) -> tuple[arrow.Column, arrow.Column]:
        count = len(rows)
        if not made:
            texts, safe = (_chosen(found.get(n, []), rows) for found in (batch.leaves.texts, batch.leaves.safe))
            return texts, safe
        found = {i: made[row].leaves[n] for i, row in enumerate(rows) if n in made[row].leaves}
        return (
            _sparse(count, {i: shown for i, (shown, _) in found.items()}),
            _sparse(count, {i: safe for i, (_, safe) in found.items()}),
        )

    def _look(
        self, batch: _Batch, errors: dict[int, RecordError], extra: dict[int, tuple[str, str]]
    ) -> ShapeReport | None:
        """Compare the batch's keys with the catalogue; None when DuckDB cannot read them all.

        Then some text is JSON by the grammar and not for DuckDB; the careful reading finds which.
        """
        batch.leaves = self._leaves.read(batch.records)
        self._set_texts(batch.records)
        try:
            report = read_layouts(self.obj, self.sql, self.con.execute("EXECUTE layouts").fetchall())
        except _REFUSALS:
            return None
        report.careful.extend(batch.leaves.careful)
        for paths, rows in report.unknown.items():
            for row in rows:
                try:
                    cut = cut_unknown(self.obj, batch.framed.texts[row], paths, self.rule)
                except RecordError as error:
                    errors[row] = error
                    continue
                if cut:
                    extra[row] = cut
        return report

    def _plainly(self, batch: _Batch, without: set[int], extra: Mapping[int, tuple[str, str]]) -> set[int]:
        """Run the statement over the records as they came; returns the rows it must leave to the careful reading."""
        rows = range(len(batch.records)) if not without else [r for r in range(len(batch.records)) if r not in without]
        self._set_batch(batch, rows, extra, {})
        try:
            self.con.execute("EXECUTE rows")
        except _REFUSALS:
            # One record that DuckDB refuses fails the whole statement, and it does not say which one.
            self.con.execute("TRUNCATE flat")
            return set(rows)
        odd = {row for (row,) in self.con.execute("SELECT row_id FROM flat WHERE is_odd").fetchall()}
        if odd:
            self.con.execute("DELETE FROM flat WHERE is_odd")
        return odd

    def _carefully(self, batch: _Batch, rows: set[int], errors: dict[int, RecordError]) -> None:
        """Make records plain and run the statement over them; those that cannot be are errors."""
        made: dict[int, Made] = {}
        for row in sorted(rows):
            try:
                made[row] = make_plain(self.obj, batch.framed.texts[row], self.rule, batch.arrived_at(row))
            except RecordError as error:
                errors[row] = error
        if made:
            self._insert_made(batch, made, errors)

    def _insert_made(self, batch: _Batch, made: dict[int, Made], errors: dict[int, RecordError]) -> None:
        """Insert records that were made plain; where DuckDB refuses some, halve until the culprits stand alone."""
        rows = list(made)
        self._set_batch(batch, rows, {}, made)
        try:
            self.con.execute("EXECUTE rows")
        except _REFUSALS as error:
            if len(rows) == 1:
                told = f"DuckDB cannot read the record ({type(error).__name__})"
                errors[rows[0]] = RecordError("invalid_json", told)
                return
            middle = len(rows) // 2
            self._insert_made(batch, {row: made[row] for row in rows[:middle]}, errors)
            self._insert_made(batch, {row: made[row] for row in rows[middle:]}, errors)

    def _drift(self, batch: _Batch, report: ShapeReport) -> Drift:
        sample = batch.records[:DRIFT_SAMPLE_ROWS]
        self._set_texts(sample)
        types = scalar_changes(self.obj, self.con.execute("EXECUTE scalar_types").fetchall())
        return drift_of(report, len(batch.records), types, len(sample))


class _Batch:
    """What the statement needs of a batch, row by row."""

    def __init__(self, framed: Framed, loaded_at: datetime) -> None:
        self.framed = framed
        texts = framed.texts
        self.records = texts.records if isinstance(texts, Texts) else [text.encode() for text in texts]
        self.leaves = HandLeaves()
        self._loaded_us = _microseconds(loaded_at)
        self._places = [place(framed, index) for index in range(len(framed.plan.ranges))]
        self._arrived_us = [_microseconds(one.arrived_at) for one in framed.plan.ranges]

    def arrived_at(self, row: int) -> datetime:
        """When the record arrived."""
        return self.framed.plan.ranges[self.framed.range_indexes[row]].arrived_at

    def columns(self, rows: Sequence[int], made: Mapping[int, str]) -> dict[str, arrow.Column]:
        """The columns of `records` that do not depend on what was read of them."""
        framed, is_whole = self.framed, len(rows) == len(self.records)
        indexes = framed.range_indexes if is_whole else [framed.range_indexes[row] for row in rows]
        offsets = framed.offsets if is_whole else [framed.offsets[row] for row in rows]
        if made:
            texts: Sequence[bytes] = [made[row].encode() for row in rows]
        else:
            texts = self.records if is_whole else [self.records[row] for row in rows]
        return {
            "text": arrow.texts(texts),
            "row_id": arrow.integers(rows),
            "position": arrow.texts(
                [f"{self._places[i]}{at}".encode() for i, at in zip(indexes, offsets, strict=True)]
            ),
            "arrived_at": arrow.times([self._arrived_us[i] for i in indexes]),
            "loaded_at": arrow.times([self._loaded_us] * len(rows)),
            **self._marks(rows),
        }

    def _marks(self, rows: Sequence[int]) -> dict[str, arrow.Column]:
        marks, count = self.framed.marks, len(rows)
        if marks is None:
            return {
                "fidelity": arrow.texts([_MARK.fidelity.encode()] * count),
                "version": arrow.no_texts(count),
                "is_deleted": arrow.booleans([False] * count),
            }
        chosen = [marks[row] for row in rows]
        return {
            "fidelity": arrow.texts([mark.fidelity.encode() for mark in chosen]),
            "version": arrow.texts([None if mark.version is None else mark.version.encode() for mark in chosen]),
            "is_deleted": arrow.booleans([mark.is_deleted for mark in chosen]),
        }


def _chosen(texts: Sequence[bytes | None], rows: Sequence[int]) -> arrow.Column:
    """A column of these rows of a leaf's texts; none where the batch has none."""
    chosen = texts if len(rows) == len(texts) else [texts[row] for row in rows] if texts else []
    return arrow.texts(chosen) if any(chosen) else arrow.no_texts(len(rows))


def _sparse(count: int, found: Mapping[int, str | None]) -> arrow.Column:
    """A column of texts, most of them NULL."""
    if not any(text is not None for text in found.values()):
        return arrow.no_texts(count)
    values: list[bytes | None] = [None] * count
    for index, text in found.items():
        values[index] = None if text is None else text.encode()
    return arrow.texts(values)


def _microseconds(at: datetime) -> int:
    since = at - datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_MARK = Mark()
_NOTHING = _Batch(Framed(Plan("", "", ()), [], [], [], [], 0), datetime(1970, 1, 1))
