"""A lake in S3 and input from S3 go the whole way: load, replay, rebuild, compact; nothing of it lies locally."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from homes import NARROW, contact, jsonl, letters, narrow, opened, table, totals
from s3 import bucket

from trunkline import limits
from trunkline.lake.store import BucketStore
from trunkline.pipelines.jobs.load import load, replay
from trunkline.pipelines.jobs.upkeep import compact, rebuild


def test_s3_to_s3(tmp_path: Path) -> None:
    """Objects are read once, versions of objects anew, and the lake in S3 is the truth that rebuilds the warehouse."""
    with bucket("firm") as client:
        client.put_object(Bucket="firm", Key="in/2026/03/03/a", Body=jsonl([narrow("a"), narrow("b")]) + b"{poison}\n")
        client.put_object(
            Bucket="firm", Key="in/2026/03/04/b.gz",
            Body=gzip.compress(jsonl([narrow("a", Began="2026-03-04T00:00:00Z", Changed="2026-03-06T00:00:00Z")])),
        )  # fmt: skip
        with opened(tmp_path / "home", NARROW, lake="s3://firm/the/lake", batch_bytes=400) as home:
            first = load(home, NARROW, ["s3://firm/in/"])
            assert (first.counts.read, first.counts.dead_letter, first.files) == (4, 1, 2)
            assert load(home, NARROW, ["s3://firm/in/"]).counts.read == 0
            expected = table(home, NARROW)
            assert [row["id"] for row in expected] == ["a", "b"]
            client.put_object(Bucket="firm", Key="in/2026/03/03/a", Body=jsonl([narrow("c")]))
            assert load(home, NARROW, ["s3://firm/in/"]).counts.inserted == 1
            expected, counts = table(home, NARROW), totals(home, NARROW)
            assert replay(home, NARROW, letters(home, NARROW)).counts.dead_letter == 1
            rebuild(home, NARROW)
            assert table(home, NARROW) == expected
            assert compact(home, NARROW, timedelta(0)).partitions == 2
        assert not (tmp_path / "home" / "lake").exists()
        keys = [found["Key"] for found in client.list_objects_v2(Bucket="firm", Prefix="the/lake/")["Contents"]]
        assert [key for key in keys if "/plan/" in key] == []
        (tmp_path / "home" / "warehouse.duckdb").unlink()
        with opened(tmp_path / "home", NARROW, lake="s3://firm/the/lake", batch_bytes=400) as home:
            rebuild(home, NARROW)
            assert table(home, NARROW) == expected
            assert totals(home, NARROW) == counts


def test_a_batch_of_many_days_is_not_fetched_to_be_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are many small files in the lake, and one in the scratch directory, which the merge reads and removes.

    Without that one the lake's files are read, with the same result.
    """
    records = [
        narrow(
            f"k{number % 80}",
            Began=f"2026-03-{1 + number % 20:02}T00:00:00Z",
            Changed=f"2026-04-{1 + number // 80:02}T00:00:00Z",
        )
        for number in range(400)
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(jsonl(records))
    outcomes = []
    with bucket("firm"):
        for name, small, expected in (("whole", limits.SMALL_FILE_ROWS, 0), ("fetched", 0, 20)):
            monkeypatch.setattr(limits, "SMALL_FILE_ROWS", small)
            with opened(tmp_path / name, NARROW, lake=f"s3://firm/{name}") as home:
                with mock.patch.object(BucketStore, "fetch", autospec=True, side_effect=BucketStore.fetch) as fetch:
                    counts = load(home, NARROW, [str(tmp_path / "in")]).counts
                assert fetch.call_count == expected
                assert not [*home.scratch.rglob("*.parquet")]
                outcomes.append((counts, table(home, NARROW), totals(home, NARROW)))
                rebuild(home, NARROW)
                assert table(home, NARROW) == outcomes[-1][1]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0].read == 400


def test_contact_records_from_s3(tmp_path: Path) -> None:
    """The position of a row names the object and its ETag."""
    with bucket("firm") as client:
        client.put_object(Bucket="firm", Key="ctr/a", Body=jsonl([contact("a")]))
        with opened(tmp_path / "home", lake="s3://firm/lake") as home:
            load(home, home.objects["contact_record"], ["s3://firm/ctr/a"])
            (row,) = home.con.execute("SELECT contact_id, record_position FROM connect.f_calls").fetchall()
            assert row[0] == "a"
            assert row[1].startswith("s3://firm/ctr/a@")
