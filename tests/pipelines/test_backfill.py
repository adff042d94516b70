"""Backfill by scan and from exports: whole, resumable, paced, and never undoing what the stream has seen."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dynamo_fake import FakeTable
from dynamo_tables import call, change, event, ours, rows
from homes import assert_adds_up, letters, opened, table, totals
from s3 import bucket

from trunkline.errors import TerminalError, UsageError
from trunkline.lake.store import FolderStore
from trunkline.pipelines.home import Home
from trunkline.pipelines.post_call import backfill
from trunkline.pipelines.post_call.backfill import ScanOptions, backfill_export, backfill_scan
from trunkline.pipelines.runner import LoadResult

STOPS = 4


class Stop(BaseException):
    """A kill, as a test can have one: no code may catch it."""


def made(number: int) -> Any:
    return call(f"c{number:05}")


def scan(home: Home, source: FakeTable, **options: Any) -> LoadResult:
    result = backfill_scan(home, home.objects["call"], "calls", source, ScanOptions(**options))
    assert_adds_up(result.counts)
    return result


def ids(home: Home) -> list[str]:
    return [row["call_id"] for row in table(home, home.objects["call"]) if not row["record_is_deleted"]]


def test_a_scan_loads_every_item_once(tmp_path: Path) -> None:
    """Segments of unequal length, pages that are not full, and progress that counts items."""
    moved: list[int] = []
    with opened(tmp_path) as home:
        options = ScanOptions(segments=3)
        result = backfill_scan(home, home.objects["call"], "calls", FakeTable(made, 250, 40), options, moved.append)
        assert (result.counts.read, result.counts.inserted) == (250, 250)
        assert len(ids(home)) == len(set(ids(home))) == sum(moved) == 250
        again = scan(home, FakeTable(made, 250, 40), segments=3)
        assert again.counts.updated == 250, "a second scan is a newer reading"


def test_an_empty_table_and_empty_pages(tmp_path: Path) -> None:
    """An empty page with a key to go on from is normal, and so is a table without items."""
    with opened(tmp_path) as home:
        assert scan(home, FakeTable(made, 0)).counts.read == 0
        source = FakeTable(made, 100, 10, removed=set(range(10, 70)))
        assert scan(home, source, segments=2).counts.read == 40


def test_a_scan_stopped_at_any_page_is_continued(tmp_path: Path) -> None:
    """Stopped again and again: complete, and each stop repeats one page a segment at most."""
    seen: Counter[tuple[int, int]] = Counter()
    steps = 0

    def look(segment: int, start: int) -> None:
        seen[segment, start] += 1

    def stop_at(limit: int) -> Any:
        def counted(items: int) -> None:
            nonlocal steps
            steps += 1
            if steps % limit == 0:
                raise Stop

        return counted

    source = FakeTable(made, 240, 10, seen=look)
    stops = 0
    while True:
        with opened(tmp_path) as home:
            try:
                backfill_scan(
                    home,
                    home.objects["call"],
                    "calls",
                    source,
                    ScanOptions(segments=2),
                    stop_at(4 if stops < STOPS else 10**6),
                )
            except Stop:
                stops += 1
                continue
            assert stops == STOPS
            assert len(ids(home)) == 240
            assert sum(seen.values()) <= 24 + 2 * stops
            assert_adds_up(totals(home, home.objects["call"]))
            return


def test_a_scan_does_not_undo_what_the_stream_has_seen(tmp_path: Path) -> None:
    """Stream first: a call removed meanwhile stays gone, a newer change stays, an older row is replaced by the scan."""
    late = datetime(2030, 1, 1)
    with ours(tmp_path) as handler:
        handler(event(
            change(1, "REMOVE", old=made(1), at=(late - datetime(1970, 1, 1)).total_seconds()),
            change(2, "MODIFY", new=call("c00002", agentName={"S": "newer"}), at=(late - datetime(1970, 1, 1)).total_seconds()),
            change(3, "MODIFY", new=call("c00003", agentName={"S": "older"})),
        ))  # fmt: skip
    with opened(tmp_path, pii="drop") as home:
        scan(home, FakeTable(made, 5))
    found = {row["call_id"]: row["agent_name"] for row in rows(tmp_path)}
    assert found == {"c00000": "Ann", "c00002": "newer", "c00003": "Ann", "c00004": "Ann"}


def test_rows_that_a_finished_scan_did_not_find_can_be_deleted(tmp_path: Path) -> None:
    """By option alone, marked as such; a row that changed after the scan began stays."""
    with opened(tmp_path, pii="drop") as home:
        scan(home, FakeTable(made, 6))
        gone = FakeTable(made, 6, removed={1, 4})
        scan(home, gone)
        assert len(ids(home)) == 6
        home.con.execute(
            "UPDATE post_call_analytics.f_call SET record_version = '2099-01-01 00:00:00.000000/3/' WHERE call_id = 'c00004'"
        )
        assert scan(home, gone, delete_missing=True).counts.deleted == 1
        assert ids(home) == ["c00000", "c00002", "c00003", "c00004", "c00005"]
        (row,) = [row for row in table(home, home.objects["call"]) if row["record_is_deleted"]]
        assert (row["call_id"], row["deleted_by"]) == ("c00001", "scan")


def test_the_row_of_an_item_that_is_set_aside_stays(tmp_path: Path) -> None:
    """An item that cannot be used exists all the same: its older row stays, others that were not found are deleted."""

    def some_bad(number: int) -> Any:
        return {**made(number), "amount": {"N": "five"}} if number == 2 else made(number)

    with opened(tmp_path) as home:
        scan(home, FakeTable(made, 5))
        counts = scan(home, FakeTable(some_bad, 5, removed={1, 4}), delete_missing=True).counts
        assert (counts.dead_letter, counts.deleted) == (1, 2)
        (letter,) = letters(home, home.objects["call"])
        assert letter.detail == "attribute amount: N must be a number"
        assert ids(home) == ["c00000", "c00002", "c00003"]
        # The same command completes, again and once the item is corrected or removed.
        assert scan(home, FakeTable(some_bad, 5, removed={1, 4}), delete_missing=True).counts.deleted == 0
        assert scan(home, FakeTable(made, 5, removed={1, 2, 4}), delete_missing=True).counts.deleted == 1
        assert ids(home) == ["c00000", "c00003"]


@pytest.mark.parametrize(
    "key",
    [{"N": "five"}, {"M": {}}, *(pytest.param(key, marks=pytest.mark.soak) for key in ({"S": ""}, {"B": "AA=="}))],
    ids=str,
)
def test_nothing_is_deleted_while_an_item_without_a_usable_key_is_set_aside(tmp_path: Path, key: Any) -> None:
    """Which row is its row is not known. The same command begins a new scan, and completes after a correction."""

    def some_bad(number: int) -> Any:
        return {**made(number), "callId": key, "amount": {"N": "five"}} if number == 2 else made(number)

    with opened(tmp_path) as home:
        scan(home, FakeTable(made, 4))
        for _ in range(2):
            with pytest.raises(TerminalError, match=r"calls: items that have no usable key were set aside \(1\)"):
                scan(home, FakeTable(some_bad, 4, removed={1}), delete_missing=True)
            assert len(ids(home)) == 4
        assert scan(home, FakeTable(made, 4, removed={1}), delete_missing=True).counts.deleted == 1


def test_a_stopped_scan_still_completes_its_deletions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between the last page and the deletions, the same command deletes what the first run did not find."""

    def stopping(*_: Any) -> Any:
        raise Stop

    with opened(tmp_path) as home:
        scan(home, FakeTable(made, 4))
        with monkeypatch.context() as patched:
            patched.setattr(backfill, "missing_rows", stopping)
            with pytest.raises(Stop):
                scan(home, FakeTable(made, 4, removed={1}), delete_missing=True)
        result = scan(home, FakeTable(made, 4, removed={1}), delete_missing=True)
        assert (result.counts.read, result.counts.deleted) == (1, 1)


def test_a_scan_keeps_to_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of 128 units at half of 64 units a second is paid off in 4 seconds."""
    now = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("trunkline.clock.monotonic_s", lambda: now[0])
    with opened(tmp_path) as home:
        source = FakeTable(made, 40, 10, provisioned=64)
        backfill_scan(home, home.objects["call"], "calls", source, ScanOptions(segments=1), sleep=sleep)
    assert slept == [4.0, 4.0, 4.0]


def test_a_wrong_clock_stops_the_scan(tmp_path: Path) -> None:
    """Versions come from this machine's clock, so it is compared with the server's."""

    class Ahead(FakeTable):
        def scan(self, **arguments: Any) -> Any:
            headers = {"HTTPHeaders": {"date": "Sat, 21 Nov 2020 12:39:07 GMT"}}
            return super().scan(**arguments) | {"ResponseMetadata": headers}

    with opened(tmp_path) as home, pytest.raises(TerminalError, match="clock differs from DynamoDB's"):
        scan(home, Ahead(made, 3))


def export(
    folder: Path, lines: Sequence[Sequence[Any]], at: str = "2026-03-01T00:00:00.000Z", prefix: str = "", **more: Any
) -> Path:
    """An export as DynamoDB lays it out: summary, manifest, data files; an incremental one has its data apart."""
    root = folder / prefix / "AWSDynamoDB"
    place = root / "01693685827463-2d8752fd"
    data = root / "data" if more.get("exportType") == "INCREMENTAL_EXPORT" else place / "data"
    data.mkdir(parents=True)
    place.mkdir(exist_ok=True)
    listed = []
    for number, some in enumerate(lines):
        path = data / f"{number:04}.json.gz"
        path.write_bytes(gzip.compress("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in some).encode()))
        key = str(path.relative_to(folder))
        listed.append({"itemCount": len(some), "md5Checksum": "x", "etag": "y", "dataFileS3Key": key})
    (place / "manifest-files.json").write_text("".join(json.dumps(one) + "\n" for one in listed))
    (place / "manifest-summary.json").write_text(json.dumps({
        "version": "2020-06-30", "exportArn": "arn:aws:dynamodb:us-east-1:1:table/calls/export/01693685827463-2d8752fd",
        "tableArn": "arn:aws:dynamodb:us-east-1:111122223333:table/calls", "exportTime": at, "s3Bucket": "elsewhere",
        "manifestFilesS3Key": str((place / "manifest-files.json").relative_to(folder)),
        "itemCount": sum(map(len, lines)), "outputFormat": "DYNAMODB_JSON",
    } | more))  # fmt: skip
    (data / "not-in-the-manifest.json.gz").write_bytes(b"")
    return place


@pytest.mark.parametrize("prefix", ["", "exports/daily"])
def test_a_full_export_is_loaded_by_its_manifest(tmp_path: Path, prefix: str) -> None:
    """Whether its keys have the export's prefix or not; a row is of a minute before the export's time; twice is once."""
    place = export(tmp_path / "in", [[{"Item": made(n)} for n in part] for part in ((0, 1), (), (2, 3))], prefix=prefix)
    with opened(tmp_path / "home") as home:
        obj = home.objects["call"]
        result = backfill_export(home, obj, str(place))
        assert (result.counts.inserted, result.files) == (4, 2)
        assert {row["record_version"][:28] for row in table(home, obj)} == {"2026-02-28 23:59:00.000000/2"}
        assert backfill_export(home, obj, f"{place}/manifest-summary.json").counts.read == 0


def test_an_export_in_s3(tmp_path: Path) -> None:
    """The same, from a bucket."""
    place = export(tmp_path / "in", [[{"Item": made(n)} for n in range(3)]], prefix="px")
    with bucket("exports") as client:
        for path in (tmp_path / "in").rglob("*.*"):
            client.upload_file(str(path), "exports", str(path.relative_to(tmp_path / "in")))
        with opened(tmp_path / "home") as home:
            url = f"s3://exports/{place.relative_to(tmp_path / 'in')}"
            assert backfill_export(home, home.objects["call"], url).counts.inserted == 3


def test_an_incremental_export_updates_and_deletes(tmp_path: Path) -> None:
    """Each line says its own time, in any of the forms that consumers have met; one without a new image deletes."""
    second = "1772323200000000"  # 2026-03-01 00:00:00
    lines = [
        {"Metadata": {"WriteTimestampMicros": {"N": second}}, "Keys": {"callId": {"S": "c00000"}}, "NewImage": call("c00000", agentName={"S": "x"})},
        {"Metadata": {"WriteTimestampMicros": second}, "Keys": {"callId": {"S": "c00001"}}, "OldImage": made(1)},
        {"Metadata": {"WriteTimestampMicros": int(second)}, "Keys": {"callId": {"S": "c00002"}}},
        {"Metadata": {}, "Keys": {"callId": {"S": "c00003"}}},
        {"Metadata": {"WriteTimestampMicros": second}},
        {"something": "else"},
    ]  # fmt: skip
    full = export(tmp_path / "full", [[{"Item": made(n)} for n in range(4)]])
    more = {
        "exportType": "INCREMENTAL_EXPORT",
        "exportFromTime": "2026-03-01T00:00:00Z",
        "exportToTime": "2026-03-01T01:00:00Z",
    }
    some = export(tmp_path / "some", [lines], **more)
    with opened(tmp_path / "home") as home:
        obj = home.objects["call"]
        backfill_export(home, obj, str(full))
        counts = backfill_export(home, obj, str(some)).counts
        assert (counts.updated, counts.deleted, counts.dead_letter) == (1, 2, 3)
        live = [row for row in table(home, obj) if not row["record_is_deleted"]]
        assert [(row["call_id"], row["agent_name"]) for row in live] == [("c00000", "x"), ("c00003", "Ann")]
        assert {one.reason for one in letters(home, obj)} == {"wrong_type", "missing_image"}


def test_an_invalid_export_is_an_error_with_its_reason(tmp_path: Path) -> None:
    """A folder of something else, an export that runs, one in Ion, one of another table, one cut short."""
    with opened(tmp_path / "home") as home:
        obj = home.objects["call"]
        with pytest.raises(UsageError, match="its folder is .*AWSDynamoDB/<export id>"):
            backfill_export(home, obj, str(tmp_path))
        with pytest.raises(UsageError, match="an unfinished export has no manifest"):
            backfill_export(home, obj, str(tmp_path / "AWSDynamoDB" / "1"))
        ion = export(tmp_path / "ion", [[]], outputFormat="ION")
        with pytest.raises(UsageError, match="is in ION; export the table in DYNAMODB_JSON"):
            backfill_export(home, obj, str(ion))
        other = export(tmp_path / "other", [[]], tableArn="arn:aws:dynamodb:us-east-1:1:table/scorecards")
        with pytest.raises(UsageError, match="which holds scorecard, not call"):
            backfill_export(home, obj, str(other))
        short = export(tmp_path / "short", [[{"Item": made(0)}]], itemCount=5)
        with pytest.raises(TerminalError, match="says 5 items and the files hold 1"):
            backfill_export(home, obj, str(short))


def test_a_stopped_export_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that were planned and not done are done again, as items and not as plain JSON."""
    place = export(tmp_path / "in", [[{"Item": made(n)} for n in range(start, start + 50)] for start in (0, 50)])
    left = [4, 7, 9]
    puts = 0
    put = FolderStore.put_bytes

    def stopping(store: FolderStore, data: bytes, key: str, is_private: bool = False) -> None:
        nonlocal puts
        puts += 1
        if left and puts == left[0]:
            del left[0]
            puts = 0
            raise Stop
        put(store, data, key, is_private)

    monkeypatch.setattr(FolderStore, "put_bytes", stopping)
    while True:
        with opened(tmp_path / "home", batch_bytes=1_000) as home:
            obj = home.objects["call"]
            try:
                backfill_export(home, obj, str(place))
            except Stop:
                continue
            assert left == []
            assert len(ids(home)) == 100
            assert_adds_up(totals(home, obj))
            return


def test_a_scan_is_continued_after_a_binary_key(tmp_path: Path) -> None:
    """What boto3 gives as bytes is text in the scan's state, and is bytes again for boto3, also in a later run."""
    starts: list[Any] = []

    class Binary(FakeTable):
        def scan(self, *, ExclusiveStartKey: Any = None, **arguments: Any) -> Any:  # noqa: N803
            starts.append(ExclusiveStartKey)
            if len(starts) == 2:
                raise Stop
            page = 0 if ExclusiveStartKey is None else ExclusiveStartKey["k"]["B"][0]
            more = {"LastEvaluatedKey": {"k": {"B": bytes([page + 1])}, "n": {"N": "1"}}} if page < 2 else {}
            return {"Items": [made(page)], "ConsumedCapacity": {}, **more}

    with opened(tmp_path) as home, pytest.raises(Stop):
        scan(home, Binary(made, 3), segments=1)
    with opened(tmp_path) as home:
        assert scan(home, Binary(made, 3), segments=1).counts.inserted == 2
        assert len(ids(home)) == 3
    assert starts[1:] == [{"k": {"B": bytes([n])}, "n": {"N": "1"}} for n in (1, 1, 2)]
