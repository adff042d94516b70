"""Pages of Salesforce's Bulk API as rows of a table: they become the rows that REST's records become."""

from __future__ import annotations

import csv
import dataclasses
import io
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flat_rows import flat_rows
from homes import letters, table, totals
from salesforce_home import TASK, five_tasks, home_of, rows
from salesforce_org import Organisation, stamp, task

from trunkline.flatten.cells import ENGINE_ROWS_MIN, EngineCells, read_batch
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import RECORD_COLUMNS, Json, Notation, Object, own_column
from trunkline.objects.origins import SalesforceOrigin
from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.jobs.pull import pull
from trunkline.pipelines.set_aside import kept_bytes
from trunkline.settings.secrets import SecretName
from trunkline.sources.pages import PagedRows, RecordPage, frame_pages
from trunkline.sources.salesforce.bulk import read_page
from trunkline.sources.salesforce.records import SalesforceShape, rest_record, shape_of

AT = datetime(2026, 3, 8, 12)
ORIGIN = SalesforceOrigin("https://org.example", "Task", SecretName("env", "SF"))
COUNT = ENGINE_ROWS_MIN + 100
ALL = ((float("-inf"), float("inf")),)

# By the type of a Salesforce field: the type of a column that reads it, and values as REST gives them.
FIELDS: dict[str, tuple[str, list[Any]]] = {
    "string": ("text", ["Open", 'say "yes", then go', "two\nlines", "a\r\nb", " padded ", "\u2028", "true", "12", "+15550100123"]),
    "textarea": ("decimal", ["1.50", "12", "-0.5"]),
    "reference": ("text", ["005000000000001AAA"]),
    "date": ("date", ["2026-01-31", "2026-02-28"]),
    "datetime": ("timestamp", [stamp("09:00:00"), "2026-03-01T23:59:59.123+0000"]),
    "boolean": ("boolean", [True, False]),
    "int": ("integer", [0, 61, -7]),
    "long": ("bigint", [123456789012345678, 5]),
    "currency": ("decimal", [Decimal("12345678901.25"), Decimal("0.5"), 7]),
    "double": ("double", [Decimal("0.5"), Decimal("61.0"), 3]),
    "percent": ("bigint", [Decimal("61.0"), 5]),
    "number as text": ("text", [Decimal("1.50"), 12]),
    "boolean as text": ("text", [True, False]),
}  # fmt: skip
ODD: dict[str, list[Any]] = {
    "textarea": ["1e3", ".5", "x"], "date": ["2026-02-30", "soon"], "datetime": ["2026-02-30T00:00:00.000Z", "x", "2031-01-01T00:00:00.000Z"],
    "int": [2**40, Decimal("1.5")], "long": [10**19], "currency": [Decimal("1e2"), Decimal(1) / 3], "percent": [Decimal("0.5")],
}  # fmt: skip
TYPES = {"Id": "id", "SystemModstamp": "datetime", "IsDeleted": "boolean"}
NAMED = {f"F{n}__c": kind for n, kind in enumerate(FIELDS)}


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """An organisation with five tasks."""
    return five_tasks(monkeypatch)


def object_of(*columns: Any) -> Object:
    fixed = (
        own_column("task_id", "Id", "Id.", nullable=False),
        own_column("changed_at", "SystemModstamp", "Changed.", "timestamp"),
    )
    changes = {"columns": (*fixed, *columns, *RECORD_COLUMNS), "event_time": "changed_at", "partition": "changed_at"}
    return dataclasses.replace(TASK, **changes)


EVERY = object_of(
    *(own_column(name.lower(), name, "Field.", FIELDS[kind][0]) for name, kind in NAMED.items()),  # type: ignore[arg-type]
    own_column("owner", "Owner.Name", "Owner.", pii="direct"),
)


def shape(obj: Object, **types: str) -> SalesforceShape:
    kinds = {name: kind.split(" as ")[0].replace("number", "double") for name, kind in NAMED.items()} | TYPES | types
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    return shape_of(obj, ORIGIN, {"fields": fields, "replicateable": True})


def answers(odd: float, seed: int = 1) -> list[dict[str, Any]]:
    """Records as REST gives them: each field is null, usual or odd."""
    rng = random.Random(seed)
    made = []
    for number in range(COUNT):
        record: dict[str, Any] = {
            "Id": f"00T{number:012}AAA", "SystemModstamp": stamp(f"10:{number // 60:02}:{number % 60:02}"),
            "IsDeleted": number % 50 == 49,
        }  # fmt: skip
        for name, kind in NAMED.items():
            values = ODD[kind] if kind in ODD and rng.random() < odd else [None, *FIELDS[kind][1]]
            record[name] = rng.choice(values)
        if rng.random() < odd:
            record |= rng.choice([{"Id": None}, {"SystemModstamp": "soon"}, {"SystemModstamp": stamp("9:00:00")}])
        record["Owner"] = rng.choice([None, {"attributes": {"type": "User"}, "Name": "Ann"}])
        made.append(record)
    return made


def cell(value: Any) -> str:
    if isinstance(value, dict):
        value = value["Name"]
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).replace("+0000", "Z")


def page_of(records: Sequence[dict[str, Any]], quoting: Any = csv.QUOTE_ALL, names: Sequence[str] = ()) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator="\n")
    chosen = names or list(records[0])
    writer.writerow(["Owner.Name" if name == "Owner" else name for name in chosen])
    writer.writerows([cell(record[name]) for name in chosen] for record in records)
    return text.getvalue().encode()


def flattened(obj: Object, page: RecordPage) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """The rows of a page, and its dead letters with their offsets."""
    flattener = Flattener(obj, PiiRule("hash", b"key"))
    result = flattener.flatten(frame_pages(obj, "salesforce", "here", [(0, page)]), AT)
    names = [column.name for column in obj.columns]
    found = flat_rows(flattener, result, names, is_text=True)
    return found, [(letter.position, letter.reason) for letter in result.dead_letters]


def rest_page(records: Sequence[dict[str, Any]], of: SalesforceShape) -> RecordPage:
    return RecordPage([rest_record(of, record) for record in records], None, AT)


def bulk_page(obj: Object, of: SalesforceShape, data: bytes) -> RecordPage:
    records, found = read_page(obj, of, data, ())
    return RecordPage(records, None, AT, found)


@pytest.mark.parametrize("odd", [0.0, 0.02])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
def test_rows_are_those_of_rest(odd: float, quoting: Any) -> None:
    """Every type of field, nulls, quoted line feeds, deleted records; IsDeleted is no column here, and adds nothing."""
    records = answers(odd)
    page = bulk_page(EVERY, shape(EVERY), page_of(records, quoting))
    assert page.table is not None
    bulk, rest = flattened(EVERY, page), flattened(EVERY, rest_page(records, shape(EVERY)))
    assert bulk == rest
    assert sum(row["record_is_deleted"] == "true" for row in bulk[0]) >= 10
    assert bool(bulk[1]) == bool(odd)


def test_the_engine_reads_a_page_with_deleted_rows() -> None:
    """Marks do not turn a page over to the slow way."""
    page = bulk_page(EVERY, shape(EVERY), page_of(answers(0)))
    framed = frame_pages(EVERY, "salesforce", "here", [(0, page)])
    assert framed.layout is not None
    assert framed.marks is not None
    flattener = Flattener(EVERY, PiiRule("hash", b"key"))
    leaves = [None] * len(framed.layout.names)
    assert isinstance(read_batch(flattener.con, framed, framed.layout, leaves, None), EngineCells)


@pytest.mark.parametrize("extra", [
    own_column("extra", "Other", "Of a path that no field has."),
    own_column("extra", "Extra__c", "Text of JSON.", Json()),
    dataclasses.replace(own_column("extra", "Extra__c", "Comma.", "decimal"), notation=Notation(decimal_comma=True)),
    dataclasses.replace(own_column("extra", "Extra__c", "Rule."), rule="upper(value)"),
    own_column("extra", "Extra__c", "Of another type.", "bigint"),
], ids=lambda column: column.meaning)  # fmt: skip
def test_what_cells_cannot_say_is_read_as_json(extra: Any) -> None:
    """A column whose value depends on JSON's types, and a field without a column, which goes to `record_unmapped`."""
    obj = object_of(extra)
    origin = dataclasses.replace(ORIGIN, fields=("Id", "SystemModstamp", "Extra__c"))
    kind = "boolean" if extra.type == "bigint" else "string"
    fields = [{"name": name, "type": type_} for name, type_ in (TYPES | {"Extra__c": kind}).items()]
    of = shape_of(obj, origin, {"fields": fields, "replicateable": True})
    records = [
        {"Id": f"00T{n}", "SystemModstamp": stamp("10:00:00"), "IsDeleted": False, "Extra__c": True if kind == "boolean" else value}
        for n, value in enumerate(["1.5", '{"a": 1}', None, "x"])
    ]  # fmt: skip
    page = bulk_page(obj, of, page_of(records))
    assert page.table is None
    assert flattened(obj, page) == flattened(obj, rest_page(records, of))


def compared(data: bytes, spans: Sequence[tuple[float, float]]) -> PagedRows:
    found = read_page(EVERY, shape(EVERY), data, spans)[1]
    assert found is not None
    return found


def test_only_what_may_come_again_is_compared() -> None:
    """By its stamp, to the second; a row that is deleted, or does not tell its stamp as usual, is compared too."""
    records = answers(0)[:60]
    second = datetime(2026, 3, 3, 10, tzinfo=UTC).timestamp()
    records[3]["SystemModstamp"] = None
    data = page_of(records)
    assert sorted(compared(data, [(second + 58, float("inf"))]).compared) == [3, 49, 58, 59]
    assert sorted(compared(data, [(second + 5, second + 6.5)]).compared) == [3, 5, 6, 49]
    every = compared(data, ALL).compared
    assert [every[n].digest for n in range(60)] == [rest_record(shape(EVERY), record).digest for record in records]


def test_the_order_of_the_columns_does_not_matter() -> None:
    """The stamp and the deletion are found by their names, behind quoted values too."""
    records = answers(0)[:100]
    names = list(records[0])
    random.Random(4).shuffle(names)
    usual, shuffled = (compared(page_of(records, names=order), ALL) for order in (list(records[0]), names))
    assert shuffled.marks == usual.marks
    assert [r.digest for r in shuffled.compared.values()] == [r.digest for r in usual.compared.values()]


def test_a_row_of_more_than_a_mebibyte() -> None:
    """Several long text areas with line feeds; the rows beside it are read as they are."""
    records = answers(0)
    records[7]["F0__c"] = "a line, of many\n" * 100_000
    page = bulk_page(EVERY, shape(EVERY), page_of(records))
    assert flattened(EVERY, page) == flattened(EVERY, rest_page(records, shape(EVERY)))


def paged(org: Organisation, change: Callable[[int, bytes], bytes]) -> None:
    """Let the organisation change the pages of its jobs, each by its number."""
    serve, pages = org._bulk, iter(range(100))

    def bulk(call: Any, last: str) -> Any:
        reply = serve(call, last)
        if last == "results":
            reply = dataclasses.replace(reply, body=change(next(pages), reply.body))
        return reply

    org._bulk = bulk  # type: ignore[method-assign]


def test_pages_whose_columns_differ(org: Organisation, tmp_path: Path) -> None:
    """A page in another order, and one without records; each layout is a batch of its own."""

    def reorder(page: int, body: bytes) -> bytes:
        header, *lines = csv.reader(io.StringIO(body.decode(), newline=""))
        if page == 1:
            return b""
        order = sorted(header, reverse=page == 2)
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(
            [dict(zip(header, line, strict=True))[n] for n in order] for line in (header, *lines)
        )
        return text.getvalue().encode()  # fmt: skip

    paged(org, reorder)
    with home_of(org, tmp_path, batch_bytes=10**6, api="bulk") as (home, obj):
        result = pull(home, obj)
        assert (result.counts.inserted, result.batches) == (3, 2)
        assert sorted(rows(home, obj)) == ["00T0", "00T1", "00T4"]
        assert rows(home, obj)["00T4"]["owner"] == "Ann"


def test_a_record_that_comes_again(org: Organisation, tmp_path: Path) -> None:
    """From the overlap, by either API: the same content is not given twice, a changed one is."""
    with home_of(org, tmp_path, api="bulk") as (home, obj):
        org.tasks += [task("00T8", "11:55:00"), task("00T9", "11:56:00")]
        assert pull(home, obj).counts.inserted == 7
        org.now = datetime(2026, 3, 3, 12, 0, 30, tzinfo=UTC)
        assert pull(home, obj).counts.read == 0
        org.tasks[-1] = task("00T9", "11:56:00", Subject="Changed in the same second")
        assert pull(home, obj).counts.read == 1
    with home_of(org, tmp_path, api="rest") as (home, obj):
        org.now = datetime(2026, 3, 3, 12, 1, tzinfo=UTC)
        assert pull(home, obj).counts.read == 0


def test_a_merged_record(org: Organisation, tmp_path: Path) -> None:
    """The loser of a merge comes as deleted with all its values, and says who won."""
    org.fields["MasterRecordId"] = "reference"
    merged = dataclasses.replace(TASK, columns=(own_column("winner", "MasterRecordId", "Winner."), *TASK.columns))
    with home_of(org, tmp_path, of=merged, api="bulk") as (home, obj):
        assert pull(home, obj).counts.inserted == 5
        org.now = datetime(2026, 3, 3, 12, 30, tzinfo=UTC)
        org.tasks[1] = task("00T1", "12:10:00", IsDeleted=True, MasterRecordId="00T2")
        assert pull(home, obj).counts.deleted == 1
        (row,) = [row for row in table(home, obj) if row["record_is_deleted"]]
        assert (row["task_id"], row["winner"], row["subject"]) == ("00T1", "00T2", "Task 00T1")


def test_a_deletion_that_is_listed_too(org: Organisation, tmp_path: Path) -> None:
    """It comes with its values among the changed records, and alone among the deletions, which add nothing."""
    with home_of(org, tmp_path, api="bulk") as (home, obj):
        pull(home, obj)
        org.now = datetime(2026, 3, 3, 14, tzinfo=UTC)
        org.tasks[1] = task("00T1", "12:30:00", IsDeleted=True)
        org.deleted = [("00T1", stamp("12:30:01"))]
        counts = pull(home, obj).counts
        assert (counts.read, counts.deleted) == (1, 1)
        (row,) = [row for row in table(home, obj) if row["record_is_deleted"]]
        assert row["subject"] == "Task 00T1"


def test_a_row_that_is_set_aside_can_be_replayed(org: Organisation, tmp_path: Path) -> None:
    """With its header row: one that is no row, one that is not UTF-8, and one whose date a fix makes a text."""
    org.tasks[1] = task("00T1", "11:00:00", CreatedDate="no time", IsDeleted=True)
    org.tasks[4] = task("00T4", "11:59:00")

    def damage(page: int, body: bytes) -> bytes:
        body = body.replace(b'"Task 00T0"', b'"Task \xff"')
        return body.replace(b'"Task 00T4"', b'"a","b"')

    paged(org, damage)
    with home_of(org, tmp_path, api="bulk") as (home, obj):
        assert pull(home, obj).counts.dead_letter == 3
        assert sorted(letter.reason for letter in letters(home, obj)) == ["invalid_row", "invalid_utf8", "wrong_type"]
        for letter in letters(home, obj):
            header, _, row = kept_bytes(home, letter).payload.partition(b"\n")
            assert header.startswith(b'"Id","SystemModstamp","IsDeleted"')
            assert row.startswith(b'"00T')
        org.now = datetime(2026, 3, 3, 12, 1, tzinfo=UTC)
        assert pull(home, obj).counts.read == 0  # one of them is in the overlap
    columns = tuple(dataclasses.replace(c, type="text") if c.name == "created_at" else c for c in TASK.columns)
    fixed = dataclasses.replace(TASK, columns=columns, event_time="changed_at", partition="changed_at")
    with home_of(org, tmp_path, of=fixed) as (home, obj):
        assert replay(home, obj, letters(home, obj)).counts.dead_letter == 2
        (row,) = [row for row in table(home, obj) if row["task_id"] == "00T1"]
        assert (row["created_at"], row["record_is_deleted"], row["record_unmapped"]) == ("no time", True, None)
        assert totals(home, obj).dead_letter == 2
