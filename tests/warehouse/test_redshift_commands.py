"""A Redshift behind its Data API: installed and migrated in place, every command, questions that change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from homes import NARROW, contact, jsonl, load_into, opened, settings_of, table
from redshift_home import URL, Died, Redshift, make_database, redshift_of
from redshift_merges import warehouse_of
from servers import RedshiftDatabases

from trunkline.cli.main import run
from trunkline.errors import TerminalError, UsageError
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Json
from trunkline.objects.view import View, ViewColumn
from trunkline.pipelines.home import open_home
from trunkline.warehouse.redshift.address import address_of
from trunkline.warehouse.redshift.session import check_question

ROW = ("INSERT INTO connect.f_narrow SELECT 'a', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 'stream', false, 1, 'h', 'p', "
       "now(), now(), NULL, false RETURNING 1")  # fmt: skip


@pytest.fixture
def redshift(postgres_uri: str) -> Iterator[Redshift]:
    with redshift_of(make_database(postgres_uri, "redshift_commands")) as found:
        yield found


def changed(**columns: Any) -> Any:
    by_name = {column.name: column for column in NARROW.columns} | columns
    return replace(NARROW, columns=tuple(by_name.values()))


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def test_a_new_column_is_added_in_place(redshift: Redshift, tmp_path: Path) -> None:
    """Rows that are there stay and have NULL in it; a second installation changes nothing."""
    more = changed(more=replace(NARROW.by_name["score"], name="more", path=("More",)))
    with warehouse_of(redshift, tmp_path) as warehouse:
        assert warehouse.missing([NARROW]) == ["narrow"]
        assert warehouse.install([NARROW], []) == []
        assert warehouse.install([NARROW], []) == []
        assert warehouse.missing([NARROW]) == []
        redshift.query(ROW)
        assert warehouse.missing([more]) == ["narrow"]
        assert warehouse.install([more], []) == [
            "connect.f_narrow: column more is added",
            "connect.f_narrow_staging: column more is added",
        ]
        assert warehouse.missing([more]) == []
        assert redshift.query("SELECT id, score, more FROM connect.f_narrow") == [("a", 1, None)]
        wider = changed(phone=replace(NARROW.by_name["phone"], length_max=9_999))
        with pytest.raises(
            TerminalError, match=r'ALTER TABLE "connect"."f_narrow" ALTER COLUMN "phone" TYPE varchar\(9999\);'
        ):
            warehouse.install([wider], [])
        text = changed(score=replace(NARROW.by_name["score"], type="text", length_max=9))
        with pytest.raises(TerminalError, match=r'ALTER COLUMN "score" TYPE varchar\(9\);'):
            warehouse.install([text], [])
        assert redshift.query("SELECT id, score FROM connect.f_narrow") == [("a", 1)]


READERS = ('"Trunkline Reader"', "trunkline_dashboard", "PUBLIC")


@pytest.fixture
def readers(redshift: Redshift) -> Iterator[None]:
    """A role, and a user who may pass on what he was given."""
    with psycopg.connect(redshift.uri, autocommit=True) as connection:
        for role in ('"Trunkline Reader"', "trunkline_dashboard LOGIN"):
            connection.execute(f"CREATE ROLE {role}")
        yield
        for role in READERS[:2]:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


def granted(redshift: Redshift) -> list[tuple[str, ...]]:
    return redshift.query("SELECT relation_name, privilege_type, identity_name, identity_type, admin_option::text FROM "
                        "svv_relation_privileges WHERE namespace_name IN ('connect', 'connect_datalake', 'test') "
                        "ORDER BY 1, 3, 2")  # fmt: skip


def grant(redshift: Redshift) -> list[tuple[str, ...]]:
    """Give the narrow view, and a table that is none of ours to make anew."""
    role, user, everybody = READERS
    view = '"test"."narrow"'
    with psycopg.connect(redshift.uri, autocommit=True) as connection:
        connection.execute(f"GRANT SELECT ON {view} TO {role}")
        connection.execute(f"GRANT SELECT ON {view} TO {user} WITH GRANT OPTION")
        connection.execute(f"GRANT SELECT, REFERENCES ON {view} TO {everybody}")
        connection.execute(f"GRANT SELECT ON connect.f_narrow TO {user}")
    return granted(redshift)


@pytest.mark.usefixtures("readers")
def test_readers_keep_their_grants_when_a_column_is_added(redshift: Redshift, tmp_path: Path) -> None:
    """Views are made anew for a new column; roles, users and everybody read them as before."""
    more = changed(more=replace(NARROW.by_name["score"], name="more", path=("More",)))
    with warehouse_of(redshift, tmp_path) as warehouse:
        assert warehouse.install([NARROW], []) == []
        before = grant(redshift)
        assert ("narrow", "SELECT", "trunkline_dashboard", "user", "true") in before
        assert len(before) == 5
        told = warehouse.install([more], [])
        assert "4 grants on them were granted again" in told[-1]
        assert granted(redshift) == before
        names = redshift.query("SELECT column_name FROM information_schema.columns WHERE table_schema = 'test' "
                             "AND table_name = 'narrow'")  # fmt: skip
        assert ("more",) in names
        assert warehouse.install([more], []) == []
        assert granted(redshift) == before


@pytest.mark.usefixtures("readers")
def test_readers_keep_their_grants_when_a_view_alone_has_other_columns(redshift: Redshift, tmp_path: Path) -> None:
    """An upgrade may change what a view shows of the same tables."""
    columns = [ViewColumn(name, "string", f'"{name}"', "Test.", "test") for name in ("id", "phone")]
    view = View("test", "short", "narrow", "row", tuple(columns), ("id",), ("narrow",))
    with warehouse_of(redshift, tmp_path) as warehouse:
        warehouse.install([NARROW], [view])
        with psycopg.connect(redshift.uri, autocommit=True) as connection:
            connection.execute("GRANT SELECT ON test.short TO trunkline_dashboard")
        before = granted(redshift)
        (told,) = warehouse.install([NARROW], [replace(view, columns=tuple(columns[::-1]))])
        assert "1 grants on them were granted again" in told
        assert granted(redshift) == before
        assert warehouse.query("SELECT * FROM test.short") == []


@pytest.mark.usefixtures("readers")
def test_an_installation_that_is_stopped_costs_no_reader_his_grants(redshift: Redshift, tmp_path: Path) -> None:
    """Stopped after any of its calls, and run again: the views have the new column and every grant."""

    def wider(number: int) -> Any:
        # New ones first: like Redshift, PostgreSQL then cannot replace the view without dropping it.
        added = (f"more_{n}" for n in reversed(range(number)))
        columns = (replace(NARROW.by_name["score"], name=name, path=(name,)) for name in added)
        return replace(NARROW, columns=(*columns, *NARROW.columns))

    steps: list[str] = []
    with warehouse_of(redshift, tmp_path) as warehouse:
        warehouse.install([NARROW], [])
    before = grant(redshift)
    with warehouse_of(redshift, tmp_path, steps=steps) as warehouse:
        warehouse.install([wider(1)], [])
    batches = [n for n, step in enumerate(steps) if step == "batch_execute_statement"]
    assert len(batches) > 2
    for number, at in enumerate(batches, 2):
        with pytest.raises(Died), warehouse_of(redshift, tmp_path, at=at) as warehouse:
            warehouse.install([wider(number)], [])
        redshift.emulator.settle()
        with warehouse_of(redshift, tmp_path) as warehouse:
            warehouse.install([wider(number)], [])
            assert warehouse.missing([wider(number)]) == []
        assert granted(redshift) == before
        names = (
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'test' AND column_name LIKE 'more%'"
        )
        assert redshift.query(f"{names} AND table_name = 'narrow'") == [(number,)]


def test_a_server_without_tables_says_what_to_run(redshift: Redshift, tmp_path: Path) -> None:
    """Neither a load nor a question installs anything by itself."""
    settings = settings_of(tmp_path / "home", warehouse=URL)
    with pytest.raises(TerminalError, match="run: trunkline warehouse install"), open_home(settings):
        pass


def test_every_command_on_redshift(
    redshift_databases: RedshiftDatabases,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """load, sql, metric, report, status, doctor, dead-letter and rebuild do on Redshift what they do on a file."""
    source = tmp_path / "in" / "a"
    source.parent.mkdir()
    source.write_bytes(jsonl([contact("c1"), contact("c2", Channel="CHAT")]) + b"{poison}\n")
    home = ["--home", str(tmp_path / "home")]
    url = redshift_databases.new()
    # Both contacts go through COPY; so all columns of the contact record are seen as Parquet.
    monkeypatch.setattr("trunkline.warehouse.redshift.request.INSERT_ROWS_MAX", 1)
    monkeypatch.setenv("TRUNKLINE_WAREHOUSE", url)

    def said(*args: str, code: int = 0) -> str:
        assert run([*args, *home]) == code, capsys.readouterr().err
        out, err = capsys.readouterr()
        return out + err

    assert "3 records read = 2 inserted + 1 set aside" in said("load", "contact_record", str(source))
    question = "SELECT channel, count(*) AS n FROM contact_record GROUP BY channel ORDER BY 1"
    rows = said("sql", question, "--output", "csv").splitlines()
    assert rows == ["channel,n", "CHAT,1", "VOICE,1"]
    assert said("sql", question, "--output", "csv", "--dialect", "redshift").splitlines() == rows
    assert said("sql", question, "--output", "csv", "--dialect", "athena").splitlines() == rows
    assert "contacts_created" in said("metric", "query", "contacts_created", "service_level", "--by", "channel")
    assert "Report:" in said("report", "--since", "2026-03-03", "--out", str(tmp_path / "report.html"))
    assert "contact_record" in said("warehouse", "status")
    assert "look" in said("doctor")
    assert "invalid_json" in said("dead-letter", "list")
    assert "1 set aside" in said("dead-letter", "replay")
    assert "connect.f_calls" in said("warehouse", "rebuild")
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert redshift_databases.copied()
    monkeypatch.setenv("TRUNKLINE_WAREHOUSE", url.replace("//analytics", "//other"))
    assert "endpoint doesn't exist" in said("warehouse", "status", code=1)
    redshift_databases.release(url)


@pytest.mark.soak
def test_a_simulated_day_is_the_same_on_redshift(redshift_databases: RedshiftDatabases, tmp_path: Path) -> None:
    """Thousands of records with everything that a centre sends: every row and column as in the embedded warehouse."""
    assert run(["simulate", "--contacts", "400", "--seed", "7", "--out", str(tmp_path / "in")]) == 0
    url = redshift_databases.new()
    with opened(tmp_path / "file") as embedded, opened(tmp_path / "redshift", warehouse=url) as served:
        first, second = load_into(embedded, tmp_path / "in"), load_into(served, tmp_path / "in")
        assert (first.counts.read, first.counts.inserted) == (second.counts.read, second.counts.inserted)
        wanted, found = table(embedded), table(served)
        assert [row["contact_id"] for row in wanted] == [row["contact_id"] for row in found]
        hashed = {column.name for column in CONTACT_RECORD.columns if column.pii == "direct" and column.type == Json()}
        assert sum(row["additional_email_recipients"] is not None for row in wanted) > 0
        for one, other in zip(wanted, found, strict=True):
            # A hash in the place of JSON is a text, which has quotes in SUPER.
            one |= {name: f'"{one[name]}"' for name in hashed if one[name] is not None}
            # Nor has it times: those inside are texts.
            assert {name: one[name] for name in one if plain(one[name]) != plain(other[name])} == {}
    redshift_databases.release(url)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM connect.f_calls", "a query is needed and DELETE was given"),
        ("SELECT 1; DROP TABLE connect.f_calls", "one query is needed and 2 were given"),
        ("SELECT * INTO other FROM connect.f_calls", "INTO was given"),
        ("CALL connect.insert_new_f_calls()", "a query is needed"),
        ("TRUNCATE connect.f_calls", "a query is needed"),
        ("COPY connect.f_calls FROM 's3://x'", "a query is needed"),
        ("UNLOAD ('SELECT 1') TO 's3://x'", "a query is needed|cannot be read"),
        ("WITH gone AS (DELETE FROM t) SELECT 1", "DELETE was given|cannot be read"),
        ("COMMIT", "a query is needed"),
        ("-- nothing", "one query is needed and 0 were given"),
        ("SELECT 'open", "cannot be read"),
    ],
)  # fmt: skip
def test_a_question_changes_nothing(sql: str, told: str) -> None:
    """What would write is refused before it is sent."""
    with pytest.raises(UsageError, match=told):
        check_question(sql)


@pytest.mark.parametrize("sql", [
    "SELECT 1", "WITH a AS (SELECT 1 AS x) SELECT * FROM a;", "SELECT c.attributes.tier FROM contact_record c", "(SELECT 1) UNION SELECT 2",
    "SELECT ';', '--' -- ; DELETE",
])  # fmt: skip
def test_a_question_may_be_any_query(sql: str) -> None:
    """Semicolons in texts and at the end, SUPER's paths, unions."""
    check_question(sql)


def test_addresses() -> None:
    """Cluster or workgroup, database, options; a wrong one says what is valid and shows no secret."""
    found = address_of(URL)
    assert (found.target.cluster, found.target.database, found.target.db_user) == ("analytics", "dev", "loader")
    assert (found.staging, found.format) == ("s3://staging/trunkline", "parquet")
    for url in ("redshift+data://wg-1/dev?serverless=true", "redshift+data:///dev?workgroup=wg-1"):
        assert address_of(url).target.place == {"WorkgroupName": "wg-1", "Database": "dev"}
    assert address_of("redshift+data://a/b?region=eu-west-1&timeout_s=60&format=json&secret_arn=arn:x").timeout_s == 60
    wrong = {
        "redshift+data://analytics": "names no database", "redshift://a/b": "names no database", "redshift+data:///dev": "no cluster",
        "redshift+data://a/b?user=x": "user is no option", "redshift+data://a/b?serverless=yes": "not true or false",
        "redshift+data://a/b/c": "names no database", "redshift+data://a/b?workgroup=w": "leave one out", "redshift+data://a/b?format=csv": "csv",
        "redshift+data://w/b?serverless=true&db_user=x": "a workgroup has no db_user", "redshift+data://a/b?timeout_s=0": "timeout_s is '0'",
        "redshift+data://a/b?staging=": "staging is empty", "redshift+data://a/b?region=x&region=y": "given twice",
        "redshift+data://a/b?staging=s3://Bucket/x": "staging is", "redshift+data://a/b?staging=s3://b%27/x": "staging is",
        "redshift+data://a/b?staging=s3://bucket/a%5C%27;drop": "staging is", f"redshift+data://a/b?staging=s3://bucket/{'x' * 150}": "staging is",
        "redshift+data://a/b?iam_role=x%27": "iam_role is", "redshift+data://a/b?iam_role=arn:aws:iam::1:role/x": "iam_role is",
    }  # fmt: skip
    for url, told in wrong.items():
        with pytest.raises(UsageError, match=told):
            address_of(url)
