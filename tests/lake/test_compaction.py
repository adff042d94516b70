"""Compaction (must hold 7): readers lose nothing and see nothing twice while it runs, and a redaction reaches back."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from homes import (
    NARROW,
    lake_best,
    lake_files,
    lake_source,
    lake_versions,
    load_into,
    narrow,
    opened,
    table,
    totals,
    write,
)  # fmt: skip

from trunkline.engines.duckdb import DUCKDB
from trunkline.ledger.records import decode_compaction
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.upkeep import compact, rebuild
from trunkline.sql.lake.views import best_body, versions_body

WEEK = timedelta(days=7)
REDACTED = {"Phone": None, "Marks": {"Redacted": {"ValueString": "Phone"}}}


def versions(home: Home, folder: Path, loads: int = 4) -> None:
    """Several loads of versions of the same contacts, with a moved date and duplicates."""
    for load in range(loads):
        records = [
            narrow(f"c{n}", Changed=f"2026-03-05T10:00:{(n * load) % 3:02}Z", Score=load % 2, Began=f"2026-03-0{day}T10:00:00Z")
            for n in range(6)
            for day in ((3, 4)[(n + load) % 5 == 0],)
        ]  # fmt: skip
        load_into(home, write(folder / f"in{load}", *records, *records[:2]), obj=NARROW)


def test_old_and_new_files_exist_together(tmp_path: Path) -> None:
    """Within the grace time old and new files exist together, and views show each row and version once."""
    with opened(tmp_path / "home", NARROW) as home:
        versions(home, tmp_path)
        best, all_versions, counts = table(home, NARROW), lake_versions(home, NARROW), totals(home, NARROW)
        before = lake_files(home, NARROW)
        done = compact(home, NARROW, WEEK)
        assert (done.partitions, done.files_replaced, done.files_removed) == (2, len(before), 0)
        both = lake_files(home, NARROW)
        assert len(both) == len(before) + 2
        for _ in range(2):
            assert lake_best(home, NARROW) == best
            assert lake_versions(home, NARROW) == all_versions
        assert compact(home, NARROW, WEEK).partitions == 0
        assert lake_files(home, NARROW) == both
        assert compact(home, NARROW, timedelta(0)).files_removed == len(before)
        after = lake_files(home, NARROW)
        assert len(after) == 2
        assert lake_best(home, NARROW) == best
        assert lake_versions(home, NARROW) == all_versions
        rebuild(home, NARROW)
        assert table(home, NARROW) == best
        assert totals(home, NARROW) == counts
        size = home.con.execute(f"SELECT count(*) FROM {lake_source(home, NARROW)} WHERE record_moved_to IS NULL")
        assert size.fetchall()[0][0] == len(all_versions)


def test_a_compacted_file_is_sorted_by_time(tmp_path: Path) -> None:
    """Times occur in several columns of a row, so sorting saves bytes; a query about an hour reads less of a day."""
    with opened(tmp_path / "home", NARROW) as home:
        records = [narrow(f"c{n}", Began=f"2026-03-03T{(n * 7) % 24:02}:00:00Z") for n in range(24)]
        load_into(home, write(tmp_path / "in", *records), obj=NARROW)
        compact(home, NARROW, timedelta(0))
        (file,) = lake_files(home, NARROW)
        rows = home.con.execute(
            f"SELECT {NARROW.partition} FROM read_parquet($1)", [str(home.store.fetch(file, tmp_path))]
        )
        times = [at for (at,) in rows.fetchall()]
        assert times == sorted(times)
        assert len(set(times)) == 24


def test_the_grace_time_counts_from_each_compaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaced files are removed when the grace time is over, not before; later files stay."""
    from trunkline.pipelines.jobs import upkeep

    with opened(tmp_path / "home", NARROW) as home:
        versions(home, tmp_path)
        compact(home, NARROW, WEEK)
        (record,) = {
            decode_compaction(path.read_bytes()).compacted_at.date()
            for path in (tmp_path / "home/lake/_ledger/compaction").rglob("*.json")
        }
        load_into(home, write(tmp_path / "late", narrow("late")), obj=NARROW)
        now = upkeep.clock.now_naive()
        monkeypatch.setattr(upkeep.clock, "now_naive", lambda: now + timedelta(days=6, hours=23))
        assert compact(home, NARROW, WEEK).files_removed == 0
        monkeypatch.setattr(upkeep.clock, "now_naive", lambda: now + timedelta(days=7))
        assert compact(home, NARROW, WEEK).files_removed > 0
        assert record <= now.date()
        assert lake_best(home, NARROW) == table(home, NARROW)


def test_compaction_while_readers_read(tmp_path: Path) -> None:
    """Readers see the same rows before, during and after; a query is repeated when a file was removed under it."""
    with opened(tmp_path / "home", NARROW) as home:
        versions(home, tmp_path)
        best_sql = best_body(NARROW, DUCKDB, lake_source(home, NARROW))
        versions_sql = versions_body(NARROW, DUCKDB, lake_source(home, NARROW))
        columns = "id, score, record_version, record_hash"
        seen: list[tuple[list[object], list[object]]] = []
        stop = threading.Event()

        def read() -> None:
            con = duckdb.connect()
            while not stop.is_set():
                seen.append(
                    (
                        con.execute(f"SELECT {columns} FROM ({best_sql}) ORDER BY ALL").fetchall(),
                        con.execute(f"SELECT {columns} FROM ({versions_sql}) ORDER BY ALL").fetchall(),
                    )
                )

        expected = (
            home.con.execute(f"SELECT {columns} FROM ({best_sql}) ORDER BY ALL").fetchall(),
            home.con.execute(f"SELECT {columns} FROM ({versions_sql}) ORDER BY ALL").fetchall(),
        )
        reader = threading.Thread(target=read)
        reader.start()
        for number in range(5):
            load_into(home, write(tmp_path / f"again{number}", narrow("c0", Score=0)), obj=NARROW)
            compact(home, NARROW, WEEK)
        stop.set()
        reader.join()
        assert len(seen) >= 2
        for best, _ in seen:
            assert best == expected[0]
        for _, found in seen:
            assert len(found) == len(set(found))  # type: ignore[arg-type]
            assert set(expected[1]) <= set(found)  # type: ignore[arg-type]


@pytest.mark.parametrize("pii", ["hash", "keep"])
@pytest.mark.parametrize("loads", [1, 2])
def test_a_redaction_scrubs_older_versions(tmp_path: Path, pii: str, loads: int) -> None:
    """After compaction no older version has the number that a later version redacted; others keep theirs."""
    old, new = narrow("a", Changed="2026-03-05T10:00:00Z"), narrow("a", Changed="2026-03-05T11:00:00Z", **REDACTED)
    other = narrow("b")
    with opened(tmp_path / "home", NARROW, pii=pii) as home:
        if loads == 1:
            load_into(home, write(tmp_path / "in", old, new, other), obj=NARROW)
        else:
            load_into(home, write(tmp_path / "in1", old, other), obj=NARROW)
            load_into(home, write(tmp_path / "in2", new), obj=NARROW)
        best = table(home, NARROW)
        assert compact(home, NARROW, timedelta(0)).scrubbed == 1
        phones = {(row["id"], row["record_version"][11:13]): row["phone"] for row in lake_versions(home, NARROW)}
        assert phones[("a", "10")] is None
        assert phones[("a", "11")] is None
        assert phones[("b", "11")] is not None
        assert table(home, NARROW) == best == lake_best(home, NARROW)
        assert compact(home, NARROW, timedelta(0)).partitions == 0


def test_a_redaction_reaches_a_partition_it_has_left(tmp_path: Path) -> None:
    """A redacted version with another date scrubs the older one in its own partition."""
    old = narrow("a", Changed="2026-03-05T10:00:00Z")
    new = narrow("a", Changed="2026-03-05T11:00:00Z", Began="2026-03-04T00:00:00Z", **REDACTED)
    with opened(tmp_path / "home", NARROW, pii="keep") as home:
        load_into(home, write(tmp_path / "in1", old), obj=NARROW)
        load_into(home, write(tmp_path / "in2", new), obj=NARROW)
        compact(home, NARROW, timedelta(0))
        assert [row["phone"] for row in lake_versions(home, NARROW)] == [None, None]
        rebuild(home, NARROW)
        assert [row["phone"] for row in table(home, NARROW)] == [None]
