"""The Python API as a notebook uses it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import nanoarrow
import pytest

import trunkline
from trunkline.accounting import Counts
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.pipelines.home import open_home
from trunkline.settings.installation import Settings
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec
from trunkline.table import Table, table_of


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(Spec(contacts=60, seed=4), tmp_path_factory.mktemp("simulated")).folder


@pytest.fixture(scope="module")
def loaded(delivered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the delivery, to be read only."""
    folder = tmp_path_factory.mktemp("api") / "home"
    with trunkline.open(folder) as home:
        assert home.load("contact_record", delivered).counts.inserted == 60
    return folder


def test_a_load_returns_its_counts(delivered: Path, tmp_path: Path) -> None:
    """Counts add up; a second load finds nothing new."""
    with trunkline.open(tmp_path / "home") as home:
        first = home.load("contact_record", str(delivered))
        assert isinstance(first.counts, Counts)
        assert first.counts.is_balanced
        assert (first.counts.inserted, home.load("contact_record", delivered).counts.read) == (60, 0)


def test_a_query_gives_an_arrow_table(loaded: Path) -> None:
    """Types, order and NULL as the warehouse has them, read any number of times after the home is closed."""
    with trunkline.open(loaded) as home:
        table = home.sql(
            "SELECT contact_id, channel, disconnect_timestamp, NULL::INTEGER AS nothing, 1.50::DECIMAL(4, 2) AS money, "
            "attributes FROM contact_record ORDER BY contact_id"
        )
    assert (len(table), table.columns[:3]) == (60, ["contact_id", "channel", "disconnect_timestamp"])
    schema = nanoarrow.ArrayStream(table).schema
    assert [str(field.type) for field in schema.fields][:4] == [
        "Type.STRING", "Type.STRING", "Type.TIMESTAMP", "Type.INT32",
    ]  # fmt: skip
    assert table.rows()[0][3:5] == (None, Decimal("1.50"))
    assert isinstance(table.rows()[0][2], datetime)
    count = duckdb.from_arrow(table).aggregate("count(DISTINCT contact_id)")
    assert count.fetchall() == [(60,)]
    assert str(table).endswith("60 rows, the first 20 shown")


def test_an_athena_query_and_an_empty_answer(loaded: Path) -> None:
    """A dialect's query runs on the lake; no rows keep their columns and types."""
    with trunkline.open(loaded) as home:
        (row,) = home.sql("SELECT count(*) AS n, 7 / 2 AS half FROM contact_record", dialect="athena").rows()
        empty = home.sql("SELECT contact_id FROM contact_record WHERE false")
    assert row == (60, 3)
    assert (len(empty), empty.columns, empty.rows(), str(empty).splitlines()[-1]) == (0, ["contact_id"], [], "0 rows")


def test_metrics_by_group_and_interval(loaded: Path) -> None:
    """Groups and periods as on the command line; times are text, dates or times."""
    with trunkline.open(loaded) as home:
        total = home.metric("contacts_created").rows()
        by_channel = home.metric("contacts_created", "service_level", by=["channel"])
        span = {"since": date(2026, 3, 3), "until": "2026-03-04", "zone": "America/New_York"}
        hours = home.metric("contacts_created", interval="hour", **span)
        queues = home.metric("contacts_queued", by="queue", x=30)
        assert len(home.metric("contacts_created", by="channel", limit=2)) == 2
    assert by_channel.columns == ["channel", "contacts_created", "service_level"]
    assert sum(row[1] for row in by_channel.rows()) == total[0][0] == 60
    assert hours.columns == ["interval_start", "contacts_created"]
    assert 0 < sum(row[1] for row in hours.rows()) <= 60
    assert "queue_name" in queues.columns


def test_a_report_and_the_objects(loaded: Path, tmp_path: Path) -> None:
    """The report is a file with headline numbers; objects say what their columns mean."""
    with trunkline.open(loaded) as home:
        report = home.report(tmp_path / "day.html", since="2026-03-03", zone="America/New_York")
        contact_record = home.objects["contact_record"]
    assert report.period.title == "Tuesday 3 March 2026"
    assert {headline.label for headline in report.headlines} > {"Contacts queued", "Longest wait"}
    assert (tmp_path / "day.html").stat().st_size > 1_000
    assert contact_record.key == ("contact_id",)


def test_errors_are_the_packages_own(loaded: Path, tmp_path: Path) -> None:
    """Wrong arguments, nothing loaded, another process at work."""
    with trunkline.open(loaded) as home:
        for wrong in (
            lambda: home.sql("DELETE FROM contact_record"),
            lambda: home.sql("SELECT * FROM nowhere"),
            lambda: home.metric("nope"),
            lambda: home.metric("service_level", since="soon"),
            lambda: home.load("contact_recrod", "x"),
            lambda: home.load("contact_record", tmp_path / "nowhere"),
            lambda: home.report(tmp_path / "r.html", until="2026-03-04"),
            lambda: home.reconcile(instances=["mine"]),
        ):
            with pytest.raises(UsageError):
                wrong()
        with open_home(Settings.load(loaded, {})), pytest.raises(TransientError, match="in use by process"):
            trunkline.open(loaded, wait_s=0).load("contact_record", loaded)
    with pytest.raises(UsageError, match="was closed"):
        home.sql("SELECT 1")
    with trunkline.open(tmp_path / "none") as empty, pytest.raises(TerminalError, match="load something first"):
        empty.sql("SELECT 1")
    (tmp_path / "trunkline.toml").write_text("zone = 'Mars'")
    with pytest.raises(UsageError, match="zone is 'Mars'"):
        trunkline.open(tmp_path)


def test_times_with_a_zone_are_aware(loaded: Path) -> None:
    """In UTC, in Python values and as the terminal shows them; repeated column names are no problem."""
    query = "SELECT TIMESTAMPTZ '2026-03-03 10:00:00+02' AS at, 1 AS n, 2 AS n, [TIMESTAMPTZ '2026-03-03 10:00:00Z'] AS l, NULL::TIMESTAMPTZ AS z"
    with trunkline.open(loaded) as home:
        table = home.sql(query)
    (row,) = table.rows()
    assert row == (datetime(2026, 3, 3, 8, tzinfo=UTC), 1, 2, "['2026-03-03 10:00:00+00']", None)
    assert "2026-03-03 08:00:00+00:00" in str(table)


def test_rows_of_a_server_become_a_table() -> None:
    """Types come from the values; names are kept whatever they are."""
    table = table_of(['a "b"', "at", "none"], [(1, datetime(2026, 3, 3), None), (2, None, None)])
    assert (table.columns, table.rows()) == (
        ['a "b"', "at", "none"],
        [(1, datetime(2026, 3, 3), None), (2, None, None)],
    )


def test_a_notebook_shows_text_from_records_as_text() -> None:
    """Markup in an attribute is escaped."""
    shown = table_of(["note"], [("<script>x</script>",)])._repr_html_()
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_data_frame_libraries_take_a_table(library: str) -> None:
    """Whichever is installed takes it as it is."""
    module = pytest.importorskip(library)
    table = table_of(["n", "text"], [(1, "a"), (2, None)])
    if library == "pyarrow":
        assert module.table(table).to_pydict() == {"n": [1, 2], "text": ["a", None]}
    elif library == "polars":
        assert module.DataFrame(table).rows() == [(1, "a"), (2, None)]
    else:
        frame = table.df()
        assert isinstance(frame, module.DataFrame)
        assert frame["n"].tolist() == [1, 2]


def test_df_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither library is there."""
    monkeypatch.setattr("trunkline.table.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install pandas, or pip install polars"):
        table_of(["n"], [(1,)]).df()


def test_importing_the_package_is_cheap() -> None:
    """Nothing heavy is imported until the API is used; a wrong name is an AttributeError."""
    program = (
        "import sys, trunkline\n"
        "assert not {'duckdb', 'boto3', 'nanoarrow', 'msgspec'} & set(sys.modules)\n"
        "assert trunkline.open and trunkline.Table\n"
        "assert not {'duckdb', 'boto3', 'nanoarrow'} & set(sys.modules)\n"
        "assert not hasattr(trunkline, 'opne')\n"
    )
    environment = {"PYTHONPATH": str(Path(trunkline.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_the_api_is_typed(tmp_path: Path) -> None:
    """A program that uses it passes strict mypy, and one that misuses it does not."""
    good = (
        "import trunkline\n\nwith trunkline.open('home') as home:\n"
        "    rows: list[tuple[object, ...]] = home.sql('SELECT 1').rows()\n"
        "    inserted: int = home.load('contact_record', 'files').counts.inserted\n"
        "    table: trunkline.Table = home.metric('service_level', by='queue', interval='hour')\n"
        "    missing: int = sum(outcome.missing for outcome in home.reconcile())\n"
        "    grain: str = home.objects['contact_record'].grain\n"
    )
    (tmp_path / "good.py").write_text(good)
    (tmp_path / "bad.py").write_text(good.replace("interval='hour'", "interval='week'"))
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", "--follow-imports=silent"]
    checked = subprocess.run(
        [*command, "--cache-dir", ".pytest_cache/mypy", str(tmp_path / "good.py"), str(tmp_path / "bad.py")],
        env={"MYPYPATH": "src"}, cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = [line for line in checked.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1, checked.stdout
    assert "bad.py:" in errors[0]


def test_table_is_exported() -> None:
    """For annotations and for wrapping other Arrow data."""
    assert trunkline.Table is Table
