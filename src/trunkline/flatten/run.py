"""Run the flatten statement over one batch: typed rows in a temporary table, bad records set aside.

One `Flattener` owns one in-memory DuckDB with one thread and its prepared statements; several work side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from trunkline.accounting import Drift
from trunkline.errors import RecordError
from trunkline.flatten import records as arrow
from trunkline.flatten.careful import Made, make_plain
from trunkline.flatten.decode import Decoded, Decoder
from trunkline.flatten.leaves import HandLeaves, LeafReader
from trunkline.flatten.letters import broken_letter, record_letter
from trunkline.flatten.pii import PiiRule
from trunkline.flatten.rows import Batch, Rows
from trunkline.flatten.shapes import ShapeReport, drift_of, read_layouts
from trunkline.flatten.unmapped import cut_unknown
from trunkline.objects.model import Object
from trunkline.records import DeadLetter, Framed
from trunkline.sql.flatten.statement import IS_ODD, ROW, FlattenSql, flatten_sql

# What DuckDB says of a value it cannot take. Any other error is a fault of ours and must not look like the record's.
_REFUSALS = (duckdb.DataError, duckdb.InvalidInputException)


@dataclass(frozen=True, slots=True)
class Flattened:
    """What became of one batch. The typed rows are in the flattener's table `flat` until the next batch."""

    accepted: int
    dead_letters: list[DeadLetter]
    drift: Drift


class Flattener:
    """Flattens batches of one object under one PII rule."""

    def __init__(self, obj: Object, rule: PiiRule, memory_mb: int = 512, spill: Path | None = None) -> None:
        self.obj = obj
        self.rule = rule
        self.sql: FlattenSql = flatten_sql(obj, rule.mode)
        self.flat = self.sql.flat
        # DuckDB's own choice is `.tmp` in the working directory, where records would lie for all to read.
        place = {"temp_directory": str(spill) if spill else ""}
        self.con = duckdb.connect(config={"threads": 1, "memory_limit": f"{memory_mb}MB", **place})
        self.con.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
        self.con.execute("SET preserve_insertion_order = true; SET enable_progress_bar = false")
        self._decoder, self._leaves = Decoder(obj), LeafReader(obj, rule)
        self._table = Rows(obj, rule)
        self._texts = arrow.Records()
        self._is_open = False
        self._forget()
        self.con.register("records", self._table.records)
        self.con.register("texts", self._texts)
        self.con.execute(self.sql.table)
        for name, sql in {"layouts": self.sql.layouts, "rows": self.sql.rows}.items():
            self.con.execute(f"PREPARE {name} AS {sql}")

    def flatten(self, framed: Framed, loaded_at: datetime) -> Flattened:
        """Flatten one batch. Every record ends in `flat` or in the dead letters."""
        letters = [broken_letter(self.obj, framed, one) for one in framed.broken]
        self._empty()
        if not framed.texts:
            return Flattened(0, letters, Drift())
        batch = Batch(framed, loaded_at)
        errors: dict[int, RecordError] = {}
        decoded = self._decoder.decode(batch.records)
        leaves = self._leaves.read(decoded.values)
        careful = decoded.refused | leaves.careful
        report, extra = self._look(batch, sorted(careful.union(decoded.unproven)), errors)
        careful.update(report.careful)
        careful |= self._plainly(batch, decoded, leaves, careful | set(errors), extra, report)
        self._carefully(batch, careful - set(errors), errors)
        letters += [record_letter(self.obj, framed, row, errors[row]) for row in sorted(errors)]
        for row in decoded.refused:
            report.count(self.obj, framed.texts[row])
        report.keys.update(decoded.keys)
        report.type_changes.update(f"{error.column} is {error.seen}" for error in errors.values() if error.seen)
        self._forget()
        return Flattened(len(batch.records) - len(errors), letters, drift_of(report, len(batch.records)))

    def _empty(self) -> None:
        """Empty `flat`. Rows stay in an open transaction where they can: to commit them would copy them once more."""
        self.con.execute("ROLLBACK" if self._is_open else f"TRUNCATE {self.flat.sql}")
        self._is_open = False

    def _begin(self) -> None:
        self.con.execute("BEGIN")
        self._is_open = True

    def _forget(self) -> None:
        """Hold no batch: its texts are not kept until the next one."""
        self._table.clear()
        self._set_texts([], [])

    def _set_texts(self, rows: Sequence[int], records: Sequence[bytes]) -> None:
        """Let table `texts` hold these records."""
        self._texts.set(len(rows), {"row_id": arrow.integers(rows), "text": arrow.texts(records)})

    def _look(
        self, batch: Batch, rows: Sequence[int], errors: dict[int, RecordError]
    ) -> tuple[ShapeReport, dict[int, tuple[str, str]]]:
        """Compare the keys of these rows with the catalogue; with what it does not know, by row."""
        report = ShapeReport()
        extra: dict[int, tuple[str, str]] = {}
        if not rows:
            return report, extra
        self._set_texts(rows, [batch.records[row] for row in rows])
        try:
            read_layouts(self.obj, self.sql, self.con.execute("EXECUTE layouts").fetchall(), report)
        except _REFUSALS:
            # Some text is JSON by the grammar and not for DuckDB; the careful reading finds which.
            report.careful.extend(rows)
        for paths, found in report.unknown.items():
            for row in found:
                try:
                    cut = cut_unknown(self.obj, batch.records[row], paths, self.rule)
                except RecordError as error:
                    errors[row] = error
                    continue
                if cut:
                    extra[row] = cut
        return report, extra

    def _plainly(
        self, batch: Batch, decoded: Decoded, leaves: HandLeaves, left: set[int],
        extra: Mapping[int, tuple[str, str]], report: ShapeReport,
    ) -> set[int]:  # fmt: skip
        """Run the statement over the records as they came; returns the rows it must leave to the careful reading."""
        for is_strict in (False, True):
            types = self._table.set_plain(batch, decoded, leaves, left, extra, is_strict)
            self._begin()
            try:
                self.con.execute("EXECUTE rows")
            except _REFUSALS:
                # One record that DuckDB refuses fails the whole statement, and it does not say which one.
                self._empty()
                continue
            report.type_changes.update(types)
            odd_rows = self.con.execute(f"SELECT {ROW} FROM {self.flat.sql} WHERE {IS_ODD}").fetchall()
            odd = {row for (row,) in odd_rows}
            if odd:
                self.con.execute(f"DELETE FROM {self.flat.sql} WHERE {IS_ODD}")
            return odd
        return set(range(len(batch.records)))

    def _carefully(self, batch: Batch, rows: set[int], errors: dict[int, RecordError]) -> None:
        """Make records plain and run the statement over them; those that cannot be are errors."""
        made: dict[int, Made] = {}
        for row in sorted(rows):
            try:
                made[row] = make_plain(self.obj, batch.framed.texts[row], self.rule, batch.arrived_at(row))
            except RecordError as error:
                errors[row] = error
        if made:
            if self._is_open:
                self.con.execute("COMMIT")
                self._is_open = False
            self._insert_made(batch, made, errors)

    def _insert_made(self, batch: Batch, made: dict[int, Made], errors: dict[int, RecordError]) -> None:
        """Insert records that were made plain; where DuckDB refuses some, halve until the culprits stand alone."""
        rows = list(made)
        self._table.set_made(batch, made)
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
