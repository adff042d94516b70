"""`undo`: lake, warehouse and account as if the batch had never been loaded, wherever it is stopped."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta
from pathlib import Path

import pytest
from homes import (
    NARROW,
    Row,
    assert_adds_up,
    jsonl,
    lake_best,
    lake_versions,
    letters,
    load_into,
    narrow,
    opened,
    place_of,
    table,
    totals,
    write,
)  # fmt: skip
from servers import seeds
from source_cases import KilledError, Steps

from trunkline.cli.main import run
from trunkline.errors import UsageError
from trunkline.ledger import index
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.jobs.undo import undo
from trunkline.pipelines.jobs.upkeep import compact, rebuild


def loads(rng: random.Random) -> list[bytes]:
    """Files that share contacts: versions in any order, moved dates, copies, poison."""
    files = []
    for number in range(4):
        records = [
            narrow(
                f"c{rng.randrange(5)}",
                Began=f"2026-03-0{rng.choice((3, 3, 4, 5))}T10:00:00Z",
                Changed=f"2026-03-06T10:00:0{rng.randrange(6)}Z",
                Score=rng.randrange(3),
            )
            for _ in range(rng.randrange(1, 6))
        ]
        files.append(jsonl(records) + b"\n{poison %d}\n" % number * rng.randrange(2))
    return files


def looked_at(home: Home) -> tuple[list[Row], list[Row], list[Row], int, int]:
    """What must be as if the batch had never been."""
    counts = totals(home, NARROW)
    assert_adds_up(counts)
    assert counts.inserted == len(table(home, NARROW))
    return table(home, NARROW), lake_best(home, NARROW), lake_versions(home, NARROW), counts.read, counts.dead_letter


def batch_of(home: Home, path: Path) -> str:
    """The batch that a file was loaded in."""
    ((batch_id,),) = home.warehouse.query(
        "SELECT batch_id FROM ledger.batch WHERE first_position LIKE $1", [f"{path}@%"]
    )
    return str(batch_id)


@pytest.mark.parametrize(("each_target", "seed"), seeds(12, 1, of_redshift=0, of_duckdb=2), indirect=["each_target"])
def test_as_if_it_had_never_been_loaded(tmp_path: Path, each_target: str, seed: int) -> None:
    """Whatever the batch's versions did to those of others; a rebuild agrees, and the file is not read again."""
    rng = random.Random(seed)
    files = loads(rng)
    wrong = rng.randrange(len(files))
    with opened(tmp_path / "right", NARROW) as home:
        for number, data in enumerate(files):
            if number != wrong:
                load_into(home, _written(tmp_path / "in" / str(number), data), obj=NARROW)
        expected = looked_at(home)
    with opened(tmp_path / "home", NARROW) as home:
        for number, data in enumerate(files):
            load_into(home, _written(tmp_path / "in" / str(number), data), obj=NARROW)
        before = totals(home, NARROW)
        done = undo(home, [NARROW], batch_of(home, tmp_path / "in" / str(wrong))[:12])
        assert looked_at(home) == expected
        assert done.records == before.read - expected[3]
        assert len(letters(home, NARROW)) == expected[4]
        assert load_into(home, tmp_path / "in", obj=NARROW).counts.read == 0
        rebuild(home, NARROW)
        assert looked_at(home) == expected
        with pytest.raises(UsageError, match="was undone before"):
            undo(home, [NARROW], done.batch_id)


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_bytes(data)
    return path


@pytest.mark.usefixtures("each_target")
def test_stopped_anywhere(tmp_path: Path) -> None:
    """Killed before any step that leaves a trace, the next run resumes the undo once its intent is recorded."""
    paths = [
        write(tmp_path / "in" / "a", narrow("x"), narrow("y")),
        write(tmp_path / "in" / "b", narrow("x", Began="2026-03-04T10:00:00Z", Changed="2026-03-06T10:00:00Z")),
    ]
    each = 3 if place_of(tmp_path) else 1  # of the same steps, at the price of a server's database for each
    for step in itertools.count(2, each):  # the first step records the intent
        with opened(tmp_path / str(step), NARROW, batch_bytes=1) as home:
            load_into(home, tmp_path / "in", obj=NARROW)
            try:
                undo(Steps(step).home(home), [NARROW], batch_of(home, paths[1]))
            except KilledError:
                assert load_into(home, tmp_path / "in", obj=NARROW).counts.read == 0
            else:
                break
            assert [(row["id"], row["began_at"].day) for row in table(home, NARROW)] == [("x", 3), ("y", 3)]
            assert lake_best(home, NARROW) == table(home, NARROW)
            assert (totals(home, NARROW).read, totals(home, NARROW).inserted) == (2, 2)
            assert list(home.store.list("_ledger/undo/narrow/")) == []


def test_a_lost_warehouse_knows_of_it(tmp_path: Path) -> None:
    """The lake's ledger has the entry, so that a new warehouse comes out the same."""
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, write(tmp_path / "in" / "a", narrow("x")), obj=NARROW)
        second = write(tmp_path / "in" / "b", narrow("x", Score=9), narrow("z"))
        load_into(home, second, obj=NARROW)
        undo(home, [NARROW], batch_of(home, second))
        expected, counts = looked_at(home), totals(home, NARROW)
    (tmp_path / "home" / "warehouse.duckdb").unlink()
    with opened(tmp_path / "home", NARROW) as home:
        rebuild(home, NARROW)
        assert (looked_at(home), totals(home, NARROW)) == (expected, counts)


def test_what_cannot_be_undone(tmp_path: Path) -> None:
    """An unknown batch, one whose letters were landed, one that was compacted: each says what to do."""
    with opened(tmp_path / "home", NARROW) as home:
        path = tmp_path / "in" / "a"
        path.parent.mkdir()
        path.write_bytes(jsonl([narrow("a"), narrow("b", Changed="soon")]))
        load_into(home, path, obj=NARROW)
        batch = batch_of(home, path)
        with pytest.raises(UsageError, match="no batch has an id that begins with 'nothing'"):
            undo(home, [NARROW], "nothing")
        replay(home, NARROW, letters(home, NARROW))
        undo(home, [NARROW], next(iter(index.merged_batches(home.warehouse, NARROW.name) - {batch})))
        assert [one.replayed_in for one in letters(home, NARROW)] == [None]
        compact(home, NARROW, timedelta(hours=1))
        with pytest.raises(UsageError, match="was compacted together with others"):
            undo(home, [NARROW], batch)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`undo BATCH` says how many records went."""
    with opened(tmp_path / "home") as home:
        from homes import contact

        path = write(tmp_path / "in" / "a", contact("a"), contact("b"))
        load_into(home, path)
        batch = batch_of(home, path)
    key = ["--home", str(tmp_path / "home"), "--output", "csv"]
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "a key for tests")
    assert run(["undo", batch[:10], *key]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"contact_record,{batch},2,-2"
    assert run(["undo", batch[:10], *key]) == 2
