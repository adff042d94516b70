"""`kill -9` at any point and a run after it: the same tables, nothing left over, the same account (must hold 3)."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from homes import (
    NARROW,
    Row,
    assert_adds_up,
    jsonl,
    lake_best,
    lake_files,
    lake_versions,
    letters,
    load_into,
    narrow,
    opened,
    place_of,
    table,
    totals,
)  # fmt: skip
from servers import seeds
from warm import Warm

from trunkline.accounting import Counts
from trunkline.lake import layout
from trunkline.lake.store import FolderStore
from trunkline.ledger.records import decode_batch
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.jobs.upkeep import rebuild
from trunkline.pipelines.set_aside import kept_bytes

# Each test starts several processes, which on a busy machine takes its time.
pytestmark = pytest.mark.timeout(300)
DRIVER = Path(__file__).parents[1] / "support" / "killed_run.py"


@cache
def warm() -> Warm:
    """The interpreter that the killed processes are forked from; it ends with the tests' own process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return Warm(
        ["duckdb", "homes", "psycopg", "adbc_driver_manager", "boto3", "trunkline.pipelines.jobs.load"], environment
    )


def history(rng: random.Random) -> list[bytes]:
    """Deliveries of a few contacts: versions, duplicates, moved dates, poison."""
    pieces = []
    for _ in range(rng.randrange(12, 24)):
        day = rng.choice(("03", "03", "04"))
        record = narrow(
            f"c{rng.randrange(6)}",
            Began=f"2026-03-{day}T10:00:00Z",
            Changed=rng.choice((..., "2026-03-05T10:00:00Z", "2026-03-05T10:00:01Z", "2026-03-05T10:00:02Z")),
            Score=rng.randrange(3),
        )
        pieces.append(jsonl([record]))
        if rng.random() < 0.15:
            pieces.append(f'\n{{"poison":{rng.randrange(3)},}}\n'.encode())
    return pieces


def write_source(folder: Path, rng: random.Random) -> None:
    """The deliveries in a few files."""
    folder.mkdir()
    pieces = history(rng)
    while pieces:
        size = rng.randrange(1, len(pieces) + 1)
        (folder / f"{len(list(folder.iterdir())):02}").write_bytes(b"".join(pieces[:size]))
        del pieces[:size]


def run(home: Path, source: Path, options: dict[str, Any], action: str, step: str = "0") -> list[str] | None:
    """Run an action in a process of its own; the kinds of its steps in order, None when it was killed before one."""
    # The stand-in for S3 lives in this process alone; what is loaded here is small enough to go without.
    options = options | {"warehouse": place_of(home).partition("&staging=")[0]}
    command = [str(DRIVER), str(home), str(source), json.dumps(options), action, step]
    done = warm().run(command, os.environ)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return json.loads(done.stdout) if done.returncode == 0 else None


# Between the others a death leaves what it leaves before the next of these.
LASTING = ("put ", "remove ", "INSERT ", "DELETE ", "UPDATE ", "COMMIT", "DROP ")


def lasting(kinds: Sequence[str]) -> list[str]:
    """The kinds of steps that leave something, in the order in which they first come."""
    return [kind for kind in dict.fromkeys(kinds) if kind.startswith(LASTING)]


Seen = tuple[list[Row], list[Row], list[tuple[str, str]]]


def look(home: Home) -> Seen:
    """What must be the same after any number of deaths."""
    return (
        table(home, NARROW),
        lake_versions(home, NARROW),
        sorted((one.position, one.payload_hash) for one in letters(home, NARROW, is_open=False)),
    )


def comparable(counts: Counts) -> tuple[int, int, int, int]:
    """The terms that do not depend on which batches were merged together."""
    return counts.read, counts.accepted, counts.dead_letter, counts.inserted


def assert_nothing_left(home: Home) -> None:
    """Nothing begun is lying about, and every object of the lake belongs to something."""
    name = NARROW.name
    store = home.store
    assert list(store.list(layout.plan_key(name, "").removesuffix(".json"))) == []
    root = home.settings.home
    assert [
        path for path in root.rglob("*") if path.is_file() and (".part" in path.name or "unfinished" in str(path))
    ] == []
    batches = {key.split("/")[-1].removesuffix(".json") for key in store.list(f"_ledger/batch/{name}/")}
    merges = {key.split("/")[-1].removesuffix(".json") for key in store.list(f"_ledger/merge/{name}/")}
    held = {row[0] for row in home.warehouse.query("SELECT batch_id FROM ledger.batch")}
    assert batches == merges == held
    for key in lake_files(home, NARROW):
        assert layout.batch_of(key) in batches or "/compacted-" in key
    kept = {key.split("/")[-1].removesuffix(".jsonl") for key in store.list(f"_dead_letter_bytes/{name}/")}
    assert kept <= batches
    for one in letters(home, NARROW, is_open=False):
        assert kept_bytes(home, one).length == one.length
    incomplete = home.warehouse.query("SELECT count(*) FROM ledger.position WHERE NOT is_complete")
    assert incomplete == [(0,)]


@dataclass(frozen=True)
class Whole:
    """A load that nobody killed: its files, how it was run, its number of steps, and what it left."""

    source: Path
    options: dict[str, Any]
    kinds: list[str]
    seen: Seen
    counts: Counts


# Batches from a record or two to the whole file, by one thread and by two.
WAYS = ((300, 2), (900, 1), (2_500, 2))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Whole]:
    """The load of a history, run once."""

    @cache
    def made(history: int) -> Whole:
        folder = tmp_path_factory.mktemp("whole")
        write_source(folder / "in", random.Random(history))
        size, threads = WAYS[history % len(WAYS)]
        options = {"batch_bytes": size, "threads": threads}
        kinds = run(folder / "home", folder / "in", options, "load")
        assert kinds is not None
        with opened(folder / "home", NARROW, batch_bytes=size) as home:
            return Whole(folder / "in", options, kinds, look(home), totals(home, NARROW))

    return made


def soaked(numbers: range, default: int) -> list[Any]:
    """Numbers as parameters, those from `default` on in the long run alone."""
    return [pytest.param(n, marks=[pytest.mark.soak] if n >= default else []) for n in numbers]


@pytest.mark.parametrize("share", soaked(range(2), default=1))
@pytest.mark.parametrize("history", soaked(range(30), default=3))
def test_a_load_killed_anywhere(tmp_path: Path, whole: Callable[[int], Whole], history: int, share: int) -> None:
    """Loads are killed before steps of one kind after another, the next one ends what they began; a rebuild changes nothing.

    Each kind is in one of three histories, and in the long run in two. There in further histories the first death is
    anywhere, and others follow it soon.
    """
    one = whole(history)
    fatal = [f"1 {kind}" for kind in lasting(one.kinds)[(share + history) % 3 :: 3]]
    if history >= len(WAYS):
        rng = random.Random(f"{history} {share}")
        # Then before the first step of the next one, since what is nearly done has few.
        fatal = [str(rng.randrange(1, len(one.kinds))), "1", *(str(rng.randrange(1, 15)) for _ in range(2)), *fatal]
    deaths = [run(tmp_path / "home", one.source, one.options, "load", step) is None for step in fatal]
    assert sum(deaths) > 1
    with opened(tmp_path / "home", NARROW, batch_bytes=one.options["batch_bytes"]) as home:
        load_into(home, one.source, obj=NARROW)
        assert_adds_up(totals(home, NARROW))
        assert comparable(totals(home, NARROW)) == comparable(one.counts)
        assert look(home) == one.seen
        assert_nothing_left(home)
        assert lake_best(home, NARROW) == one.seen[0]
        again = load_into(home, one.source, obj=NARROW)
        assert (again.counts.read, again.recovered) == (0, 0)
        rebuild(home, NARROW)
        assert look(home) == one.seen
    for record in (tmp_path / "home" / "lake" / "_ledger" / "batch").rglob("*.json"):
        for put in decode_batch(record.read_bytes()).puts:
            assert (tmp_path / "home" / "lake" / put.key).exists()


@pytest.mark.parametrize("seed", soaked(range(12), default=1))
@pytest.mark.parametrize("action", ["compact", "rebuild", "replay"])
def test_upkeep_killed_anywhere(tmp_path: Path, action: str, seed: int) -> None:
    """A compaction, a rebuild and a replay killed at any step lose nothing; the next one does the work."""
    rng = random.Random(f"{action} {seed}")
    source = tmp_path / "in"
    write_source(source, rng)
    (source / "99").write_bytes(b"{poison}\n")
    options = {"batch_bytes": 600}
    with opened(tmp_path / "home", NARROW, **options) as home:
        load_into(home, source, obj=NARROW)
        expected, counts = look(home), totals(home, NARROW)
    # The home's URLs name its folder, so the copy keeps what it was and the original is the one that is counted.
    shutil.copytree(tmp_path / "home", tmp_path / "kept")
    kinds = run(tmp_path / "home", source, options, action)
    assert kinds is not None
    shutil.rmtree(tmp_path / "home")
    (tmp_path / "kept").rename(tmp_path / "home")
    # The first death is late, when a part is done already; by default each other comes before the first of its kind.
    fatal = [f"{rng.randint(1, kinds.count(kind)) if seed else 1} {kind}" for kind in lasting(kinds)]
    fatal.insert(0, f"{kinds.count(lasting(kinds)[0])} {lasting(kinds)[0]}")
    if seed:  # what is nearly done may end before it comes to a step chosen by chance
        fatal.insert(1, "1")
    deaths = 0
    for step in fatal:
        deaths += run(tmp_path / "home", source, options, action, step) is None
        with opened(tmp_path / "home", NARROW, **options) as home:
            assert lake_versions(home, NARROW) == expected[1]
            assert lake_best(home, NARROW) == table(home, NARROW) == expected[0]
    assert deaths > 1
    assert run(tmp_path / "home", source, options, action) is not None
    with opened(tmp_path / "home", NARROW, **options) as home:
        assert load_into(home, source, obj=NARROW).counts.read == 0
        assert look(home) == expected
        assert totals(home, NARROW) == counts
        assert_nothing_left(home)
        rebuild(home, NARROW)
        assert look(home) == expected


def on_servers(parameters: list[Any]) -> list[Any]:
    """Those whose target is no DuckDB."""
    return [one for one in parameters if one.values[0] != "duckdb"]


@pytest.mark.parametrize(("each_target", "seed"), on_servers(seeds(32, 1)), indirect=["each_target"])
def test_a_load_killed_on_a_server(tmp_path: Path, each_target: str, seed: int) -> None:
    """Up to three loads are killed at random steps, the next one ends what they began; a rebuild changes nothing."""
    rng = random.Random(seed)
    source = tmp_path / "in"
    write_source(source, rng)
    options = {"batch_bytes": rng.choice((300, 900, 2_500))}
    threads = {"threads": rng.choice((1, 2))}
    kinds = run(tmp_path / "reference", source, options | threads, "load")
    assert kinds is not None
    with opened(tmp_path / "reference", NARROW, **options) as home:
        expected, counts = look(home), totals(home, NARROW)
    deaths = 0
    for _ in range(rng.randrange(1, 4)):
        deaths += run(tmp_path / "home", source, options | threads, "load", str(rng.randrange(1, len(kinds)))) is None
    assert deaths
    with opened(tmp_path / "home", NARROW, **options) as home:
        load_into(home, source, obj=NARROW)
        assert_adds_up(totals(home, NARROW))
        assert comparable(totals(home, NARROW)) == comparable(counts)
        assert look(home) == expected
        assert_nothing_left(home)
        assert lake_best(home, NARROW) == expected[0]
        again = load_into(home, source, obj=NARROW)
        assert (again.counts.read, again.recovered) == (0, 0)
        rebuild(home, NARROW)
        assert look(home) == expected
    for record in (tmp_path / "home" / "lake" / "_ledger" / "batch").rglob("*.json"):
        for put in decode_batch(record.read_bytes()).puts:
            assert (tmp_path / "home" / "lake" / put.key).exists()


@pytest.mark.parametrize("action", ["compact", "rebuild", "replay"])
@pytest.mark.parametrize(("each_target", "seed"), on_servers(seeds(3, 1, of_redshift=0)), indirect=["each_target"])
def test_upkeep_killed_on_a_server(tmp_path: Path, each_target: str, action: str, seed: int) -> None:
    """A compaction, a rebuild and a replay killed at random steps lose nothing; the next one does the work."""
    rng = random.Random(f"{action} {seed}")
    source = tmp_path / "in"
    write_source(source, rng)
    (source / "99").write_bytes(b"{poison}\n")
    options = {"batch_bytes": 600}
    for name in ("home", "counted"):
        with opened(tmp_path / name, NARROW, **options) as home:
            load_into(home, source, obj=NARROW)
            expected, counts = look(home), totals(home, NARROW)
    kinds = run(tmp_path / "counted", source, options, action)
    assert kinds is not None
    for _ in range(3):
        run(tmp_path / "home", source, options, action, str(rng.randrange(1, len(kinds))))
        with opened(tmp_path / "home", NARROW, **options) as home:
            assert lake_versions(home, NARROW) == expected[1]
            assert lake_best(home, NARROW) == expected[0]
    assert run(tmp_path / "home", source, options, action) is not None
    with opened(tmp_path / "home", NARROW, **options) as home:
        assert load_into(home, source, obj=NARROW).counts.read == 0
        assert look(home) == expected
        assert totals(home, NARROW) == counts
        assert_nothing_left(home)
        rebuild(home, NARROW)
        assert look(home) == expected


def test_a_warehouse_lost_between_runs(tmp_path: Path) -> None:
    """A warehouse file that is gone, even after compaction, is filled again from the lake with the same account."""
    from datetime import timedelta

    from trunkline.pipelines.jobs.upkeep import compact

    source = tmp_path / "in"
    write_source(source, random.Random(7))
    with opened(tmp_path / "home", NARROW, batch_bytes=600) as home:
        load_into(home, source, obj=NARROW)
        expected, counts = look(home), totals(home, NARROW)
        compact(home, NARROW, timedelta(0))
    (tmp_path / "home" / "warehouse.duckdb").unlink()
    with opened(tmp_path / "home", NARROW, batch_bytes=600) as home:
        assert load_into(home, source, obj=NARROW).counts.read == 0
        assert look(home) == expected
        assert totals(home, NARROW) == counts
        assert_nothing_left(home)
    (tmp_path / "home" / "warehouse.duckdb").unlink()
    with opened(tmp_path / "home", NARROW, batch_bytes=600) as home:
        rebuild(home, NARROW)
        assert look(home) == expected
        assert totals(home, NARROW) == counts


def test_a_file_that_changed_after_the_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch over two files, stopped after its rows were put; one file changes: its rows go, the other's are read."""
    source = tmp_path / "in"
    source.mkdir()
    (source / "a").write_bytes(jsonl([narrow("a")]))
    (source / "b").write_bytes(jsonl([narrow("b")]))

    def die(self: FolderStore, data: bytes, key: str, is_private: bool = False) -> None:
        if "/batch/" in key:
            raise KeyboardInterrupt
        put(self, data, key, is_private)

    put = FolderStore.put_bytes
    with monkeypatch.context() as patch, opened(tmp_path / "home", NARROW) as home:
        patch.setattr(FolderStore, "put_bytes", die)
        with pytest.raises(KeyboardInterrupt):
            load_into(home, source, obj=NARROW)
        assert len(lake_files(home, NARROW)) == 1
    (source / "b").write_bytes(jsonl([narrow("c"), narrow("d")]))
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, source, obj=NARROW)
        assert [row["id"] for row in table(home, NARROW)] == ["a", "c", "d"]
        assert [row["id"] for row in lake_versions(home, NARROW)] == ["a", "c", "d"]
        assert comparable(totals(home, NARROW)) == (3, 3, 0, 3)
        assert_nothing_left(home)


def test_a_replay_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    """Dead letters of a killed replay are counted once, and as often as a replay that was not killed counts them."""
    source = tmp_path / "in"
    source.mkdir()
    (source / "a").write_bytes(jsonl([narrow("a")]) + b"{poison}\n" + jsonl([narrow("b", Changed="soon")]))
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, source, obj=NARROW)
        counts = totals(home, NARROW)
    kinds = run(tmp_path / "home", source, {}, "replay")
    assert kinds is not None
    for step in range(2, len(kinds), 9):
        run(tmp_path / "home", source, {}, "replay", str(step))
    with opened(tmp_path / "home", NARROW) as home:
        replay(home, NARROW, letters(home, NARROW))
        assert totals(home, NARROW) == counts
        assert len(letters(home, NARROW)) == 2
        assert_nothing_left(home)
