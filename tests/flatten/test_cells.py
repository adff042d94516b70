"""Rows of a table read by the engine, many at once, equal the same rows read by Python, few at once.

A batch of fewer rows than `ENGINE_ROWS_MIN` is split by Python, which is how every row was read once.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import random
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from flat_rows import flat_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.accounting import sum_drifts
from trunkline.flatten.cells import ENGINE_ROWS_MIN, EngineCells, read_batch
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.objects.user.declare import read_objects
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Mark, RowLayout, Texts

AT = datetime(2026, 3, 8, 12)
NAMES = ("id", "at", "on", "count", "big", "open", "price", "ratio", "phone", "tags", "due", "paid", "note", "extra")
TOML = """
[object.sale]
key = "id"
version = "at"
event_time = "at"
[object.sale.columns]
id = {}
at = { type = "timestamp" }
on = { type = "date" }
count = { type = "integer" }
big = { type = "bigint" }
open = { type = "boolean" }
price = { type = "decimal", scale = 2 }
ratio = { type = "double" }
phone = { pii = "direct" }
tags = { type = "list<text>" }
due = { type = "date", format = "%d.%m.%Y" }
paid = { type = "decimal", decimal_comma = true }
note = { path = "note", sql = "upper(value)" }
missing = {}
seen = { type = "timestamp", path = "_read_at" }
"""
PLAIN = {
    "at": ["2026-03-01T10:00:00Z", "2026-03-02T11:12:13Z"], "on": ["2026-03-01"], "count": ["5", "-3", "0", "-0"],
    "big": ["123456789012345678"], "open": ["true", "false"], "price": ["1.25", "-0.5", "7"], "ratio": ["0.5", "1e3"],
    "phone": ["+15550100123"], "tags": [*[""] * 40, '["a","b"]'], "due": ["01.03.2026"], "paid": ["1,50"], "note": ["an offer"],
    "extra": ["x"],
}  # fmt: skip
ODD = {
    "at": ["2026-03-01T10:00:00.500Z", "2026-03-01T10:00:00+0100", "2026-02-30T10:00:00Z", "2031-01-01T00:00:00Z", "soon"],
    "on": ["2026-02-30", "1.3.2026"], "count": ["1234567890", "1.0", "x", " 5", "007"], "big": ["1e5", "9" * 19],
    "open": ["TRUE", "yes", "1"], "price": ["1.255", "1e2", ".5", "5 EUR"], "ratio": ["NaN", "-", "1."],
    "phone": ['say "hi"', "\u00e9"], "tags": ["a", "[1,]", '["a"]'], "due": ["31.02.2026"], "paid": ["1.000,5", "1.5"],
    "note": ["l1\nl2", "a\r\nb", " padded ", 'mark " in it', "a,b", "\u2028", "NULL"], "extra": ["", "+15550100123"],
}  # fmt: skip
LINES = ('5" pipe,x', '"open', "a,b", ",,,,,,,,,,,,,,,,", '"a"b', " , ", '"\udc80"', "\x00", 'x,"y" ,z')


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Object:
    path = tmp_path_factory.mktemp("objects") / "objects.toml"
    path.write_text(TOML)
    (obj,) = read_objects(path)
    return obj


def row_of(rng: random.Random, number: int, odd: float) -> list[str]:
    values = [rng.choice(ODD[name] if rng.random() < odd else [*PLAIN[name], ""]) for name in NAMES[1:]]
    return [f"k{number}", *values]


def written(row: Sequence[str], quoting: Any, separator: str = ",", end: bytes = b"") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator="").writerow(row)
    return text.getvalue().encode() + end


def batch(records: list[bytes], layout: RowLayout, first: int = 0) -> Framed:
    offsets = [100 * (first + n) for n in range(len(records))]
    plan = Plan("sale", "test", tuple(FileRange(f"file{n}", "1", 0, 10**6, True, AT) for n in range(2)))
    ranges = [(first + n) % 2 for n in range(len(records))]
    return Framed(plan, Texts(records), ranges, offsets, [], 10**6, layout=layout)


def flattened(obj: Object, batches: Sequence[Framed]) -> tuple[list[dict[str, Any]], list[Any], Any]:
    """The rows, the dead letters and the drift of batches, whatever their number."""
    flattener = Flattener(obj, PiiRule("hash", b"key"))
    rows, letters, drifts = [], [], []
    names = [column.name for column in obj.columns]
    for framed in batches:
        result = flattener.flatten(framed, AT)
        rows += flat_rows(flattener, result, names, is_text=True)
        letters += result.dead_letters
        drifts.append(result.drift)
    return rows, letters, sum_drifts(drifts)


def check_same(obj: Object, records: list[bytes], layout: RowLayout) -> None:
    """The rows, dead letters and drift of one batch are those of many small ones."""
    assert len(records) >= ENGINE_ROWS_MIN
    size = ENGINE_ROWS_MIN - 1
    parts = [batch(records[n : n + size], layout, n) for n in range(0, len(records), size)]
    whole, small = flattened(obj, [batch(records, layout)]), flattened(obj, parts)
    assert whole[0] == small[0]
    assert whole[1] == small[1]
    assert whole[2] == small[2]


TABLES = {
    "seed": st.integers(0, 2**32), "odd": st.sampled_from([0.0, 0.002, 0.05]), "hostile": st.sampled_from([0, 0, 3]),
    "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), "separator": st.sampled_from([",", ";", "\t"]),
    "end": st.sampled_from([b"", b"\r"]),
}  # fmt: skip


def check_table(obj: Object, seed: int, odd: float, hostile: int, quoting: Any, separator: str, end: bytes) -> None:
    rng = random.Random(seed)
    layout = RowLayout(NAMES, separator, header=separator.join(NAMES).encode())
    records = [written(row_of(rng, n, odd), quoting, separator, end) for n in range(ENGINE_ROWS_MIN + 50)]
    for _ in range(hostile):
        line = rng.choice(LINES).replace(",", separator)
        records.insert(rng.randrange(len(records)), line.encode(errors="surrogateescape"))
    check_same(obj, records, layout)


@settings(max_examples=6)
@given(**TABLES)
def test_the_engine_and_python_read_rows_alike(sale: Object, **table: Any) -> None:
    """Values of every type, plain and odd, quoted line feeds, ragged rows, marks out of place, NUL, and no UTF-8."""
    check_table(sale, **table)


@pytest.mark.soak
@settings(max_examples=300)
@given(**TABLES)
def test_many_tables(sale: Object, **table: Any) -> None:
    """The same, many times."""
    check_table(sale, **table)


ALONE = list(zip_longest(*(ODD[name] for name in NAMES[1:])))


@pytest.mark.parametrize("nth", [pytest.param(n, marks=[pytest.mark.soak] if n > 2 else []) for n in range(len(ALONE))])
def test_an_odd_value_alone(sale: Object, nth: int) -> None:
    """One odd value in a column of plain ones: what the other rows have in it does not change."""
    rng = random.Random(3)
    layout = RowLayout(NAMES, header=",".join(NAMES).encode())
    rows = [row_of(rng, n, 0) for n in range(ENGINE_ROWS_MIN)]
    for number, value in enumerate(ALONE[nth], 1):
        if value is not None:
            rows[20 * number][number] = value
    check_same(sale, [written(row, csv.QUOTE_MINIMAL) for row in rows], layout)


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_other_marks_and_columns_that_are_not_there(sale: Object, quote: str) -> None:
    """Another quotation mark or none, fewer columns, names in another letter case, and times that the file fills in."""
    layout = RowLayout(("ID", "At", "unknown", "_read_at"), ";", quote, b"ID;At;unknown;_read_at")
    times = [f"2026-03-01T10:00:{n % 60:02}Z" for n in range(ENGINE_ROWS_MIN)]
    seen = [time if n % 3 else "" for n, time in enumerate(times)]
    records = [f"k{n};{time};{quote}x{n % 7}{quote};{seen[n]}".encode() for n, time in enumerate(times)]
    check_same(sale, records, layout)


def test_marks_and_columns_that_are_left_out(sale: Object) -> None:
    """A row's mark is its own, plain or odd; a column that is left out is no part of the record. Then without marks."""
    rng = random.Random(5)
    layout = RowLayout((*NAMES, "on2"), header=b"", left_out=frozenset({"on2", "note"}))
    records = [written([*row_of(rng, n, 0.02), "x"], csv.QUOTE_MINIMAL) for n in range(ENGINE_ROWS_MIN)]
    kinds = [Mark(), Mark(is_deleted=True), Mark("api", "v7")]
    marks = [kinds[n % 3] for n in range(len(records))]
    whole, plain = dataclasses.replace(batch(records, layout), marks=marks), batch(records, layout)
    halves = [dataclasses.replace(batch(records[n : n + 250], layout, n), marks=marks[n : n + 250]) for n in (0, 250)]
    engine, python = (
        flattened(sale, [whole, plain]),
        flattened(sale, [*halves, *(batch(records[n : n + 250], layout, n) for n in (0, 250))]),
    )
    assert engine == python
    kept = [row for row in engine[0][: len(records)] if row["record_version"] == "v7"]
    assert {row["record_fidelity"] for row in kept} == {"api"}
    assert sum(row["record_is_deleted"] == "true" for row in engine[0]) > 150
    assert all(row["note"] is None and "on2" not in (row["record_unmapped"] or "") for row in engine[0])


def test_the_engine_reads_what_is_well_formed(sale: Object, tmp_path: Path) -> None:
    """Rows in which one is ragged and one has a mark out of place are in the engine too, each at its own number.

    The folder's name may be what the engine would take for a pattern.
    """
    layout = RowLayout(("id", "at"), header=b"id,at")
    records = [f"k{n},2026-03-01T10:00:00Z".encode() for n in range(ENGINE_ROWS_MIN)]
    records[7], records[9] = b"a,b,c", b'5" pipe,'
    flattener = Flattener(sale, PiiRule("hash", b"key"))
    folder = tmp_path / "of [a] home" / "spill"
    cells = read_batch(flattener.con, batch(records, layout), layout, [None, None], folder)
    assert isinstance(cells, EngineCells)
    assert list(cells.refused) == [7]
    assert [cells.texts(0)[n] for n in (6, 7, 8, 9)] == ["k6", "", "k8", '5" pipe']
    assert list(folder.iterdir()) == []
