"""The generated procedures in a real PostgreSQL: any history ends in the fold of it, and every row is counted."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redshift_on_postgres as on_postgres
from homes import PER_DELIVERY

from trunkline.engines.catalogue import find
from trunkline.engines.model import quote_qualified
from trunkline.errors import UsageError
from trunkline.objects.catalogue import load
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.sql.ddl import create_staging, warehouse_statements
from trunkline.sql.merge.plpgsql import COUNTS, lock_statement
from trunkline.sql.merge.procedures import procedure_name, procedure_statements

SURVEY = load([Path(__file__).parents[2] / "examples" / "objects.toml"])["survey_answer"]
POSTGRES, REDSHIFT = find("postgres"), find("redshift")
OWN = "connect.f_run_1"
DAY = datetime(2026, 3, 8, 12)
Row = dict[str, Any]
ORDER = ("record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash",
         "phone_number", "record_unmapped")  # fmt: skip


OPEN: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    for db in OPEN:
        db.close()


@dataclass(frozen=True)
class Target:
    """One engine's tables and procedures of one object, installed."""

    db: Any
    obj: Object
    engine: str

    def stage(self, rows: Sequence[Row], table: str) -> None:
        if rows:
            names = list(rows[0])
            sql = f"INSERT INTO {quote_qualified(POSTGRES, table)} ({', '.join(POSTGRES.quote(n) for n in names)}) VALUES "
            sql += ", ".join(f"({', '.join(['%s'] * len(names))})" for _ in rows)
            self.db.execute(sql, [row.get(name) for row in rows for name in names])

    def call(self, *arguments: str) -> dict[str, int]:
        name = procedure_name(self.obj)
        if self.engine == "redshift":
            (row,) = self.db.execute(on_postgres.call(name, *arguments)).fetchall()
        else:
            (row,) = self.db.execute(f"CALL {name}({', '.join(['%s'] * len(arguments))})", arguments).fetchall()
        return dict(zip(COUNTS, row, strict=True))

    def load(self, rows: Sequence[Row]) -> dict[str, int]:
        self.stage(rows, OWN)
        counts = self.call(OWN, "b1")
        self.db.execute(f"DELETE FROM {OWN}")
        return counts

    def held(self) -> list[Row]:
        names = [column.name for column in self.obj.columns]
        listed = ", ".join(POSTGRES.quote(name) for name in names)
        rows = self.db.execute(f"SELECT {listed} FROM {self.obj.warehouse_table} ORDER BY 1").fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]

    def empty(self) -> None:
        for table in (self.obj.warehouse_table, self.obj.warehouse_table + "_staging", OWN):
            self.db.execute(f"DELETE FROM {table}")


def installed(uri: str, obj: Object, engine: str) -> Target:
    import psycopg

    db: Any = psycopg.connect(uri, autocommit=True)
    OPEN.append(db)
    db.execute("SET client_min_messages = warning")
    db.execute("DROP SCHEMA IF EXISTS connect CASCADE")
    for function in on_postgres.FUNCTIONS:
        db.execute(function)
    found = find(engine)
    for sql in (
        *warehouse_statements(obj, found),
        create_staging(obj, found, OWN),
        *procedure_statements(obj, found) * 2,
    ):
        db.execute(on_postgres.translated(sql) if engine == "redshift" else sql)
    return Target(db, obj, engine)


@pytest.fixture(scope="module", params=["postgres", "redshift"])
def survey_target(request: pytest.FixtureRequest, postgres_uri: str) -> Target:
    return installed(postgres_uri, SURVEY, request.param)


@pytest.fixture
def survey(survey_target: Target) -> Target:
    survey_target.empty()
    return survey_target


def version_of(chance: random.Random, key: str) -> Row:
    """A version: few seconds, contents and dates, so that ties of every length happen."""
    second, content, is_deleted = chance.randrange(4), chance.choice("ab"), chance.random() < 0.25
    answered_at = chance.choice([DAY, DAY, DAY - timedelta(days=1), DAY + timedelta(days=40), None])
    return {
        "survey_id": key,
        "answered_at": answered_at,
        "updated_at": DAY + timedelta(seconds=second),
        "comment": content,
        "phone_number": chance.choice([None, "1", "2", "B", "a"]),
        "tags": '["x", "y"]',
        "record_version": None if chance.random() < 0.1 else f"2026-03-08 12:00:{second:02}",
        "record_fidelity": chance.choice(["stream", "stream", "api"]),
        "record_is_redacted": chance.random() < 0.1,
        "record_catalogue_version": chance.choice([1, 1, 2]),
        "record_hash": hashlib.md5(f"{content} {second} {answered_at} {is_deleted}".encode()).hexdigest(),
        "record_position": f"p{chance.random()}",
        "record_arrived_at": DAY,
        "record_loaded_at": DAY,
        "record_unmapped": chance.choice([None, None, '{"k": 1}']),
        "record_is_deleted": is_deleted,
    }


def place(row: Row) -> tuple[str | int, ...]:
    """Where a version stands in the fold order, said a second time, by hand."""
    return tuple(int(row[name]) if isinstance(row[name], bool) else (row[name] or "") for name in ORDER)


def folded(held: dict[str, Row], staged: Sequence[Row]) -> dict[str, int]:
    """Fold staged rows into `held`, one verdict a row; the oracle."""
    counts = dict.fromkeys(COUNTS, 0)
    for key in {row["survey_id"] for row in staged}:
        rows = [row for row in staged if row["survey_id"] == key]
        best, old = max(rows, key=place), held.get(key)
        won = old is None or place(best) > place(old)
        winner = best if won or old is None else old
        if won:
            was_there, is_there = old is not None and not old["record_is_deleted"], not best["record_is_deleted"]
            verdicts = {(False, True): "inserted", (True, True): "updated", (True, False): "deleted"}
            counts[verdicts.get((was_there, is_there), "duplicate")] += 1
        equal = sum(place(row) == place(winner) for row in rows)
        counts["duplicate"] += equal - won
        counts["superseded"] += len(rows) - equal
        held[key] = winner
    return counts


def stable(rows: Sequence[Row]) -> list[Row]:
    """Rows without what differs between two deliveries."""
    return [{name: value for name, value in row.items() if name not in PER_DELIVERY} for row in rows]


def expected(held: dict[str, Row]) -> list[Row]:
    names = [column.name for column in SURVEY.columns]
    rows = []
    for _, row in sorted(held.items()):
        values = {name: row.get(name) for name in names}
        for name in ("tags", "record_unmapped"):
            values[name] = json.loads(values[name]) if values[name] else None
        rows.append(values)
    return stable(rows)


@pytest.mark.parametrize("seed", range(4))
def test_any_history_ends_in_its_fold(survey: Target, seed: int) -> None:
    """240 keys' histories a seed: duplicates, late and same-second versions, moved dates, in any batches."""
    for run in range(12):
        chance = random.Random(seed * 1000 + run)
        versions = [version_of(chance, f"k{n % 20:02}") for n in range(100)]
        versions += chance.choices(versions, k=30)
        chance.shuffle(versions)
        held: dict[str, Row] = {}
        cut = sorted(chance.sample(range(len(versions)), 2))
        for batch in (versions[: cut[0]], versions[cut[0] : cut[1]], versions[cut[1] :]):
            assert survey.load(batch) == folded(held, batch), f"seed {seed} run {run}"
        assert stable(survey.held()) == expected(held), f"seed {seed} run {run}"
        survey.empty()


def test_keys_of_one_hash_are_ranked_for_nothing(postgres_uri: str) -> None:
    """Were all hashes one, every row would be ranked, and every count and row be the same."""
    target = installed(postgres_uri, SURVEY, "postgres")
    merge = procedure_statements(SURVEY, POSTGRES)[0]
    alike = merge.replace('hashtextextended(CAST(s."survey_id" AS TEXT), 0)', "0")
    assert alike != merge
    target.db.execute(alike)
    chance = random.Random(5)
    held: dict[str, Row] = {}
    for keys in (30, 1, 4):
        batch = [version_of(chance, f"k{n % keys}") for n in range(30)]
        assert target.load(batch) == folded(held, batch)
    assert stable(target.held()) == expected(held)


def test_twice_is_once(survey: Target) -> None:
    """The same batch again changes no row, not even when it was loaded, and is counted as duplicate and superseded."""
    chance = random.Random(7)
    versions = [version_of(chance, f"k{n % 6}") for n in range(30)]
    first = survey.load(versions)
    held = survey.held()
    second = survey.load(versions)
    assert sum(first.values()) == sum(second.values()) == 30
    assert second == {
        **dict.fromkeys(COUNTS, 0),
        "duplicate": 30 - second["superseded"],
        "superseded": first["superseded"],
    }
    assert survey.held() == held


def test_nothing_staged_is_nothing_done(survey: Target) -> None:
    """An empty staging table gives five zeros, in both forms."""
    assert survey.call(OWN, "b1") == survey.call() == dict.fromkeys(COUNTS, 0)


def test_a_moved_date_leaves_one_row(survey: Target) -> None:
    """A key whose date moved, to, from and between unknown dates, is found apart: one row, with the newest date."""
    dates = [DAY, None, DAY - timedelta(days=400), DAY + timedelta(days=3), None, DAY]
    for second, date in enumerate(dates):
        row = version_of(random.Random(1), "k") | {"answered_at": date, "record_fidelity": "stream"}
        counts = survey.load([row | {"record_version": f"2026-03-08 12:00:0{second}", "record_is_deleted": False}])
        assert counts == {**dict.fromkeys(COUNTS, 0), "inserted" if second == 0 else "updated": 1}
        assert [held["answered_at"] for held in survey.held()] == [date]


def test_rows_at_another_date_are_left_for_the_caller(postgres_uri: str) -> None:
    """What the table held at another date than a staged row, as it was before: for tombstones, while the caller commits.

    Whether it is beaten, superseded by a copy of itself, or the best of all while an older one is staged too.
    """
    target = installed(postgres_uri, SURVEY, "postgres")
    plain = version_of(random.Random(1), "k") | {
        "answered_at": DAY, "record_fidelity": "stream", "record_is_deleted": False, "record_is_redacted": False,
        "record_catalogue_version": 1, "record_version": "2",
    }  # fmt: skip
    other = {"answered_at": DAY - timedelta(days=1), "record_hash": "x"}
    keys = ("newer", "newer elsewhere", "older elsewhere", "older and a newer elsewhere", "copy", "older", "deleted")
    held = [plain | {"survey_id": key, "record_is_deleted": key == "deleted"} for key in keys]
    assert target.load(held)["inserted"] == 6
    staged = [
        plain | {"survey_id": "newer", "record_version": "3"},
        plain | {"survey_id": "newer elsewhere", "record_version": "3"} | other,
        plain | {"survey_id": "older elsewhere", "record_version": "1"} | other,
        plain | {"survey_id": "older and a newer elsewhere", "record_version": "1"},
        plain | {"survey_id": "older and a newer elsewhere", "record_version": "3"} | other,
        plain | {"survey_id": "copy"},
        plain | {"survey_id": "older", "record_version": "1"},
        plain | {"survey_id": "deleted", "record_version": "3"},
        plain | {"survey_id": "new"} | other,
    ]
    left = "SELECT survey_id, record_held_date, record_version FROM pg_temp.trunkline_f_survey_answers_elsewhere"
    with target.db.transaction():
        target.stage(staged, OWN)
        counts = target.call(OWN, "b1")
        assert sorted(target.db.execute(left).fetchall()) == [
            ("newer elsewhere", DAY.date(), "2"),
            ("older and a newer elsewhere", DAY.date(), "2"),
            ("older elsewhere", DAY.date(), "2"),
        ]
    assert counts == {"inserted": 2, "updated": 3, "deleted": 0, "superseded": 3, "duplicate": 1}
    gone = "SELECT to_regclass('pg_temp.trunkline_f_survey_answers_elsewhere')"
    assert target.db.execute(gone).fetchall() == [(None,)]
    assert target.db.execute("SHOW work_mem").fetchall() == [("4MB",)]


def test_rows_filled_by_hand(survey: Target) -> None:
    """NULL `record_*` columns get the stated values; the call empties staging, and filling it again changes nothing."""
    staging = survey.obj.warehouse_table + "_staging"
    by_hand: list[Row] = [
        {"survey_id": "k1", "updated_at": DAY, "answered_at": DAY, "score": 7, "phone_number": "1", "tags": '["b"]'},
        {"survey_id": "k1", "updated_at": DAY, "answered_at": DAY, "score": 8, "phone_number": "1", "tags": '["b"]'},
        {"survey_id": "k1", "updated_at": DAY - timedelta(seconds=1), "answered_at": DAY, "score": 9, "tags": None},
        {"survey_id": "k2", "updated_at": None, "answered_at": None, "score": None, "tags": None},
        {
            "survey_id": "k3",
            "updated_at": DAY.replace(microsecond=120000),
            "answered_at": DAY,
            "score": 1,
            "tags": None,
        },
    ]
    names = {name: None for row in by_hand for name in row}
    by_hand = [{**names, **row} for row in by_hand]
    survey.stage(by_hand, staging)
    assert survey.call() == {"inserted": 3, "updated": 0, "deleted": 0, "superseded": 2, "duplicate": 0}
    assert survey.db.execute(f"SELECT count(*) FROM {staging}").fetchone() == (0,)
    held = survey.held()
    assert [row["record_version"] for row in held] == ["2026-03-08 12:00:00", None, "2026-03-08 12:00:00.12"]
    for row in held:
        assert (row["record_fidelity"], row["record_is_redacted"], row["record_is_deleted"]) == ("stream", False, False)
        assert (row["record_catalogue_version"], row["record_position"]) == (1_000_000, staging)
        assert len(row["record_hash"]) == 32
        assert row["record_arrived_at"] == row["record_loaded_at"]
    for seed in range(5):
        random.Random(seed).shuffle(by_hand)
        survey.stage(by_hand, staging)
        assert survey.call() == {"inserted": 0, "updated": 0, "deleted": 0, "superseded": 2, "duplicate": 3}
    assert survey.held() == held


def _staged_by_hand(survey: Target, **changes: Any) -> dict[str, int]:
    survey.stage(
        [{"survey_id": "k", "updated_at": DAY, "comment": "corrected", **changes}],
        f"{survey.obj.warehouse_table}_staging",
    )
    return {name: count for name, count in survey.call().items() if count}


LOADED_BY_HAND: Row = version_of(random.Random(1), "k") | {
    "record_version": "2026-03-08 12:00:00", "record_fidelity": "stream", "record_is_deleted": False,
    "record_is_redacted": False, "comment": "loaded", "phone_number": "5",
}  # fmt: skip


@pytest.mark.parametrize("hash_", ["0" * 32, "f" * 32])
def test_a_correction_by_hand_overwrites_its_version(survey: Target, hash_: str) -> None:
    """At an equal or a missing version, whatever the hashes; a second correction too, and one of a phone number alone."""
    survey.load([LOADED_BY_HAND | {"record_hash": hash_}])
    assert _staged_by_hand(survey) == {"updated": 1}
    assert _staged_by_hand(survey) == {"duplicate": 1}
    survey.stage(
        [{"survey_id": "k", "updated_at": DAY, "comment": "corrected"}], f"{survey.obj.warehouse_table}_staging"
    )
    assert _staged_by_hand(survey) == {"duplicate": 2}
    for number, comment in enumerate("zayb"):
        assert _staged_by_hand(survey, comment=comment) == {"updated": 1}
        assert survey.held()[0]["record_catalogue_version"] == 1_000_001 + number
    for phone in ("2", "1", "3"):
        assert _staged_by_hand(survey, comment="b", phone_number=phone) == {"updated": 1}
        assert survey.held()[0]["phone_number"] == phone
    assert _staged_by_hand(survey, updated_at=None, comment="no version") == {"updated": 1}
    assert [(row["comment"], row["record_version"]) for row in survey.held()] == [("no version", "2026-03-08 12:00:00")]


def test_a_correction_stays_until_a_newer_version_comes(survey: Target) -> None:
    """A late or repeated export of the corrected version is superseded; a newer one, by hand or loaded, wins."""
    survey.load([LOADED_BY_HAND])
    _staged_by_hand(survey)
    assert survey.load([LOADED_BY_HAND])["superseded"] == 1
    assert _staged_by_hand(survey, updated_at=DAY - timedelta(seconds=1)) == {"superseded": 1}
    assert survey.load([LOADED_BY_HAND | {"record_version": "2026-03-08 12:00:01"}])["updated"] == 1
    assert _staged_by_hand(survey) == {"superseded": 1}
    assert [row["comment"] for row in survey.held()] == ["loaded"]
    assert _staged_by_hand(survey, updated_at=DAY + timedelta(seconds=2)) == {"updated": 1}
    assert [row["comment"] for row in survey.held()] == ["corrected"]


def test_all_or_nothing(survey: Target) -> None:
    """The caller's transaction decides: rolled back, the table and the staging rows are as they were."""
    staging = survey.obj.warehouse_table + "_staging"
    survey.load([version_of(random.Random(1), "k")])
    held = survey.held()
    survey.stage([{"survey_id": "k", "updated_at": DAY + timedelta(days=9)}, {"survey_id": "n"}][:1], staging)
    with survey.db.transaction(force_rollback=True):
        survey.call()
        assert survey.held() != held
    assert survey.held() == held
    assert survey.db.execute(f"SELECT count(*) FROM {staging}").fetchone() == (1,)


@pytest.mark.parametrize(
    "staging",
    ["", "connect.", ".t", "a.b.c", "connect.f_survey_answers", "f_survey_answers", "connect.no_such_table",
     'connect.f_run_1"; DROP TABLE connect.f_survey_answers; --', "connect.f_run_1 AS s; DELETE FROM connect.f_run_1",
     "x' || pg_sleep(9) || '", "connect.f_run_1\u037e", "CONNECT.F_RUN_1", "pg_catalog.pg_class"],
)  # fmt: skip
def test_a_wrong_staging_name_is_an_error(survey: Target, staging: str) -> None:
    """A name that is no table, or text that would be more than a name: an error, and nothing has changed."""
    import psycopg

    survey.load([version_of(random.Random(1), "k")])
    held = survey.held()
    with pytest.raises(psycopg.Error):
        survey.call(staging, "b1")
    assert survey.held() == held


def test_two_loaders_at_once(survey: Target, postgres_uri: str) -> None:
    """Two sessions load the same new keys in transactions of their own, both forms: one row a key, none deadlocks."""
    import psycopg

    chance = random.Random(3)
    versions = [version_of(chance, f"k{n % 8}") for n in range(48)]
    staging = survey.obj.warehouse_table + "_staging"
    errors: list[BaseException] = []
    totals: list[int] = []
    ready = threading.Barrier(3)

    def load(rows: list[Row], number: int) -> None:
        try:
            with psycopg.connect(postgres_uri) as db:
                mine = Target(db, survey.obj, survey.engine)
                db.execute("SET client_min_messages = warning")
                own = f"connect.f_run_at_once_{number}"
                db.execute(f"CREATE TABLE {own} (LIKE {OWN})")
                db.commit()
                for start in range(0, len(rows), 4):
                    ready.wait(timeout=30)
                    mine.stage(rows[start : start + 4], staging if number == 0 else own)
                    counts = mine.call() if number == 0 else mine.call(own, "b")
                    totals.append(sum(counts.values()))
                    db.execute(f"DELETE FROM {own}")
                    db.commit()
        except (AssertionError, psycopg.Error, threading.BrokenBarrierError) as error:
            errors.append(error)
            ready.abort()

    halves = [versions[:24], versions[24:]]
    threads = [threading.Thread(target=load, args=(half, number)) for number, half in enumerate(halves)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(6):
            ready.wait(timeout=30)
    except threading.BrokenBarrierError:
        pass
    for thread in threads:
        thread.join(timeout=30)
    assert errors == []
    held: dict[str, Row] = {}
    folded(held, versions)
    assert stable(survey.held()) == expected(held)
    assert sum(totals) == 48
    for number in range(2):
        survey.db.execute(f"DROP TABLE connect.f_run_at_once_{number}")


def test_a_second_loader_waits_and_readers_go_on(postgres_uri: str) -> None:
    """While one merges, a second gets no lock at once, and a reader sees the table as it was."""
    import psycopg

    target = installed(postgres_uri, SURVEY, "postgres")
    target.load([version_of(random.Random(1), "k")])
    with psycopg.connect(postgres_uri) as other:
        other.execute("SET lock_timeout = '100ms'")
        with target.db.transaction():
            target.call(OWN, "b1")
            assert other.execute("SELECT count(*) FROM connect.f_survey_answers").fetchone() == (1,)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(lock_statement(SURVEY, POSTGRES).encode())


@pytest.mark.parametrize("engine", ["postgres", "redshift"])
def test_contact_records_merge_too(postgres_uri: str, engine: str) -> None:
    """The procedures of the 170-column table: all columns arrive, maps too, and a copy with other attributes counts."""
    target = installed(postgres_uri, CONTACT_RECORD, engine)
    row: Row = {
        "contact_id": "c1", "channel": "VOICE", "initiation_timestamp": DAY, "last_update_timestamp": DAY,
        "attributes": '{"k": "v"}', "queue_duration_ms": 7000, "references": "[]", "customer_endpoint_address": "h1",
        "chat_contact_metrics_multi_party": False,
    }  # fmt: skip
    target.stage([row, row, row | {"attributes": '{"k": "w"}'}], "connect.f_calls_staging")
    assert target.call() == {"inserted": 1, "updated": 0, "deleted": 0, "superseded": 2, "duplicate": 0}
    (held,) = target.held()
    assert held["attributes"] == {"k": "w"}
    assert held["references"] == []
    assert {name: held[name] for name in row if name not in ("attributes", "references")} == {
        name: value for name, value in row.items() if name not in ("attributes", "references")
    }
    (hash_,) = {held["record_hash"]}
    target.stage([row | {"attributes": '{"k": "w"}', "customer_endpoint_address": "h2"}], "connect.f_calls_staging")
    assert target.call()["updated"] == 1, "a personal column decides between two copies that tie"
    assert target.held()[0]["record_hash"] == hash_, "and is no part of the hash"


def test_the_order_is_written_once() -> None:
    """Which of two versions is better is sql/order's alone: the procedure holds its terms and no others."""
    from trunkline.sql.order import comparison

    for engine in (POSTGRES, REDSHIFT):
        merge = procedure_statements(SURVEY, engine)[0]
        assert [merge.count(arm) for arm in comparison(SURVEY, engine, "s", "t")] == [1] * 2 * len(ORDER)


def test_engines_without_procedures_are_named() -> None:
    """DuckDB and Athena have none, and the message says which engines do."""
    for name in ("duckdb", "athena"):
        with pytest.raises(UsageError, match="use postgres or redshift"):
            procedure_statements(SURVEY, find(name))
