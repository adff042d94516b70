"""What `doctor` says of homes that are not as they should be."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import duckdb
import msgspec
import pytest
from homes import contact, load_into, opened, settings_of, write

from trunkline.accounting import Drift
from trunkline.cli.main import run
from trunkline.errors import UsageError
from trunkline.flatten.flattener import Flattener
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.pipelines import batches
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.doctor import Finding, drift_lines, examine
from trunkline.pipelines.jobs.measuring import completeness
from trunkline.pipelines.merging import merge_batches, unmerged
from trunkline.pipelines.reading import open_reader, query
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Mark
from trunkline.serve.report.period import day_period

AT = datetime(2026, 3, 8, 12)
SURVEY = """
[object.survey]
key = ["id"]
event_time = "at"
[object.survey.columns]
id = {}
at = { type = "timestamp" }
[object.survey.source]
type = "http"
url = "https://api.example.com/"
auth = { type = "header", secret = "env:SURVEY_TOKEN" }
"""


def put(home: Home, key: str) -> None:
    """One batch in the lake, not merged: as a load leaves it that is stopped half way."""
    plan = Plan(CONTACT_RECORD.name, "test", (FileRange(key, "1", 0, 1, True, AT),))
    framed = Framed(plan, [json.dumps(contact(key))], [0], [0], [], 100, [Mark("stream", None, False)])
    batches.put(home.store, home.scratch, Flattener(CONTACT_RECORD, home.rule), framed)


def findings(path: Path) -> dict[str, Finding]:
    with open_reader(settings_of(path)) as reader:
        return {finding.check: finding for finding in examine(reader)}


@pytest.mark.parametrize("is_first", [True, False])
def test_batches_that_await_the_merge(tmp_path: Path, is_first: bool) -> None:
    """They are counted with what to do; it is no failure, and gone when they are merged."""
    with opened(tmp_path) as home:
        if not is_first:
            load_into(home, write(tmp_path / "in" / "a", contact("a")))
        put(home, "b")
        put(home, "c")
    found = findings(tmp_path)
    assert found["contact_record: unmerged"] == Finding(
        "contact_record: unmerged",
        "look",
        "2 batches await the merge; run the same load again, or: trunkline warehouse rebuild",
    )
    assert "contact_record: loads" not in found
    assert {finding.state for finding in found.values()} == {"ok", "look"}
    with opened(tmp_path) as home:
        merge_batches(home, home.objects["contact_record"], unmerged(home, home.objects["contact_record"]))
    found = findings(tmp_path)
    assert "contact_record: unmerged" not in found
    assert found["contact_record: lake = warehouse"].state == "ok"


def test_a_failure_has_a_state_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lost rows fail, exit 1; records set aside are to be looked at, exit 0."""
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "a key for tests")
    source = write(tmp_path / "in" / "a", contact("a"), contact("b"))
    with source.open("ab") as file:
        file.write(b"{poison}\n")
    with opened(tmp_path) as home:
        load_into(home, source)
    assert findings(tmp_path)["contact_record: set aside"].state == "look"
    assert run(["doctor", "--home", str(tmp_path)]) == 0
    with opened(tmp_path) as home:
        home.con.execute("DELETE FROM connect.f_calls WHERE contact_id = 'a'")
    capsys.readouterr()
    assert run(["doctor", "--home", str(tmp_path), "--output", "csv"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("failed,")]
    assert [line.split(",")[1] for line in failed] == ["contact_record: accounting", "contact_record: lake = warehouse"]


def test_drift_is_of_all_loads_together(tmp_path: Path) -> None:
    """A load of clean records after one with unknown fields does not hide them, nor does the number of batches."""
    with opened(tmp_path / "home") as home:
        load_into(home, write(tmp_path / "in" / "a", contact("a", Forecast="x"), contact("b", Channel=5)))
        load_into(home, write(tmp_path / "in" / "b", contact("c", Forecast="y")))
        load_into(home, write(tmp_path / "in" / "c", contact("d")))
    with open_reader(settings_of(tmp_path / "home")) as reader:
        lines = [finding.detail for finding in examine(reader) if finding.check == "contact_record: drift"]
        assert lines == completeness(reader, day_period(date(2026, 3, 3), "UTC")).drift
    assert lines == [
        "Unknown fields, kept in record_unmapped: Forecast (2) of 4 records",
        "Values of another type than the catalogue's: Channel is UBIGINT (1) of 4 records",
    ]


def test_a_field_that_the_catalogue_has_now_is_not_unknown(tmp_path: Path) -> None:
    """A column was added since: what an earlier load lacked is no drift of the catalogue."""
    fields = Drift(records=2, unknown={"Channel": 2, "Queue.New": 1})
    with opened(tmp_path / "home") as home:
        load_into(home, write(tmp_path / "in" / "a", contact("a")))
        home.con.execute("UPDATE ledger.batch SET drift = $1", [msgspec.json.encode(fields).decode()])
    with open_reader(settings_of(tmp_path / "home")) as reader:
        assert drift_lines(reader, "contact_record") == [
            "Unknown fields, kept in record_unmapped: Queue.New (1) of 2 records"
        ]


@pytest.fixture(scope="module")
def one_contact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds one contact, to be read only."""
    path = tmp_path_factory.mktemp("one")
    with opened(path) as home:
        load_into(home, write(path / "in" / "a", contact("a")))
    return path


@pytest.mark.parametrize(
    ("sql", "places"),
    [
        ("SELECT record_unmapped FROM contact_record", "connect.f_calls, lake.contact_record, lake.contact_record_versions"),
        ("SELECT c.Record_Hash FROM connect_datalake.contact_record AS c", "connect.f_calls, lake.contact_record, lake.contact_record_versions"),
        ("SELECT record_unmapped FROM scorecards", "lake.scorecards, lake.scorecards_versions, post_call_analytics.f_scorecard"),
    ],
)  # fmt: skip
def test_a_column_of_our_own_is_found_where_it_is(one_contact: Path, sql: str, places: str) -> None:
    """Amazon's tables have Amazon's columns; the message names the tables that have ours, and each can be read."""
    with open_reader(settings_of(one_contact)) as reader:
        with pytest.raises(UsageError) as refused:
            query(reader, sql)
        assert str(refused.value).lower().endswith(f" is a column of {places}")
        for place in places.split(", "):
            query(reader, f"SELECT record_unmapped, record_hash FROM {place}")
        with pytest.raises(UsageError) as refused:
            query(reader, "SELECT nonsense FROM contact_record")
        assert "is a column of" not in str(refused.value)


def test_a_home_of_an_older_version_answers_athenas_sql(tmp_path: Path) -> None:
    """Its warehouse lacks the tables and columns that came later: no other question fails for that."""
    with opened(tmp_path / "home", pii="keep") as home:
        load_into(home, write(tmp_path / "in", contact("a")))
        home.con.execute("DROP TABLE connect.d_users; ALTER TABLE connect.f_calls DROP COLUMN contact_evaluations")
    with open_reader(settings_of(tmp_path / "home")) as reader:
        sql = "SELECT contact_id, contact_evaluations IS NULL, month FROM contact_record WHERE year = '2026'"
        ((key, *rest),) = query(reader, sql, "athena").rows
        assert (key, rest) == (contact("a")["ContactId"], [True, "03"])
        with pytest.raises(UsageError, match="users"):
            query(reader, "SELECT * FROM users", "athena")


def test_a_home_of_an_older_version_says_what_adds_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A question for a table that came later is answered by the command that creates it, and then works."""
    path = tmp_path / "home"
    assert run(["load", "contact_record", str(write(tmp_path / "in", contact("a"))), "--home", str(path)]) == 0
    with duckdb.connect(path / "warehouse.duckdb") as con:
        con.execute("DROP TABLE connect.d_users")
    status = ["warehouse", "status", "--home", str(path)]
    assert run(status) == 1
    message = capsys.readouterr().err
    assert "lacks connect.d_users" in message
    assert f"trunkline warehouse install --home {path}" in message
    assert run(["warehouse", "install", "--home", str(path)]) == 0
    assert run(status) == 0


def test_a_source_without_its_secret_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first run: the variable that is not set is named, and nothing else is asked for."""
    (tmp_path / "objects.toml").write_text(SURVEY)
    with opened(tmp_path):
        pass
    assert findings(tmp_path)["survey: source"].detail.startswith("the environment variable SURVEY_TOKEN")
    monkeypatch.setenv("SURVEY_TOKEN", "t")
    assert "survey: source" not in findings(tmp_path)
