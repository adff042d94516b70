"""Flattening on two cores: the same rows and accounts as on one, and nothing lost where the second process dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, Record, lake_versions, letters, load_into, narrow, opened, table, totals, write

from trunkline.errors import TransientError
from trunkline.flatten.flattener import Flattener
from trunkline.pipelines import flattening
from trunkline.pipelines.flattening import FlattenPool, FlattenProcess
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed
from trunkline.sources.files import reader


@pytest.fixture
def early_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load starts its process after its first batch."""
    monkeypatch.setattr(flattening, "FLATTEN_PROCESS_AFTER_BYTES", 1)
    monkeypatch.setattr(flattening, "Flattener", Flattener)  # the tests' shared one is for one thread


def write_files(folder: Path, count: int) -> Path:
    """Files of good records and of records that are set aside."""
    for number in range(count):
        records: list[Record] = [narrow(f"c{number}-{n}", Score=n, Labels={"a": f"{n}", "b": "x"}) for n in range(20)]
        write(folder / f"{number:02}", *records, narrow("same", Score=number), narrow(f"bad{number}", Changed="soon"))
    return folder


def test_a_process_beside_gives_the_same_tables_and_accounts(tmp_path: Path, early_process: None) -> None:
    """Rows, versions, dead letters and counts do not depend on the number of processes."""
    source = write_files(tmp_path / "in", 12)
    seen: list[Any] = []
    started: list[FlattenProcess] = []

    class Counted(FlattenProcess):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            started.append(self)

    for name, threads in (("one", 1), ("two", 2)):
        with (
            pytest.MonkeyPatch.context() as patch,
            opened(tmp_path / name, NARROW, threads=threads, batch_bytes=2_000) as home,
        ):
            patch.setattr(flattening, "FlattenProcess", Counted)
            result = load_into(home, source, obj=NARROW)
            assert result.batches > 5
            dead = sorted((letter.position, letter.payload_hash, letter.reason) for letter in letters(home, NARROW))
            seen.append((table(home, NARROW), lake_versions(home, NARROW), dead, totals(home, NARROW)))
    assert seen[0] == seen[1]
    assert len(started) == 1


def test_a_process_that_is_killed_ends_the_load_and_loses_nothing(tmp_path: Path, early_process: None) -> None:
    """The error says what happened and what to do; the next load goes on."""
    source = write_files(tmp_path / "in", 8)

    class Killed(FlattenProcess):
        def write(self, framed: Framed) -> Any:
            os.kill(self._process.pid, signal.SIGKILL)
            return super().write(framed)

    with opened(tmp_path / "home", NARROW, threads=2, batch_bytes=2_000) as home:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(flattening, "FlattenProcess", Killed)
            with pytest.raises(TransientError, match="exit code -9.*run the same command again"):
                load_into(home, source, obj=NARROW)
        load_into(home, source, obj=NARROW)
        assert totals(home, NARROW).read == 8 * 22
        assert totals(home, NARROW).dead_letter == 8
        assert len(table(home, NARROW)) == 8 * 20 + 1


def test_where_no_process_starts_threads_do_the_work(tmp_path: Path, early_process: None) -> None:
    """A load does not depend on a second process."""

    class Refused(FlattenProcess):
        def __init__(self, *_: object) -> None:
            raise OSError("no more processes")

    source = write_files(tmp_path / "in", 6)
    with pytest.MonkeyPatch.context() as patch, opened(tmp_path / "home", NARROW, threads=2, batch_bytes=2_000) as home:
        patch.setattr(flattening, "FlattenProcess", Refused)
        assert load_into(home, source, obj=NARROW).counts.read == 6 * 22


def framed(number: int) -> Framed:
    """A batch of one record."""
    plan = Plan(NARROW.name, "test", (FileRange(f"f{number}", "1", 0, 1, True, datetime(2026, 3, 9)),))
    return Framed(plan, ['{"ContactId":"a"}'], [0], [0], [], 10)


def test_reading_waits_where_the_source_says_so(tmp_path: Path, early_process: None) -> None:
    """After a None, nothing more is asked of the source before the None was passed on, with a process too."""
    events: list[str] = []

    def planned() -> Iterator[Framed | None]:
        for number in range(6):
            events.append(f"read {number}")
            yield framed(number)
            yield None

    with opened(tmp_path / "home", NARROW, threads=2) as home:
        records = FlattenPool(home.lake, NARROW).put_all(planned())
        events.extend("pause" if record is None else "put" for record in records)
    assert events == [event for number in range(6) for event in (f"read {number}", "put", "pause")]


def test_an_error_of_the_source_ends_the_load(tmp_path: Path, early_process: None) -> None:
    """It is raised where the records are taken, after those before it."""

    def planned() -> Iterator[Framed | None]:
        yield framed(0)
        yield framed(1)
        raise ValueError("the source broke")

    with opened(tmp_path / "home", NARROW, threads=2) as home, pytest.raises(ValueError, match="the source broke"):
        list(FlattenPool(home.lake, NARROW).put_all(planned()))


def test_batches_of_files_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batches are small, so that a short load has work for two cores; then they grow to the setting."""
    monkeypatch.setattr(reader.limits, "BATCH_BYTES_FIRST", 20_000)
    record = '{"ContactId":"' + "a" * 500 + '"}\n'
    for number in range(40):
        path = tmp_path / f"{number:02}"
        path.write_text(record * 10)
    sizes = [batch.bytes_read for batch in reader.read_batches(reader.list_files([str(tmp_path)]), {}, "x", 80_000)]
    assert sizes[:3] == sorted(sizes[:3])
    assert sizes[0] < 30_000 < max(sizes) < 90_000
    assert sum(sizes) == 40 * 10 * len(record)
