"""Reconcile names exactly what is lost, heals it, and certifies what it can prove (must hold 2)."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homes import Record, lake_files, load_into, opened, write
from hypothesis import example, given, settings
from hypothesis import strategies as st
from registers import NOON, TALLY, Memory, tally

from trunkline.completeness.period_records import load_records, open_findings
from trunkline.completeness.periods import settle_rule
from trunkline.errors import UsageError
from trunkline.pipelines import batches
from trunkline.pipelines.connect.reconcile import ReconcileRequest, ReconcileResult, plan, reconcile
from trunkline.pipelines.connect.verify import verify_all
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.upkeep import rebuild
from trunkline.pipelines.merging import merge_batches
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Mark

pytestmark = pytest.mark.timeout(300)
RULE = settle_rule((6, 24, 72))
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATER = NOON + 4 * DAY
"""When 3 March has settled."""


def run(home: Home, register: Memory, **more: Any) -> ReconcileResult:
    return reconcile(home, TALLY, register.at(home), ReconcileRequest(register.now, RULE, **more))


def missing(home: Home, outcome: ReconcileResult) -> dict[str, str]:
    """Ids that are missing, and why."""
    found = [one for record in outcome.records for one in open_findings(home.store, record, home.scratch)]
    return {one.id: one.why for one in found if one.why not in ("only in stream", "dropped by rule")}


def day_of(outcome: ReconcileResult, name: str = "2026-03-03") -> Any:
    return next(one for one in outcome.records if one.name == name)


def contacts(count: int) -> list[Record]:
    """Contacts spread over 2 and 3 March; the first of them began the day before they ended."""
    return [
        tally(f"c-{n:03}", NOON - timedelta(hours=35) + timedelta(minutes=97 * n), 3_600 * (n % 5))
        for n in range(count)
    ]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The stream's file."""
    return tmp_path / "in" / "file"


def test_a_complete_day_is_certified(tmp_path: Path, source: Path) -> None:
    """Nothing lost: nothing missing, the days are closed, and the hash is over their pairs, as sort and sha256sum do it."""
    records = contacts(20)
    write(source, *records)
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        outcome = run(home, Memory.of(records, LATER))
        assert missing(home, outcome) == {}
        assert [one.state for one in outcome.records] == ["closed"] * 2 + ["settling"] * 3 + ["open"]
        held = sorted((r["ContactId"], r["Ended"]) for r in records if r["Ended"].startswith("2026-03-03"))
        day = day_of(outcome)
        assert (day.pairs, day.counts.listed, day.counts.lake, day.counts.stream) == (len(held),) * 4
        assert day.sha256 == hashlib.sha256("".join(f"{i} {t}\n" for i, t in held).encode()).hexdigest()


RECORDS = contacts(40)


@example(lost=set(range(40)))
@given(lost=st.sets(st.integers(0, 39)))
@settings(max_examples=2, deadline=None)
def test_any_subset_lost_is_named_and_healed(tmp_path_factory: pytest.TempPathFactory, lost: set[int]) -> None:
    """Whatever the stream lost, exactly that is missing; healing completes the set with one call for each, and no more."""
    assert_healed(tmp_path_factory, lost)


@pytest.mark.soak
@given(lost=st.sets(st.integers(0, 39)))
@settings(max_examples=200, deadline=None)
def test_many_subsets_lost_are_named_and_healed(tmp_path_factory: pytest.TempPathFactory, lost: set[int]) -> None:
    """The same, long."""
    assert_healed(tmp_path_factory, lost)


def assert_healed(tmp_path_factory: pytest.TempPathFactory, lost: set[int]) -> None:
    """Lose these, reconcile, heal."""
    folder = tmp_path_factory.mktemp("lost")
    write(folder / "in", *(record for n, record in enumerate(RECORDS) if n not in lost))
    ids = {RECORDS[n]["ContactId"] for n in lost}
    register = Memory.of(RECORDS, LATER + DAY)
    with opened(folder / "home", TALLY) as home:
        load_into(home, folder / "in", obj=TALLY)
        since = NOON.date() - DAY
        named = run(home, register, since=since)
        assert missing(home, named) == dict.fromkeys(ids, "never seen")
        register.calls_max = register.searches + len(ids)
        healed = run(home, register, since=since, is_healing=True)
        assert (missing(home, healed), healed.healed, sorted(register.fetches)) == ({}, len(ids), sorted(ids))
        assert healed.is_complete
        assert [one.state for one in healed.records if one.name < "2026-03-05"] == ["closed"] * 3
        assert sum(one.pairs or 0 for one in healed.records) == len(RECORDS)
        assert sum(one.counts.at_api_fidelity for one in healed.records) == len(ids)


def test_the_stream_replaces_a_healed_row_without_changing_a_certificate(tmp_path: Path, source: Path) -> None:
    """The exported record arrives later: it replaces the row of the API, and the period says the same as before."""
    records = contacts(12)
    write(source, *records[:5])
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        register = Memory.of(records, LATER)
        before = run(home, register, is_healing=True)
        scores = "SELECT count(score), count(*) FROM connect.f_tally"
        assert home.con.execute(scores).fetchall() == [(5, 12)]
        load_into(
            home, write(tmp_path / "late", *(r | {"Changed": "2026-03-07T00:00:00Z"} for r in records)), obj=TALLY
        )
        assert home.con.execute(scores).fetchall() == [(12, 12)]
        register.now += HOUR
        after = run(home, register)
        assert after.amended == ()
        held = {one.name: one.sha256 for one in load_records(home.store, "tally")}
        assert {one.name: one.sha256 for one in before.records} == held


def test_each_missing_contact_has_its_reason(tmp_path: Path, source: Path) -> None:
    """A dead letter, a contact that ended just now, one that nobody saw: each is reported apart."""
    now = NOON + 12 * HOUR
    lettered, late, never = tally("lettered"), tally("late", now - HOUR), tally("never", NOON - 3 * HOUR)
    write(source, tally("held"), lettered | {"Changed": "many"})
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        register = Memory.of([tally("held"), lettered, late, never], now)
        outcome = run(home, register)
        assert missing(home, outcome) == {"lettered": "dead letter", "late": "late", "never": "never seen"}
        counts = day_of(outcome).counts
        assert (counts.listed, counts.stream, counts.lake, counts.missing) == (4, 2, 1, 3)
        detail = home.con.execute("SELECT detail FROM ledger.sighting WHERE why = 'dead letter'").fetchall()[0][0]
        assert detail.startswith("wrong_type at ")
        assert "many" not in detail


def test_a_deleted_contact_is_not_missing(tmp_path: Path, source: Path) -> None:
    """What a later version deletes is listed and not held, for a stated reason; the day is closed without it."""
    write(source, tally("held"), tally("dropped"))
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        deleted = tally("dropped") | {"Changed": "2026-03-03T13:00:00Z"}
        put(home, [deleted], [Mark("stream", None, True)])
        outcome = run(home, Memory.of([tally("held"), tally("dropped")], LATER))
        day = day_of(outcome)
        assert (day.state, day.pairs, day.counts.dropped, day.counts.missing, day.why) == (
            "closed", 1, 1, 0, {"dropped by rule": 1},
        )  # fmt: skip


def test_a_contact_that_is_only_in_the_stream_is_reported(tmp_path: Path, source: Path) -> None:
    """The listing lacks a contact that is held: that is said, and is no gap."""
    write(source, tally("a"), tally("b"))
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        outcome = run(home, Memory.of([tally("a"), tally("b")], LATER, unlisted={"b"}))
        day = day_of(outcome)
        assert (day.state, day.pairs, day.counts.only_in_stream, day.why) == ("closed", 2, 1, {"only in stream": 1})
        assert outcome.is_complete


def test_not_listed_yet_is_not_only_in_the_stream(tmp_path: Path, source: Path) -> None:
    """What ended within the lag was not asked for, so nothing is said of it."""
    now = NOON + HOUR
    write(source, tally("a", now - 5 * timedelta(minutes=1)))
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        day = day_of(run(home, Memory.of([], now)))
        assert (day.state, day.counts.lake, day.counts.only_in_stream, day.why) == ("open", 1, 0, {})


def test_a_contact_that_has_not_ended_belongs_to_no_period(tmp_path: Path, source: Path) -> None:
    """It is counted as open; held from the API as it was before it ended, it is fetched again when it has."""
    write(source, tally("ended"))
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        put(home, [tally("running", None)], [Mark("api")])
        register = Memory.of([tally("ended"), tally("running", None)], NOON + 2 * HOUR)
        outcome = run(home, register)
        assert (outcome.open_rows, missing(home, outcome), day_of(outcome).counts.lake) == (1, {}, 1)
        register.records["running"] = tally("running", NOON + HOUR)
        register.now = LATER
        assert missing(home, run(home, register)) == {"running": "held open"}
        healed = run(home, register, is_healing=True)
        assert (healed.open_rows, missing(home, healed), day_of(healed).pairs) == (0, {}, 2)


def test_a_contact_that_completes_late_is_found_at_a_later_visit(tmp_path: Path, source: Path) -> None:
    """After-call work of twenty hours: the day is not certified before, and the contact is missing when it is listed."""
    write(source, tally("a"))
    slow = tally("slow", NOON + 10 * HOUR)
    register = Memory.of([tally("a"), slow], NOON + 13 * HOUR, visible_at={"slow": NOON + 30 * HOUR})
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        states = []
        for hours in (13, 19, 37, 85):
            register.now = NOON + hours * HOUR
            outcome = run(home, register)
            states.append((day_of(outcome).state, sorted(missing(home, outcome))))
        assert states == [("settling", []), ("settling", []), ("settling", ["slow"]), ("settling", ["slow"])]
        outcome = run(home, register, is_healing=True)
        assert (day_of(outcome).state, day_of(outcome).pairs) == ("closed", 2)


def closed_day(home: Home, source: Path, *records: Record, **more: Any) -> Memory:
    """A home whose day of these contacts is closed."""
    write(source, *records)
    load_into(home, source, obj=TALLY)
    register = Memory.of(records, LATER, **more)
    assert day_of(run(home, register)).state == "closed"
    register.now += HOUR
    return register


def test_what_completes_after_closing_is_an_amendment_that_names_it(tmp_path: Path, source: Path) -> None:
    """The stream brings a contact of a closed day: the certificate stays, an amendment has its id and the hash after."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"))
        load_into(home, write(tmp_path / "late", tally("b", NOON + HOUR)), obj=TALLY)
        outcome = run(home, register)
        assert outcome.amended == ("2026-03-03",)
        assert home.con.execute(
            "SELECT number, id, change, ended_before, ended_after FROM ledger.amendment"
        ).fetchall() == [(1, "b", "completed", None, datetime(2026, 3, 3, 13))]
        record = next(one for one in load_records(home.store, "tally") if one.name == "2026-03-03")
        text = "a 2026-03-03T12:00:00Z\nb 2026-03-03T13:00:00Z\n"
        assert (record.pairs, record.sha256) == (2, hashlib.sha256(text.encode()).hexdigest())
        register.now += HOUR
        assert run(home, register).amended == ()
        assert verdicts(home) == {"2026-03-03": ()}


def test_a_contact_that_moves_amends_both_days(tmp_path: Path, source: Path) -> None:
    """A later version has another end: out of one closed day, into the other, named in both."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"), tally("b"), tally("c", NOON - DAY))
        moved = tally("b", NOON - DAY) | {"Began": tally("b")["Began"], "Changed": "2026-03-05T00:00:00Z"}
        load_into(home, write(tmp_path / "late", moved), obj=TALLY)
        assert run(home, register).amended == ("2026-03-02", "2026-03-03")
        rows = home.con.execute("SELECT period_start, id, change FROM ledger.amendment ORDER BY 1").fetchall()
        assert [(str(start.date()), id_, change) for start, id_, change in rows] == [
            ("2026-03-02", "b", "completed"), ("2026-03-03", "b", "moved out"),
        ]  # fmt: skip
        assert verdicts(home) == {"2026-03-02": (), "2026-03-03": ()}


def test_moves_that_keep_the_number_of_rows_are_seen(tmp_path: Path, source: Path) -> None:
    """One contact leaves a closed day and another comes: the number is the same, and both are named."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"), tally("b"))
        out = tally("b", NOON + 3 * DAY) | {"Began": tally("b")["Began"], "Changed": "2026-03-07T00:00:00Z"}
        load_into(home, write(tmp_path / "late", out, tally("z")), obj=TALLY)
        assert run(home, register).amended == ("2026-03-03",)
        rows = home.con.execute("SELECT id, change FROM ledger.amendment ORDER BY 1").fetchall()
        assert rows == [("b", "moved out"), ("z", "completed")]


def test_a_contact_whose_begin_moves_is_found_in_its_new_partition(tmp_path: Path, source: Path) -> None:
    """A version with another date of begin lies in another partition; the old one has a tombstone. It stays held."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"), tally("b"))
        moved = tally("b") | {"Began": "2026-03-01T08:00:00Z", "Changed": "2026-03-05T00:00:00Z"}
        load_into(home, write(tmp_path / "late", moved), obj=TALLY)
        assert run(home, register).amended == ()
        assert verdicts(home) == {"2026-03-03": ()}


def test_late_versions_of_a_held_contact_change_nothing(tmp_path: Path, source: Path) -> None:
    """Six days later an attribute changes: no amendment, the same hash."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"))
        load_into(
            home, write(tmp_path / "late", tally("a") | {"Score": 9, "Changed": "2026-03-08T10:00:00Z"}), obj=TALLY
        )
        register.now = NOON + 6 * DAY
        assert run(home, register).amended == ()
        assert verdicts(home) == {"2026-03-03": ()}


def test_rows_of_another_instance_are_not_counted(tmp_path: Path, source: Path) -> None:
    """Two centres in one warehouse: each has its own listing, its own periods and its own certificate."""
    mine, theirs = tally("m"), tally("t", Centre="b")
    write(source, mine, theirs)
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        for record, centre in ((mine, "a"), (theirs, "b")):
            register = Memory.of([record], LATER, source=f"centre-{centre}", scope=("centre", centre))
            day = day_of(run(home, register))
            assert (day.state, day.pairs, day.counts.lake, day.counts.only_in_stream) == ("closed", 1, 1, 0)
        assert len(load_records(home.store, "tally")) == 10


def test_a_contact_that_the_api_no_longer_knows_stays_missing(tmp_path: Path, source: Path) -> None:
    """Listed, and gone when it is asked for: said so, and the day is not closed over it."""
    write(source, tally("a"))
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        outcome = run(home, Memory.of([tally("a"), tally("gone")], LATER, unknown={"gone"}), is_healing=True)
        assert missing(home, outcome) == {"gone": "gone from the API"}
        assert (day_of(outcome).state, outcome.is_complete, outcome.healed) == ("settling", False, 0)


def test_a_run_killed_at_any_call_continues_where_it_stopped(tmp_path: Path, source: Path) -> None:
    """Stopped before any call: the next run repeats no search that was kept and fetches nothing twice; the same end."""
    records = contacts(30)
    write(source, *records[::3])
    with opened(tmp_path / "whole", TALLY) as home:
        load_into(home, source, obj=TALLY)
        whole = Memory.of(records, LATER)
        run(home, whole, is_healing=True)
        expected = [(one.name, one.state, one.sha256) for one in load_records(home.store, "tally")]
    total = whole.searches + len(whole.fetches)
    for stop in (7, whole.searches + 3, total - 1):
        register = Memory.of(records, LATER)
        with opened(tmp_path / f"at-{stop}", TALLY) as home:
            load_into(home, source, obj=TALLY)
            register.calls_max = stop
            with pytest.raises(AssertionError, match="quota"):
                run(home, register, is_healing=True)
            # Searches that were not kept (of the stretch in hand) and fetches not yet put are repeated, no other.
            register.calls_max = 10_000
            run(home, register, is_healing=True)
            found = [(one.name, one.state, one.sha256) for one in load_records(home.store, "tally")]
            assert found == expected
            assert register.searches <= whole.searches + 1
            assert set(register.fetches) == set(whole.fetches)


def test_a_plan_estimates_the_cost_and_changes_nothing(tmp_path: Path, source: Path) -> None:
    """Windows, calls and time are told without a call."""
    records = contacts(30)
    write(source, *records[1:])
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        register = Memory.of(records, LATER)
        planned = plan(home, TALLY, register, ReconcileRequest(LATER, RULE, is_healing=True))
        assert (planned.periods, len(planned.windows), register.searches) == (6, 6, 0)
        assert planned.calls == 1  # the days are listed together
        assert load_records(home.store, "tally") == []


def test_invalid_dates_are_refused(tmp_path: Path) -> None:
    """A date ahead, or further back than Connect lists, is refused in words."""
    with opened(tmp_path / "home", TALLY) as home:
        register = Memory.of([], LATER)
        with pytest.raises(UsageError, match="is in the future"):
            run(home, register, since=LATER.date() + DAY)
        with pytest.raises(UsageError, match="further back"):
            run(home, register, since=LATER.date() - 731 * DAY)
        with pytest.raises(UsageError, match="source"):
            run(home, Memory.of([], LATER, source="../x"))


def test_verify_names_lost_contacts(tmp_path: Path, source: Path) -> None:
    """A certified contact's rows are taken out of the lake: verify fails and names it, and no amendment hides it."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"), tally("b", NOON, 86_400))
        for key in lake_files(home, TALLY):
            if "day=02" in key:
                home.store.remove(key)
        faults = verdicts(home)["2026-03-03"]
        assert "1 certified contacts are no longer held by both lake and warehouse: b" in faults[0]
        home.con.execute("DELETE FROM connect.f_tally WHERE id = 'b'")
        outcome = run(home, register)
        assert [(one.name, one.gone, one.is_complete) for one in outcome.records if one.gone] == [
            ("2026-03-03", 1, False)
        ]
        assert home.con.execute("SELECT count(*) FROM ledger.amendment").fetchall() == [(0,)]
        assert not outcome.is_complete


@pytest.mark.parametrize("part", ["pairs", "certificate", "amendment"])
def test_verify_detects_changed_documents(tmp_path: Path, source: Path, part: str) -> None:
    """The pairs, the certificate or an amendment is another than it was."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"), tally("b"))
        for id_ in ("c", "d"):
            load_into(home, write(tmp_path / id_, tally(id_)), obj=TALLY)
            assert run(home, register).amended == ("2026-03-03",)
            register.now += HOUR
        assert verdicts(home) == {"2026-03-03": ()}
        folder = Path(home.store.root) / "_ledger/certificate/tally/memory/2026-03-03"  # type: ignore[attr-defined]
        if part == "pairs":
            pairs = folder / "pairs.parquet"
            home.con.execute(
                f"COPY (SELECT * FROM read_parquet('{pairs}') WHERE id = 'a') TO '{pairs}.new' (FORMAT parquet)"
            )
            Path(f"{pairs}.new").replace(pairs)
        else:
            document = folder / ("00000.json" if part == "certificate" else "00001.json")
            document.write_bytes(
                document.read_bytes().replace(
                    b'"pairs": 2' if part == "certificate" else b'"c"',
                    b'"pairs": 3' if part == "certificate" else b'"x"',
                )
            )
        assert verdicts(home)["2026-03-03"] != ()


def test_the_warehouses_tables_match_the_lake(tmp_path: Path, source: Path) -> None:
    """`ledger.period` and `ledger.sighting` are an index: lost, they are written again; healed findings keep their row."""
    records = contacts(20)
    write(source, *records[2:])
    with opened(tmp_path / "home", TALLY) as home:
        load_into(home, source, obj=TALLY)
        register = Memory.of(records, LATER)
        run(home, register)
        register.now += HOUR
        run(home, register, is_healing=True)
        asked = "SELECT period_start, state, listed, missing, pairs, sha256 FROM ledger.period ORDER BY 1"
        before = home.con.execute(asked).fetchall()
        assert [
            (start.date().isoformat(), state, listed, lost, pairs, sha256)
            for start, state, listed, lost, pairs, sha256 in before
        ] == [
            (one.name, one.state, one.counts.listed, one.counts.missing, one.pairs, one.sha256)
            for one in load_records(home.store, "tally")
        ]
        seen = home.con.execute("SELECT id, why, settled_at - found_at FROM ledger.sighting ORDER BY 1").fetchall()
        assert seen == [("c-000", "never seen", HOUR), ("c-001", "never seen", HOUR)]
        home.con.execute("DELETE FROM ledger.period")
        register.now += HOUR
        run(home, register)
        assert home.con.execute(asked).fetchall() == before


def verdicts(home: Home) -> dict[str, tuple[str, ...]]:
    """Faults by period, for every certificate."""
    return {one.name: one.faults for one in verify_all(home, TALLY) if one.pairs}


def put(home: Home, records: list[Record], marks: list[Mark]) -> None:
    """Records that a source says more of than their text does."""
    texts = [json.dumps(record) for record in records]
    size = sum(map(len, texts))
    found = FileRange(
        f"put:{records[0]['ContactId']}", records[0]["Changed"], 0, size, True, LATER.replace(tzinfo=None)
    )
    framed = Framed(Plan("tally", "put", (found,)), texts, [0] * len(texts), list(range(len(texts))), [], size, marks)
    batches.record_plan(home.store, framed.plan)
    merge_batches(home, TALLY, [FlattenPool(home.lake, TALLY).put(framed)])


def test_a_rebuild_keeps_a_contact_that_moved_within_a_month(tmp_path: Path, source: Path) -> None:
    """A row and the tombstone that points to it tie where there is no personal data to tell them apart: the row stays."""
    with opened(tmp_path / "home", TALLY) as home:
        register = closed_day(home, source, tally("a"), tally("b"))
        moved = tally("b") | {"Began": "2026-03-01T08:00:00Z", "Changed": "2026-03-05T00:00:00Z"}
        load_into(home, write(tmp_path / "late", moved), obj=TALLY)
        assert rebuild(home, TALLY) == 2
        assert run(home, register).is_complete
        assert verdicts(home) == {"2026-03-03": ()}
