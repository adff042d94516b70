"""Run the flatten statements over one batch: typed rows in the table `flat`, bad records set aside.

One `Flattener` owns one in-memory DuckDB with one thread and its prepared statements; several work side by side.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from trunkline.batch import REPLAY_SOURCE, Broken, DeadLetter, Drift, Framed, Mark
from trunkline.compile.flatten import FlattenSql, execute, flatten_sql, prepare
from trunkline.errors import RecordError
from trunkline.flatten.canonical import canonical
from trunkline.flatten.careful import Normalized, PiiRule, cut_unknown, normalize
from trunkline.flatten.shapes import ShapeReport, drift_of, read_shapes
from trunkline.flatten.types import container_changes, scalar_changes, scalar_types
from trunkline.limits import DEAD_LETTER_BYTES_MAX, DRIFT_SAMPLE_ROWS, JSON_MEMO_MAX
from trunkline.objects.model import Object

_LONG_NUMBER_DIGITS = 15
# What DuckDB says of a value it cannot take. Any other error is a fault of ours and must not look like the record's.
_REFUSALS = (duckdb.DataError, duckdb.InvalidInputException)
# A number with a fraction or an exponent, or a zero that may have been -0, at the beginning of a value.
_REWRITTEN = re.compile(r"(?:^|[:\[,])-?(?:0|[0-9]+[.eE])")


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
        self.sql: FlattenSql = flatten_sql(obj)
        # DuckDB's own choice is `.tmp` in the working directory, where records would lie for all to read.
        place = {"temp_directory": str(spill) if spill else ""}
        self.con = duckdb.connect(config={"threads": 1, "memory_limit": f"{memory_mb}MB", **place})
        self.con.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
        self.con.execute("SET preserve_insertion_order = true; SET enable_progress_bar = false")
        self._set_rule()
        self.con.execute(self.sql.table)
        self._prepared: set[str] = set()
        self._canonical: dict[str, str] = {}

    def _set_rule(self) -> None:
        # The two pads of HMAC (RFC 2104), so that SQL and Python hide a number the same way.
        key = self.rule.key if len(self.rule.key) <= 64 else hashlib.sha256(self.rule.key).digest()
        inner, outer = (bytes(b ^ pad for b in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
        values = {
            "pii_mode": self.rule.mode,
            "pii_keep_keys": sorted(self.rule.keep_keys),
            "pii_inner": inner,
            "pii_outer": outer,
        }
        for name, value in values.items():
            self._set(name, value)

    def _set(self, name: str, value: object) -> None:
        self.con.execute(f"SET VARIABLE {name} = $1", [value])

    def _run(self, name: str, sql: str) -> duckdb.DuckDBPyConnection:
        """Run a flatten statement over the session variables; it is planned the first time."""
        if name not in self._prepared:
            self.con.execute(prepare(name, sql))
            self._prepared.add(name)
        return self.con.execute(execute(name, sql))

    def flatten(self, framed: Framed, loaded_at: datetime) -> Flattened:
        """Flatten one batch. Every record ends in `flat` or in the dead letters."""
        letters = [self._broken_letter(framed, one) for one in framed.broken]
        self.con.execute("TRUNCATE flat")
        if not framed.texts:
            return Flattened(0, letters, Drift())
        self._set_batch(framed, loaded_at)
        errors: dict[int, RecordError] = {}
        extra: dict[int, tuple[str, str]] = {}
        report = self._look(framed, errors, extra)
        careful = set(report.careful) if report else set(range(len(framed.texts)))
        if report:
            careful |= self._plain(framed, careful | set(errors), extra, report)
        self._carefully(framed, careful, errors)
        self._take_bad_rows(errors)
        letters += [self._record_letter(framed, row, errors[row]) for row in sorted(errors)]
        drift = self._drift(framed, report) if report else Drift(records=len(framed.texts))
        self._set("texts", [])  # a batch's texts are not held until the next one
        return Flattened(len(framed.texts) - len(errors), letters, drift)

    def _set_batch(self, framed: Framed, loaded_at: datetime) -> None:
        self._set("loaded_at", loaded_at)
        self._set("places", [place(framed, index) for index in range(len(framed.plan.ranges))])
        self._set("arrived", [found.arrived_at for found in framed.plan.ranges])
        self._set_records(framed, range(len(framed.texts)), framed.texts)

    def _set_records(self, framed: Framed, rows: Sequence[int], texts: Sequence[str]) -> None:
        self._set("row_ids", list(rows))
        self._set("texts", list(texts))
        self._set("range_indexes", [framed.range_indexes[row] for row in rows])
        self._set("starts", [framed.offsets[row] for row in rows])
        marks = [framed.marks[row] for row in rows] if framed.marks else [Mark()] * len(rows)
        self._set("fidelities", [mark.fidelity for mark in marks])
        self._set("versions", [mark.version for mark in marks])
        self._set("deleted", [mark.is_deleted for mark in marks])

    def _set_extra(self, rows: Iterable[int], extra: Mapping[int, tuple[str, str]]) -> None:
        found = [extra.get(row, (None, None)) for row in rows]
        self._set("unmapped", [unmapped for unmapped, _ in found])
        self._set("unmapped_safe", [safe for _, safe in found])

    def _look(
        self, framed: Framed, errors: dict[int, RecordError], extra: dict[int, tuple[str, str]]
    ) -> ShapeReport | None:
        """Compare the batch's keys with the catalogue; None when DuckDB cannot read them all.

        Then some text is JSON by the grammar and not for DuckDB; the careful reading finds which.
        """
        try:
            report = read_shapes(self.obj, self.sql, self._run("shapes", self.sql.shapes).fetchall())
        except _REFUSALS:
            return None
        for paths, rows in report.unknown.items():
            for row in rows:
                try:
                    cut = cut_unknown(self.obj, framed.texts[row], paths, self.rule)
                except RecordError as error:
                    errors[row] = error
                    continue
                if cut:
                    extra[row] = cut
        return report

    def _count_wrong_containers(self, framed: Framed, rows: Sequence[int], report: ShapeReport) -> None:
        """Count values where an object or array belongs; only rows that are read with care can have one."""
        if rows:
            self._set_records(framed, rows, [framed.texts[row] for row in rows])
            found = self._run("types", self.sql.types).fetchall()
            report.type_changes.update(container_changes(self.obj, self.sql, found))

    def _plain(
        self, framed: Framed, without: set[int], extra: dict[int, tuple[str, str]], report: ShapeReport
    ) -> set[int]:
        """Run the plain statement; returns the rows it must leave to the careful reading."""
        rows = [row for row in range(len(framed.texts)) if row not in without]
        if without:
            self._set_records(framed, rows, [framed.texts[row] for row in rows])
        self._set_extra(rows, extra)
        try:
            self._remember_json()
            self._run("plain", self.sql.plain)
            odd = {row for (row,) in self.con.execute("SELECT row_id FROM flat WHERE is_odd").fetchall()}
        except _REFUSALS:
            # One record that DuckDB refuses fails the whole statement, and it does not say which one.
            self.con.execute("TRUNCATE flat")
            odd = set(rows)
        self._delete(odd)
        self._count_wrong_containers(framed, sorted(odd | without), report)
        return odd

    def _remember_json(self) -> None:
        """Hand over the canonical text of the batch's JSON values, so that their rows need no careful reading."""
        known: dict[str, str] = {}
        found = self._run("json_values", self.sql.json_values).fetchall() if self.sql.json_values else []
        for (text,) in found:
            # DuckDB has written numbers anew by now (1.50 as 1.5); the careful reading takes the record's own.
            if text not in self._canonical and not _has_long_number(text) and not _REWRITTEN.search(text):
                try:
                    known[text] = canonical(text.encode())
                except RecordError:
                    continue
            elif text in self._canonical:
                known[text] = self._canonical[text]
        if len(self._canonical) < JSON_MEMO_MAX:
            self._canonical.update(known)
        self._set("json_sources", list(known))
        self._set("json_texts", list(known.values()))

    def _drift(self, framed: Framed, report: ShapeReport) -> Drift:
        rows = range(min(len(framed.texts), DRIFT_SAMPLE_ROWS))
        self._set_records(framed, rows, [framed.texts[row] for row in rows])
        types = scalar_changes(self.obj, self._run("scalar_types", scalar_types(self.obj)).fetchall())
        return drift_of(report, len(framed.texts), types, len(rows))

    def _carefully(self, framed: Framed, rows: set[int], errors: dict[int, RecordError]) -> None:
        done: list[tuple[int, Normalized]] = []
        for row in sorted(rows - set(errors)):
            try:
                done.append((row, normalize(self.obj, framed.texts[row], self.rule)))
            except RecordError as error:
                errors[row] = error
        if not done:
            return
        self._normalized(framed, done, errors)

    def _normalized(self, framed: Framed, rows: list[tuple[int, Normalized]], errors: dict[int, RecordError]) -> None:
        """Insert normalized rows; where DuckDB refuses some, halve until the culprits stand alone."""
        ids = [row for row, _ in rows]
        self._set_records(framed, ids, [n.text for _, n in rows])
        self._set_extra(ids, {row: (n.unmapped, n.unmapped_safe or "") for row, n in rows if n.unmapped})
        try:
            self._run("normalized", self.sql.normalized)
        except _REFUSALS as error:
            if len(rows) == 1:
                errors[ids[0]] = RecordError("invalid_json", f"DuckDB cannot read the record ({type(error).__name__})")
                return
            middle = len(rows) // 2
            self._normalized(framed, rows[:middle], errors)
            self._normalized(framed, rows[middle:], errors)

    def _take_bad_rows(self, errors: dict[int, RecordError]) -> None:
        bad = self.con.execute(
            "SELECT row_id, is_missing_key, bad_columns, is_implausible FROM flat "
            "WHERE is_missing_key OR bad_columns IS NOT NULL OR is_implausible"
        ).fetchall()
        for row, is_missing_key, columns, _ in bad:
            errors[row] = _verdict(self.obj, is_missing_key, columns)
        self._delete({row for row, *_ in bad})

    def _delete(self, rows: set[int]) -> None:
        if rows:
            self.con.execute("DELETE FROM flat WHERE row_id IN (SELECT unnest($1::INTEGER[]))", [sorted(rows)])

    def _broken_letter(self, framed: Framed, broken: Broken) -> DeadLetter:
        position = f"{place(framed, broken.range_index)}{broken.offset}"
        arrived_at = framed.plan.ranges[broken.range_index].arrived_at
        return DeadLetter(
            self.obj.name, position, _identity(framed, broken.range_index, broken.payload, broken.length),
            broken.reason, broken.detail, broken.payload, broken.length, arrived_at,
        )  # fmt: skip

    def _record_letter(self, framed: Framed, row: int, error: RecordError) -> DeadLetter:
        data = framed.texts[row].encode()
        index = framed.range_indexes[row]
        return DeadLetter(
            self.obj.name, f"{place(framed, index)}{framed.offsets[row]}",
            _identity(framed, index, data[:DEAD_LETTER_BYTES_MAX], len(data)), error.code, str(error),
            data[:DEAD_LETTER_BYTES_MAX], len(data), framed.plan.ranges[index].arrived_at,
        )  # fmt: skip


def place(framed: Framed, range_index: int) -> str:
    """The part of a position that names the file and its version; the offset follows it."""
    found = framed.plan.ranges[range_index]
    if framed.plan.source == REPLAY_SOURCE:
        # A dead letter keeps the position it had: what stands before its offset.
        return found.uri[: found.uri.rindex(":") + 1]
    return f"{found.uri}@{found.version}:"


def _identity(framed: Framed, range_index: int, payload: bytes, length: int) -> str:
    """A dead letter keeps the identity it was set aside with, also where only part of its bytes is a record."""
    if framed.plan.source == REPLAY_SOURCE:
        return framed.plan.ranges[range_index].version.partition("#")[0]
    return fingerprint(payload, length)


def fingerprint(payload: bytes, length: int) -> str:
    """Identity of a dead letter's bytes: 32 hexadecimal digits over its first MiB and its length."""
    return hashlib.sha256(payload + length.to_bytes(8, "big")).hexdigest()[:32]


def _verdict(obj: Object, is_missing_key: bool, bad_columns: str | None) -> RecordError:
    if is_missing_key:
        return RecordError("missing_key", f"no value for the key {', '.join(obj.key)}")
    if bad_columns:
        first = bad_columns.split(", ")[0]
        wanted = obj.by_name[first].type
        return RecordError("wrong_type", f"{bad_columns}: the value is no {wanted}", first)
    return RecordError(
        "implausible_time",
        f"a time is before 2010 or more than 400 days after arrival, or {obj.version} is more than a day after arrival",
    )


def _has_long_number(text: str) -> bool:
    run = 0
    for character in text:
        run = run + 1 if character.isdigit() or character == "." else 0
        if run > _LONG_NUMBER_DIGITS:
            return True
    return False
