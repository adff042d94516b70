"""A lake in S3 and input from S3 go the whole way: load, replay, rebuild, compact; nothing of it lies locally."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

from homes import NARROW, contact, jsonl, letters, narrow, opened, table, totals
from s3 import bucket

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


def test_contact_records_from_s3(tmp_path: Path) -> None:
    """The position of a row names the object and its ETag."""
    with bucket("firm") as client:
        client.put_object(Bucket="firm", Key="ctr/a", Body=jsonl([contact("a")]))
        with opened(tmp_path / "home", lake="s3://firm/lake") as home:
            load(home, home.objects["contact_record"], ["s3://firm/ctr/a"])
            (row,) = home.con.execute("SELECT contact_id, record_position FROM connect.f_calls").fetchall()
            assert row[0] == "a"
            assert row[1].startswith("s3://firm/ctr/a@")
