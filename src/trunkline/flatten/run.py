"""Run the flatten statements over one batch: typed rows in the table `flat`, bad records set aside.

One `Flattener` owns one in-memory DuckDB with one thread and its prepared statements; several work side by side.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from trunkline.batch import REPLAY_SOURCE, Broken, DeadLetter, Drift, Framed
from trunkline.compile.flatten import FlattenSql, flatten_sql
from trunkline.errors import RecordError
from trunkline.flatten.canonical import canonical
from trunkline.flatten.careful import Normalized, PiiRule, cut_unknown, normalize
from trunkline.flatten.shapes import Shape, drift_of, read_shapes
from trunkline.flatten.types import sampled_type_changes
from trunkline.limits import DEAD_LETTER_BYTES_MAX, JSON_MEMO_MAX
from trunkline.objects.model import Object

_LONG_NUMBER_DIGITS = 15
# A number with a fraction or an exponent, or a zero that may have been -0, at the beginning of a value.
_REWRITTEN = re.compile(r"(?:^|[:\[,])-?(?:0|[0-9]+[.eE])")
# Rows are inserted this many at a time: DuckDB turns a Python list into one value, and lists cost memory twice.
_INSERT_ROWS = 2048


@dataclass(frozen=True, slots=True)
class Flattened:
    """What became of one batch. The typed rows are in table `flat` of the connection until the next batch."""

    accepted: int
    dead_letters: list[DeadLetter]
    drift: Drift


class Flattener:
    """Flattens batches of one object under one PII rule."""

    def __init__(self, obj: Object, rule: PiiRule, memory_mb: int = 256, spill: Path | None = None) -> None:
        self.obj = obj
        self.rule = rule
        self.sql: FlattenSql = flatten_sql(obj)
        # DuckDB's own choice is `.tmp` in the working directory, where records would lie for all to read.
        place = {"temp_directory": str(spill) if spill else ""}
        self.con = duckdb.connect(config={"threads": 1, "memory_limit": f"{memory_mb}MB", **place})
        self.con.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
        self.con.execute("SET preserve_insertion_order = true")
        self._set_rule()
        for statement in self.sql.tables:
            self.con.execute(statement)
        self.con.execute("PREPARE flatten_plain AS " + self.sql.plain)
        self.con.execute("PREPARE shapes AS " + self.sql.shapes)
        self._is_normalized_ready = False
        self._memo_size = 0

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
            cast = {"pii_keep_keys": "VARCHAR[]", "pii_mode": "VARCHAR"}.get(name, "BLOB")
            self.con.execute(f"SET VARIABLE {name} = CAST($1 AS {cast})", [value])

    def flatten(self, framed: Framed, loaded_at: datetime) -> Flattened:
        """Flatten one batch. Every record ends in `flat` or in the dead letters."""
        letters = [self._broken_letter(framed, one) for one in framed.broken]
        for table in ("raw", "flat", "extra", "source_range"):
            self.con.execute(f"TRUNCATE {table}")
        self._put_ranges(framed, loaded_at)
        if not framed.texts:
            return Flattened(0, letters, Drift())
        self._put_raw(framed)
        errors: dict[int, RecordError] = {}
        drift, careful = self._look(framed, errors)
        careful |= self._plain(careful | set(errors))
        self._carefully(framed, careful, errors)
        self._take_bad_rows(errors)
        letters += [self._record_letter(framed, row, errors[row]) for row in sorted(errors)]
        return Flattened(len(framed.texts) - len(errors), letters, drift)

    def _put_ranges(self, framed: Framed, loaded_at: datetime) -> None:
        rows = [(i, place(framed, i), r.arrived_at, loaded_at) for i, r in enumerate(framed.plan.ranges)]
        columns = [list(column) for column in zip(*rows, strict=True)]
        self.con.execute(
            "INSERT INTO source_range SELECT unnest($1::INTEGER[]), unnest($2::VARCHAR[]), unnest($3::TIMESTAMP[]), "
            "unnest($4::TIMESTAMP[])",
            columns,
        )

    def _put_raw(self, framed: Framed) -> None:
        for first in range(0, len(framed.texts), _INSERT_ROWS):
            upto = min(first + _INSERT_ROWS, len(framed.texts))
            self._insert_raw(
                range(first, upto),
                framed.texts[first:upto],
                framed.range_indexes[first:upto],
                framed.offsets[first:upto],
            )

    def _insert_raw(
        self, row_ids: Sequence[int], texts: Sequence[str], ranges: Sequence[int], starts: Sequence[int]
    ) -> None:
        self.con.execute(
            "INSERT INTO raw SELECT unnest($1::INTEGER[]), unnest($2::VARCHAR[]), unnest($3::INTEGER[]), "
            "unnest($4::BIGINT[])",
            [list(row_ids), list(texts), list(ranges), list(starts)],
        )

    def _look(self, framed: Framed, errors: dict[int, RecordError]) -> tuple[Drift, set[int]]:
        """Compare the batch with the catalogue: its drift, and the rows that the plain statement must not read."""
        try:
            shapes: list[Shape] = self.con.execute("EXECUTE shapes").fetchall()
        except duckdb.Error:
            # Some text is JSON by the grammar and not for DuckDB; the careful reading finds which.
            return Drift(records=len(framed.texts)), set(range(len(framed.texts)))
        report = read_shapes(self.obj, self.sql, shapes)
        extra: list[tuple[int, str, str]] = []
        for paths, rows in report.unknown.items():
            for row in rows:
                try:
                    cut = cut_unknown(self.obj, framed.texts[row], paths, self.rule)
                except RecordError as error:
                    errors[row] = error
                    continue
                if cut:
                    extra.append((row, *cut))
        self._put_extra(extra)
        types, sampled = sampled_type_changes(self.con, self.obj)
        return drift_of(report, len(framed.texts), types, sampled), set(report.careful)

    def _put_extra(self, rows: list[tuple[int, str, str]]) -> None:
        if rows:
            self.con.execute(
                "INSERT INTO extra SELECT unnest($1::INTEGER[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[])",
                [list(column) for column in zip(*rows, strict=True)],
            )

    def _plain(self, without: set[int]) -> set[int]:
        """Run the plain statement; returns the rows it must leave to the careful reading."""
        self._delete("raw", without)
        try:
            self._remember_json()
            self.con.execute("EXECUTE flatten_plain")
        except duckdb.Error:
            # One record that DuckDB refuses fails the whole statement, and it does not say which one.
            self.con.execute("TRUNCATE flat")
            return {row for (row,) in self.con.execute("SELECT row_id FROM raw").fetchall()}
        odd = {row for (row,) in self.con.execute("SELECT row_id FROM flat WHERE is_odd").fetchall()}
        self._delete("flat", odd)
        return odd

    def _remember_json(self) -> None:
        """Learn the canonical text of JSON values that are new, so that their rows need no careful reading."""
        if self.sql.json_texts is None or self._memo_size >= JSON_MEMO_MAX:
            return
        limit = JSON_MEMO_MAX - self._memo_size
        new = [text for (text,) in self.con.execute(f"{self.sql.json_texts} LIMIT {limit}").fetchall()]
        rows: list[tuple[str, str]] = []
        for text in new:
            # DuckDB has written numbers anew by now (1.50 as 1.5); the careful reading takes the record's own.
            if not _has_long_number(text) and not _REWRITTEN.search(text):
                try:
                    rows.append((text, canonical(text.encode())))
                except RecordError:
                    continue
        if rows:
            self.con.execute(
                "INSERT INTO canonical SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[])",
                [list(column) for column in zip(*rows, strict=True)],
            )
            self._memo_size += len(rows)

    def _carefully(self, framed: Framed, rows: set[int], errors: dict[int, RecordError]) -> None:
        done: list[tuple[int, Normalized]] = []
        for row in sorted(rows - set(errors)):
            try:
                done.append((row, normalize(self.obj, framed.texts[row], self.rule)))
            except RecordError as error:
                errors[row] = error
        if not done:
            return
        if not self._is_normalized_ready:
            self.con.execute("PREPARE flatten_normalized AS " + self.sql.normalized)
            self._is_normalized_ready = True
        self._delete("extra", {row for row, _ in done})
        self._put_extra([(row, n.unmapped, n.unmapped_safe or "") for row, n in done if n.unmapped])
        self._normalized(framed, done, errors)

    def _normalized(self, framed: Framed, rows: list[tuple[int, Normalized]], errors: dict[int, RecordError]) -> None:
        """Insert normalized rows; where DuckDB refuses some, halve until the culprits stand alone."""
        self.con.execute("TRUNCATE raw")
        ids = [row for row, _ in rows]
        self._insert_raw(
            ids, [n.text for _, n in rows], [framed.range_indexes[i] for i in ids], [framed.offsets[i] for i in ids]
        )
        try:
            self.con.execute("EXECUTE flatten_normalized")
        except duckdb.Error as error:
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
        self._delete("flat", {row for row, *_ in bad})

    def _delete(self, table: str, rows: set[int]) -> None:
        if rows:
            self.con.execute(f"DELETE FROM {table} WHERE row_id IN (SELECT unnest($1::INTEGER[]))", [sorted(rows)])

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
