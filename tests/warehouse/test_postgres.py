"""A PostgreSQL warehouse: installed and migrated in place, two loaders at once, every command, clear errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, SCHEMAS, contact, jsonl, lake_files, load_into, narrow, opened, settings_of, table, write
from servers import Databases

from trunkline.cli.main import run
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.objects import catalogue
from trunkline.objects.catalogue import warehouse_views
from trunkline.objects.model import Column
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.jobs.load import load
from trunkline.warehouse.model import Opening
from trunkline.warehouse.postgres import warehouse as postgres
from trunkline.warehouse.targets import target_of

psycopg = pytest.importorskip("psycopg")


@pytest.fixture
def url(postgres_databases: Databases) -> Iterator[str]:
    """An installed, empty warehouse."""
    found = postgres_databases.new()
    yield found
    postgres_databases.release(found)


def asked(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows that another client of the database sees."""
    with psycopg.connect(url, autocommit=True) as con:
        cursor = con.execute(sql)
        return cursor.fetchall() if cursor.description else []


def warehouse_at(url: str, folder: Path) -> Any:
    """The warehouse alone, without a home."""
    return target_of(url).open_warehouse(Opening(url, 200, 1, folder / "scratch", folder, SCHEMAS))


def changed(**columns: Column) -> Any:
    """The narrow object with columns replaced or added; None takes one out."""
    by_name = {column.name: column for column in NARROW.columns} | columns
    return replace(NARROW, columns=tuple(column for column in by_name.values() if column is not None))


def test_a_new_column_is_added_in_place(postgres_databases: Databases, tmp_path: Path) -> None:
    """Rows that are there stay and have NULL in it; until it is installed, a load says what to run."""
    url = postgres_databases.bare()
    more = changed(more=replace(NARROW.by_name["score"], name="more", path=("More",)))
    with warehouse_at(url, tmp_path) as warehouse:
        assert warehouse.install([NARROW], []) == []
        assert warehouse.missing([NARROW]) == []
        asked(url, "INSERT INTO connect.f_narrow SELECT 'a', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 'stream', "
                   "false, 1, 'h', 'p', now(), now(), NULL, false")  # fmt: skip
        assert warehouse.missing([more]) == ["narrow"]
        assert warehouse.install([more], []) == [
            "connect.f_narrow: column more is added",
            "connect.f_narrow_staging: column more is added",
        ]
        assert warehouse.missing([more]) == []
        assert asked(url, "SELECT id, score, more FROM connect.f_narrow") == [("a", 1, None)]
        assert warehouse.install([more], []) == []


@pytest.mark.parametrize(
    ("change", "statement"),
    [
        ({"score": replace(NARROW.by_name["score"], type="text")},
         'ALTER TABLE "connect"."f_narrow" ALTER COLUMN "score" TYPE text USING CAST("score" AS text);'),
        ({"phone": replace(NARROW.by_name["phone"], nullable=False)},
         'ALTER TABLE "connect"."f_narrow" ALTER COLUMN "phone" SET NOT NULL;'),
        ({"more": replace(NARROW.by_name["score"], name="more", nullable=False)},
         'ALTER TABLE "connect"."f_narrow" ADD COLUMN "more" bigint;'),
    ],
)  # fmt: skip
def test_a_change_that_could_lose_something_is_refused(
    postgres_databases: Databases, tmp_path: Path, change: dict[str, Any], statement: str
) -> None:
    """The message has the exact statement, and everything is as it was."""
    url = postgres_databases.bare()
    with warehouse_at(url, tmp_path) as warehouse:
        warehouse.install([NARROW], [])
        asked(url, "INSERT INTO connect.f_narrow SELECT 'a', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 'stream', "
                   "false, 1, 'h', 'p', now(), now(), NULL, false")  # fmt: skip
        with pytest.raises(TerminalError) as caught:
            warehouse.install([changed(**change)], [])
        assert statement in str(caught.value)
        assert warehouse.missing([NARROW]) == []
        warehouse.install([NARROW], [])


def test_another_key_is_refused(postgres_databases: Databases, tmp_path: Path) -> None:
    """A primary key that is not the catalogue's would merge by the wrong columns."""
    url = postgres_databases.bare()
    with warehouse_at(url, tmp_path) as warehouse:
        warehouse.install([NARROW], [])
        wider = replace(changed(score=replace(NARROW.by_name["score"], nullable=False)), key=("id", "score"))
        with pytest.raises(TerminalError, match='ADD PRIMARY KEY \\("id", "score"\\)'):
            warehouse.install([wider], [])


def test_views_keep_their_grants_when_their_columns_move(postgres_databases: Databases, tmp_path: Path) -> None:
    """A view whose columns change is made anew, and who could read it still can."""
    url = postgres_databases.bare()
    objects = list(catalogue.load([]).values())
    with warehouse_at(url, tmp_path) as warehouse:
        warehouse.install(objects, warehouse_views())
        asked(url, "DROP ROLE IF EXISTS trunkline_reader; CREATE ROLE trunkline_reader; "
                   "GRANT SELECT ON connect.v_fact_call TO trunkline_reader; "
                   "GRANT SELECT (contact_id) ON connect_datalake.contact_record TO trunkline_reader; "
                   "ALTER VIEW connect.d_agent RENAME COLUMN agent_key TO other_key")  # fmt: skip
        warehouse.install(objects, warehouse_views())
    rights = asked(url, "SELECT has_table_privilege('trunkline_reader', 'connect.v_fact_call', 'SELECT'), "
                        "has_column_privilege('trunkline_reader', 'connect_datalake.contact_record', 'contact_id', 'SELECT'), "
                        "has_column_privilege('trunkline_reader', 'connect_datalake.contact_record', 'channel', 'SELECT')")  # fmt: skip
    assert rights == [(True, True, False)]
    asked(url, "DROP OWNED BY trunkline_reader; DROP ROLE trunkline_reader")


def test_a_server_without_tables_says_what_to_run(postgres_databases: Databases, tmp_path: Path) -> None:
    """Neither a load nor a question installs anything by itself."""
    settings = settings_of(tmp_path / "home", warehouse=postgres_databases.bare())
    with pytest.raises(TerminalError, match="run: trunkline warehouse install"), open_home(settings):
        pass


def test_two_loaders_at_once(url: str, tmp_path: Path) -> None:
    """Two homes with one lake load versions of the same keys at the same time: each key once, the best version."""
    results: dict[int, Any] = {}
    start = threading.Barrier(2)

    def work(number: int, home: Home) -> None:
        times = [f"2026-03-05T10:00:{(n + number) % 60:02}Z" for n in range(60)]
        versions = [narrow(f"k{n}", Changed=time, Score=number) for n, time in enumerate(times)]
        path = write(tmp_path / f"in{number}" / "a", *versions)
        start.wait()
        results[number] = load(home, NARROW, [str(path)]).counts

    with ExitStack() as stack:
        options = {"warehouse": url, "batch_bytes": 2_000, "lake": f"file://{tmp_path}/lake", "pii": "keep"}
        homes = [stack.enter_context(opened(tmp_path / f"home{n}", NARROW, **options)) for n in (0, 1)]
        threads = [threading.Thread(target=work, args=(number, home)) for number, home in enumerate(homes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert asked(url, "SELECT count(*), count(DISTINCT id) FROM connect.f_narrow") == [(60, 60)]
    assert results[0].inserted + results[1].inserted == 60
    # Second 59 plus one is second 0: there the first loader's version is the better one.
    assert asked(url, "SELECT id FROM connect.f_narrow WHERE score = 0") == [("k59",)]
    assert asked(url, "SELECT sum(read), sum(inserted) FROM ledger.batch") == [(120, 60)]
    assert asked(url, "SELECT tablename FROM pg_tables WHERE tablename LIKE '%_run_%'") == []


def test_a_waiting_loader_is_told_who_holds_the_table(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It waits for a while, then names the session; the next run goes on, and nothing was lost."""
    monkeypatch.setattr(postgres, "LOCK_WAIT_S", 0.2)
    path = write(tmp_path / "in" / "a", narrow("a"))
    with psycopg.connect(url, application_name="nightly job") as other:
        other.execute("LOCK TABLE connect.f_narrow IN SHARE ROW EXCLUSIVE MODE")
        with (
            pytest.raises(TransientError, match="nightly job"),
            opened(tmp_path / "home", NARROW, warehouse=url) as home,
        ):
            load(home, NARROW, [str(path)])
        monkeypatch.setenv("TRUNKLINE_WAREHOUSE", url)
        assert run(["warehouse", "status", "--home", str(tmp_path / "home")]) == 0
        assert "nightly job) holds connect.f_narrow since" in capsys.readouterr().err
        other.rollback()
    with opened(tmp_path / "home", NARROW, warehouse=url) as home:
        assert load(home, NARROW, [str(path)]).recovered == 1
        assert [row["id"] for row in table(home, NARROW)] == ["a"]


def test_what_a_killed_run_has_staged_goes(url: str, tmp_path: Path) -> None:
    """A staging table without its owner is dropped; one whose owner lives is left alone."""
    for name in ("f_narrow_run_dead", "f_narrow_run_alive"):
        asked(url, f"CREATE TABLE connect.{name} (id text)")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock(hashtextextended('f_narrow_run_alive', 0))")
        with opened(tmp_path / "home", NARROW, warehouse=url) as home:
            load_into(home, write(tmp_path / "in" / "a", narrow("a")), obj=NARROW)
        left = asked(url, "SELECT tablename FROM pg_tables WHERE tablename LIKE '%_run_%'")
    assert left == [("f_narrow_run_alive",)]
    asked(url, "DROP TABLE connect.f_narrow_run_alive")


def test_a_moved_date_writes_a_tombstone(url: str, tmp_path: Path) -> None:
    """As the embedded merge does: the older partition says that the row has moved, also when the older comes last."""
    with opened(tmp_path / "home", NARROW, warehouse=url) as home:
        load_into(
            home, write(tmp_path / "in" / "a", narrow("x"), narrow("y", Began="2026-03-05T10:00:00Z")), obj=NARROW
        )
        load_into(
            home,
            write(
                tmp_path / "in" / "b",
                narrow("x", Began="2026-03-04T10:00:00Z", Changed="2026-03-06T10:00:00Z"),
                narrow("y", Began="2026-03-01T10:00:00Z", Changed="2026-03-01T10:00:00Z"),
            ),
            obj=NARROW,
        )
        moved = [key.split("/")[-2] for key in lake_files(home, NARROW) if ".moved." in key]
        assert moved == ["day=01", "day=03"]


def test_every_command_on_a_server(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """load, sql, metric, report, status, doctor, dead-letter and rebuild do on PostgreSQL what they do on a file."""
    source = tmp_path / "in" / "a"
    source.parent.mkdir()
    source.write_bytes(jsonl([contact("c1"), contact("c2", Channel="CHAT")]) + b"{poison}\n")
    home = ["--home", str(tmp_path / "home")]
    monkeypatch.setenv("TRUNKLINE_WAREHOUSE", url)

    def said(*args: str, code: int = 0) -> str:
        assert run([*args, *home]) == code, capsys.readouterr().err
        out, err = capsys.readouterr()
        return out + err

    assert "connect.f_calls is in place" in said("warehouse", "install")
    assert "3 records read = 2 inserted + 1 set aside" in said("load", "contact_record", str(source))
    question = "SELECT channel, count(*) AS n FROM contact_record GROUP BY channel ORDER BY 1"
    rows = said("sql", question, "--output", "csv").splitlines()
    assert rows == ["channel,n", "CHAT,1", "VOICE,1"]
    for dialect in ("postgres", "duckdb", "athena"):
        assert said("sql", question, "--output", "csv", "--dialect", dialect).splitlines() == rows
    assert "2" in said("sql", "SELECT count(*) FROM lake.contact_record_versions", "--dialect", "duckdb")
    assert "contacts_created" in said("metric", "query", "contacts_created", "service_level", "--by", "channel")
    assert "Report:" in said("report", "--since", "2026-03-03", "--out", str(tmp_path / "report.html"))
    assert "contact_record" in said("warehouse", "status")
    assert "look" in said("doctor")
    assert "invalid_json" in said("dead-letter", "list")
    assert "1 set aside" in said("dead-letter", "replay")
    assert "connect.f_calls" in said("warehouse", "rebuild")
    assert (tmp_path / "report.html").stat().st_size > 10_000
    monkeypatch.setenv("TRUNKLINE_WAREHOUSE", url.replace("postgres@", "nobody@"))
    refusal = said("warehouse", "status", code=1)
    assert "login failed" in refusal
    assert "this role does not exist" in refusal
    assert "nobody" not in refusal


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM connect.f_calls", "one query is needed"),
        ("SELECT 1; DROP TABLE connect.f_calls", "cannot insert multiple commands"),
        ("SELECT 1; COMMIT; SET default_transaction_read_only = off; DROP TABLE connect.f_calls", "insert multiple"),
        ("WITH gone AS (DELETE FROM connect.f_calls RETURNING 1) SELECT * FROM gone", "read-only transaction"),
        (
            "SELECT set_config('transaction_read_only', 'off', false)",
            "transaction read-write mode must be set before any query",
        ),
        ("SELECT nothing FROM contact_record", 'column "nothing" does not exist'),
    ],
)
def test_a_question_changes_nothing(url: str, tmp_path: Path, sql: str, told: str) -> None:
    """Whatever is asked, the server refuses to write, and says so in its own words."""
    opening = Opening(url, 200, 1, tmp_path / "scratch", tmp_path, SCHEMAS)
    with target_of(url).open_reader(opening) as reader, pytest.raises(UsageError, match=told):
        reader.query_read_only(sql)


def test_a_server_that_is_away(tmp_path: Path) -> None:
    """The message names the place without its password, and says that nothing is lost."""
    settings = settings_of(tmp_path / "home", warehouse="postgresql://ann:s3cret@127.0.0.1:1/db")
    with pytest.raises(TransientError, match="127.0.0.1:1/db: .*Nothing is lost") as caught, open_home(settings):
        pass
    assert "s3cret" not in str(caught.value)
