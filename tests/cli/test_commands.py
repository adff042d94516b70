"""The command line as a careless newcomer uses it: output, messages and exit codes; never a traceback."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import trunkline
from trunkline.cli.main import run
from trunkline.pipelines.home import open_home
from trunkline.pipelines.reading import open_reader
from trunkline.settings.installation import Settings
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Faults, Spec

SRC = str(Path(trunkline.__file__).parents[1])
LOAD_KEYS = [
    "object",
    "read",
    "filtered",
    "dead_letter",
    "inserted",
    "updated",
    "deleted",
    "superseded",
    "duplicate",
    "rejected",
    "batches",
    "bytes",
    "seconds",
]


class Result:
    """A command's exit code and what it wrote."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in out + err
        assert "a bug in Trunkline" not in err, err

    @property
    def last(self) -> str:
        """The last line of standard output."""
        return self.out.splitlines()[-1]


Run = Callable[..., Result]


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command line in this process, in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def call(*words: str | Path) -> Result:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Result(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small delivery with every fault."""
    return simulate(Spec(contacts=120, seed=2, faults=Faults.every(0.03)), tmp_path_factory.mktemp("sim")).folder


@pytest.fixture(scope="module")
def loaded(delivered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds it, to be read only."""
    home = tmp_path_factory.mktemp("loaded") / "home"
    assert run(["load", "contact_record", str(delivered), "--home", str(home)]) == 0
    return home


@pytest.fixture
def home(loaded: Path, tmp_path: Path) -> Path:
    """A copy of that home, to be damaged."""
    return Path(shutil.copytree(loaded, tmp_path / "home"))


def child(*words: str | Path, env: dict[str, str] | None = None, **options: object) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    program = "import sys; from trunkline.cli.main import main; main()"
    environment = {**os.environ, "PYTHONPATH": SRC, **(env or {})}
    # A shell that starts the tests in the background makes them deaf to Ctrl-C, and so their children.
    options = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler), **options}
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, **options,
    )  # type: ignore[call-overload,no-any-return]  # fmt: skip


def ended(process: subprocess.Popen[str]) -> Result:
    """The result of a child process."""
    out, err = process.communicate(timeout=60)
    return Result(process.returncode, out, err)


# --- load ---


def test_load_prints_one_json_object(run_command: Run, delivered: Path) -> None:
    """Exactly one object with exactly the keys, whose terms add up; nothing on standard error without a terminal."""
    result = run_command("load", "contact_record", delivered, "--home", "h", "--output", "json")
    fields = json.loads(result.out)
    assert (result.code, result.err, result.out.count("\n")) == (0, "", 1)
    assert list(fields) == LOAD_KEYS
    assert fields["object"] == "contact_record"
    assert fields["read"] == sum(fields[name] for name in LOAD_KEYS[2:10])
    again = run_command("load", "contact_record", delivered, "--home", "h", "--output", "json")
    assert (again.code, list(json.loads(again.out)), json.loads(again.out)["read"]) == (0, LOAD_KEYS, 0)
    csv = run_command("load", "contact_record", delivered, "--home", "other", "--output", "csv")
    assert csv.out.splitlines()[0].split(",") == LOAD_KEYS


def test_every_load_ends_with_the_accounting_line(run_command: Run, delivered: Path) -> None:
    """The last line on standard output, also of a load that finds nothing new, or an empty folder."""
    first = run_command("load", "contact_record", delivered, "--home", "h")
    assert first.code == 0
    assert "records read = 120 inserted + " in first.last
    assert first.last.endswith(" set aside")
    assert "dead-letter list" in first.err
    assert run_command("load", "contact_record", delivered, "--home", "h").last == "0 records read = 0 inserted"
    Path("empty").mkdir()
    nothing = run_command("load", "contact_record", "empty", "--home", "h")
    assert (nothing.code, nothing.out) == (0, "0 records read = 0 inserted\n")
    assert nothing.err == "No files were found there.\n"


def test_strict_fails_for_what_was_set_aside(run_command: Run, delivered: Path) -> None:
    """Exit 1, and everything else as without the option; the next load succeeds."""
    result = run_command("load", "contact_record", delivered, "--home", "h", "--strict", "--output", "json")
    assert (result.code, json.loads(result.out)["inserted"]) == (1, 120)
    assert run_command("load", "contact_record", delivered, "--home", "h", "--strict").code == 0


@pytest.mark.parametrize("name", ["undo", "enable"])
def test_an_object_may_have_the_name_of_a_command(run_command: Run, name: str) -> None:
    """No word after `load` is reserved."""
    Path("h").mkdir()
    Path("h/objects.toml").write_text(
        f'[object.{name}]\ngrain = "One row per id."\ndatabase = "own"\nwarehouse_table = "own.f_{name}"\nkey = ["id"]\n'
        f'version = "at"\nevent_time = "at"\npartition = "at"\n[object.{name}.columns]\n'
        'id = { type = "text", path = "id" }\nat = { type = "timestamp", path = "at", unit = "UTC" }\n'
    )
    Path("file").write_text('{"id": "a", "at": "2026-03-03T10:00:00Z"}')
    assert run_command("load", name, "file", "--home", "h").out == "1 record read = 1 inserted\n"
    assert run_command("sql", f"SELECT id FROM own.{name}", "--home", "h", "--output", "csv").out == "id\na\n"


def test_the_demo_ends_with_the_accounting_line(run_command: Run) -> None:
    """All five terms, and the report where it says; again it gives the same; a foreign folder is left alone."""
    result = run_command("demo", "--contacts", "200", "--home", "d")
    for term in (" records read = 200 inserted + ", " updated + ", " duplicates + ", " superseded + ", " set aside"):
        assert term in result.last
    assert Path("d/report.html").stat().st_size > 1_000
    assert run_command("demo", "--contacts", "200", "--home", "d").out == result.out
    Path("mine").mkdir()
    Path("mine/file").write_text("precious")
    refused = run_command("demo", "--home", "mine")
    assert (refused.code, Path("mine/file").read_text()) == (2, "precious")
    assert "mine is not empty and was not created by the demo; choose another folder" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["load", "contact_recrod", "x"], 2, "there is no object 'contact_recrod'; did you mean 'contact_record'?"),
        (["load", "contact_record", "nowhere"], 2, "'nowhere' does not exist: name a file, a folder, a glob"),
        (["load", "contact_record", "https://a.b/x.json"], 2, "is a web address, which is not read: download it first"),
        (["load", "contact_record", "HTTP://a.b/x.json"], 2, "is a web address, which is not read"),
        (["load", "contact_record", "gs://bucket/x"], 2, "has the scheme gs://, which is not read"),
        (["load", "contact_record", "*.nothing"], 2, "no file matches '*.nothing'"),
        (["load", "contact_record", "broken"], 1, "cannot be read (No such file or directory)"),
        (["load", "contact_record", "fifo"], 2, "is not a regular file"),
        (["load", "contact_record", "file", "--home", "file"], 2, "is a file"),
        (["load", "contact_record", "file", "--home", "file/h"], 2, "Not a directory"),
        (["load", "contact_record", "file", "--home", "/proc/h"], 1, "/proc/h: No such file or directory"),
        (["load", "contact_record", "file", "--home", "a?b"], 2, "has ? or * in it"),
        (["load", "contact_record", "file", "--home", "h\udcff"], 2, "is not UTF-8"),
        (["load", "contact_record", "n\udcff"], 1, "is not UTF-8, so it cannot be recorded: rename the file"),
        (["load", "contact_record", "x" * 300], 2, "does not exist"),
        (["load", "contact_record"], 2, "Missing argument 'PATH'"),
        (["load"], 2, "Missing argument 'OBJECT'"),
        (["load", "contact_record", "file", "--output", "xml"], 2, "'xml' is not one of"),
        (["lod"], 2, "No such command 'lod'"),
        (["sql", "SELECT 1", "--home", "none"], 1, "load something first: trunkline load contact_record FOLDER"),
        (["demo", "--home", "file"], 1, "file: Not a directory"),
        (["demo", "--contacts", "0"], 2, "--contacts"),
        (["simulate", "--out", "file/x"], 1, "Not a directory"),
        (["simulate", "--out", "s", "--date", "0001-01-01"], 2, "date is 0001-01-01; give a date from 2010"),
        (["simulate", "--out", "s", "--date", "2026-02-30"], 2, "'2026-02-30' is not a valid date"),
        (["simulate", "--out", "s", "--fault", "poisen=0.1"], 2, "there is no fault 'poisen'; faults are all, poison"),
        (["simulate", "--out", "s", "--fault", "poison=nan"], 2, "fault rate poison is nan"),
        (["object", "show", "contact-record"], 2, "did you mean 'contact_record'?"),
        (["metric", "show", "service_lvl"], 2, "did you mean SERVICE_LEVEL?"),
        (["warehouse", "status", "--home", "none"], 1, "there is no warehouse at"),
        (["doctor", "--home", "none"], 1, "there is no warehouse at"),
        (["lake", "compact", "--grace-minutes", "-1"], 2, "--grace-minutes"),
    ],
)
def test_mistakes_get_one_message(run_command: Run, words: list[str], code: int, message: str) -> None:
    """Wrong usage is 2, what failed is 1; one message that names the thing."""
    Path("file").write_text("{}")
    Path("broken").symlink_to("gone")
    os.mkfifo("fifo")
    Path(os.fsdecode(b"n\xff")).write_text("{}")
    result = run_command(*words)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_odd_names_are_names(run_command: Run, delivered: Path) -> None:
    """Files and homes with spaces, quotes, #, %, brackets and the rest; the same contact in each is a duplicate."""
    source = next(path for path in sorted(delivered.rglob("*")) if path.is_file() and path.stat().st_size > 6_000)
    names = ["sp ace", "qu'ote", 'dq"x', "h#ash?", "per%20cent", "br[ack]et", "star*", "back\\slash", "ünï", "n" * 250]
    Path("odd").mkdir()
    for name in [*names, "new\nline"]:
        shutil.copyfile(source, Path("odd") / name)
    place = "my home's 50%20 [x] #1"
    result = run_command("load", "contact_record", "odd", "--home", place, "--output", "json")
    fields = json.loads(result.out)
    assert result.code == 0
    assert fields["read"] % 11 == 0
    assert fields["inserted"] > 0
    by_name = run_command("load", "contact_record", *(f"odd/{name}" for name in names), "--home", place)
    assert by_name.last == "0 records read = 0 inserted"
    counts = run_command("sql", "SELECT (SELECT count(*) FROM contact_record) = (SELECT count(*) FROM lake.contact_record) AS x",
                 "--home", place, "--output", "json")  # fmt: skip
    assert json.loads(counts.out) == [{"x": True}]
    for words in (["doctor"], ["lake", "compact", "--grace-minutes", "0"], ["warehouse", "rebuild"], ["doctor"]):
        assert run_command(*words, "--home", place).code == 0
    assert f"{fields['inserted']}" in run_command("warehouse", "status", "--home", place).out


# --- questions ---


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["selec 1"], 'syntax error at or near "selec"'),
        (["SELECT * FROM nowhere"], "connect_datalake.contact_record"),
        (["DELETE FROM contact_record"], "one query is needed and DELETE was given"),
        (["DROP TABLE connect.f_calls"], "one query is needed and DROP was given"),
        (["COPY (SELECT 1) TO 'out.csv'"], "one query is needed and COPY was given"),
        (["COPY (SELECT 1) TO '{home}/lake/connect_datalake/contact_record/x.parquet'"], "COPY was given"),
        (["EXPLAIN ANALYZE COPY (SELECT 1) TO '{home}/x'"], "EXPLAIN was given"),
        (["EXPORT DATABASE '{home}/lake/x'"], "one query is needed and EXPORT was given"),
        (["CREATE TABLE memory.main.x AS SELECT 1"], "CREATE was given"),
        (["ATTACH 'x.duckdb'"], "ATTACH was given"),
        (["SET enable_external_access = true"], "SET was given"),
        (["INSTALL httpfs"], "one query is needed"),
        (["SELECT 1; SELECT 2"], "one query is needed and SELECT, SELECT was given"),
        ([""], "one query is needed and nothing was given"),
        (["/* only a comment */"], "one query is needed and nothing was given"),
        (["SELECT * FROM read_text('/etc/passwd')"], "Permission Error"),
        (["SELECT * FROM read_text('{home}/pii.key')"], "Permission Error"),
        (["SELECT * FROM read_text('{home}/lake/_dead_letter_bytes/**')"], "Permission Error"),
        (["SELECT * FROM read_text('{home}/lake/connect_datalake/../../pii.key')"], "Permission Error"),
        (["SELECT 1", "--dialect", "mysql"], "there is no dialect 'mysql' here; valid are duckdb and athena"),
        (["", "--dialect", "athena"], "0 statements were given"),
        (["INSERT INTO contact_record SELECT 1", "--dialect", "athena"], "INSERT is not supported"),
        (["SELECT * FROM nowhere", "--dialect", "athena"], "table 'nowhere' is not known"),
        (["SELECT * FROM read_text('/etc/passwd')", "--dialect", "athena"], "is not supported"),
    ],
)
def test_only_questions_are_answered(run_command: Run, loaded: Path, words: list[str], message: str) -> None:
    """Nothing is written, nothing outside the tables is read, and it exits 2."""
    before = sorted(path for path in loaded.rglob("*"))
    result = run_command("sql", *(word.replace("{home}", str(loaded)) for word in words), "--home", loaded)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert sorted(path for path in loaded.rglob("*")) == before
    assert os.listdir() == []


def test_questions_of_every_kind(run_command: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SELECT, WITH, FROM, VALUES, SHOW, DESCRIBE; a trailing semicolon; standard input; from any folder."""
    zoned = run_command("sql", "SELECT TIMESTAMPTZ '2026-03-03 10:00:00+02' AS at", "--home", loaded, "--output", "csv")
    assert zoned.out == "at\n2026-03-03T08:00:00+00:00\n"
    for sql in ("SELECT 1;", "WITH a AS (SELECT 1) FROM a", "VALUES (1)", "SHOW ALL TABLES", "DESCRIBE contact_record"):
        assert run_command("sql", sql, "--home", loaded).code == 0
    with open(os.devnull, "w+") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert "nothing was given" in run_command("sql", "-", "--home", loaded).err
    monkeypatch.chdir(loaded.parent)
    result = run_command(
        "sql", "SELECT count(*) AS n FROM lake.contact_record", "--home", loaded.name, "--output", "csv"
    )
    assert result.out == "n\n120\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], "metric 'nope' is not known"),
        (["service_level", "--by", "team"], "group 'team' is not known; valid: queue, agent"),
        (["service_level", "--by", "queue,queue"], "name each group once"),
        (["service_level", "--interval", "week"], "'week' is not one of"),
        (["service_level", "--zone", "Mars/X"], "time zone 'Mars/X' is not known"),
        (["service_level", "--zone", "Mars/X", "--since", "2026-03-03"], "time zone 'Mars/X' is not known"),
        (["service_level", "--zone", "localtime"], "time zone 'localtime' is not known"),
        (["service_level", "--zone", "../../etc/passwd"], "is not known"),
        (["service_level", "--x", "-1"], "valid: seconds from 0 to 604800"),
        (["service_level", "--x", "nan"], "valid: seconds from 0 to 604800"),
        (["service_level", "--x", "soon"], "should be a valid number"),
        (["service_level", "--since", "tomorrow"], "--since 'tomorrow' is not a valid date or time; write 2026-03-02"),
        (
            ["service_level", "--until", "0001-01-01", "--zone", "Asia/Kathmandu"],
            "'0001-01-01' is not a valid date or time",
        ),
        (["service_level", "--since", "9999-12-31T23:59", "--zone", "America/New_York"], "is not a valid date or time"),
        (["service_level", "--since", "2026-03-04", "--until", "2026-03-03"], "give the earlier one first"),
    ],
)
def test_metrics_that_cannot_be(run_command: Run, loaded: Path, words: list[str], message: str) -> None:
    """Exit 2 and what is valid."""
    result = run_command("metric", "query", *words, "--home", loaded)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_metrics_that_can(run_command: Run, loaded: Path) -> None:
    """Spaces between groups, a span without contacts, every output."""
    limited = run_command("metric", "query", "contacts_created", "--by", "channel", "--limit", "2", "--home", loaded)
    assert (limited.code, len(limited.out.splitlines())) == (0, 4)
    assert run_command("metric", "query", "contacts_created", "--limit", "2", "--sql", "redshift").out.endswith(
        "\nLIMIT 2;\n"
    )
    spaced = run_command(
        "metric", "query", "contacts_queued", "--by", "queue, channel", "--home", loaded, "--output", "csv"
    )
    assert spaced.out.startswith("queue_id,queue_name,channel,contacts_queued\n")
    nothing = run_command(
        "metric", "query", "service_level", "--since", "2030-01-01", "--home", loaded, "--output", "json"
    )
    assert json.loads(nothing.out) == [{"service_level": None}]


def test_letters_that_are_not_there(run_command: Run, loaded: Path) -> None:
    """Ids, objects and reasons that do not exist are named; an id that fits many shows none."""
    for words, message in (
        (["show", "zzz"], "no record set aside has an id that begins with 'zzz'"),
        (["show", ""], "records set aside have an id that begins with ''"),
        (["list", "--object", "nope"], "there is no object 'nope'"),
        (["list", "--reason", "nope"], "there is no reason 'nope'; reasons are invalid_json"),
        (["replay", "--reason", "nope"], "there is no reason 'nope'"),
        (["replay", "--object", "nope"], "there is no object 'nope'"),
    ):
        result = run_command("dead-letter", *words, "--home", loaded)
        assert (result.code, result.out) == (2, "")
        assert message in result.err


def test_reports_of_odd_days(run_command: Run, loaded: Path) -> None:
    """A day without contacts is a report; what is no day, no zone or no place for a file is result."""
    assert run_command("report", "--since", "2030-01-01", "--out", "r.html", "--home", loaded).out == "Report: r.html\n"
    assert Path("r.html").stat().st_size > 1_000
    for words, code, message in (
        (["--since", "nope"], 2, "'nope' is not a valid date"),
        (["--since", "0001-01-01"], 2, "'0001-01-01' is not a valid date"),
        (["--since", "9999-12-31"], 2, "'9999-12-31' is not a valid date"),
        (["--zone", "Mars"], 2, "'Mars'"),
        (["--out", "gone/r.html"], 1, "cannot be written to gone/r.html"),
        (["--until", "2026-03-04"], 2, "--until needs --since"),
        (["--since", "2026-03-03T08:00"], 2, "give --until for a span"),
        (["--since", "2026-03-03", "--until", "2026-03-03"], 2, "valid: an end after the start and within 31 days"),
        (["--since", "2026-03-03", "--until", "2026-05-03"], 2, "within 31 days"),
        (["--since", "2026-03-03", "--until", "soon"], 2, "--until 'soon' is not a valid date or time"),
        (
            ["--since", "2026-03-03", "--until", "2026-03-04", "--zone", "Mars"],
            2,
            "'Mars', which is not an IANA time zone",
        ),
    ):
        result = run_command("report", *words, "--home", loaded)
        assert (result.code, result.out) == (code, "")
        assert message in result.err


def test_views_have_their_ddl_and_lists_have_types(run_command: Run, home: Path) -> None:
    """Whatever `object list` names has its DDL; what is true or false is so in JSON, and unknown is null."""
    for listed in json.loads(run_command("object", "list", "--output", "json", "--home", home).out):
        made = run_command("object", "ddl", listed["object"], "--engine", "redshift", "--home", home)
        assert (made.code, made.out.split()[0]) == (0, "CREATE"), listed
        assert listed["lake_table"] != ""
    found = {one["metric"]: one for one in json.loads(run_command("metric", "list", "--output", "json").out)}
    assert (found["SERVICE_LEVEL"]["takes_x"], found["CONTACTS_CREATED"]["takes_x"]) == (True, False)


def test_a_home_whose_only_load_was_undone_says_so(run_command: Run, delivered: Path, tmp_path: Path) -> None:
    """Doctor does not say that nothing was loaded: the files count as read."""
    home = tmp_path / "back"
    run_command("load", "contact_record", delivered, "--home", home)
    (batch,) = run_command("sql", "SELECT batch_id FROM ledger.batch", "--output", "csv", "--home", home).out.split()[
        1:
    ]
    assert run_command("undo", batch, "--home", home).code == 0
    result = run_command("doctor", "--home", home)
    assert (result.code, "contact_record: accounting" in result.out) == (0, True)
    assert "0 rows in the lake, 0 in the warehouse" in result.out


def test_a_report_of_a_span(run_command: Run, loaded: Path) -> None:
    """Both times are local to the zone; the report compares with the hours before."""
    span = ("--since", "2026-03-03T08:00", "--until", "2026-03-03T14:00", "--zone", "America/New_York")
    result = run_command("report", *span, "--out", "r.html", "--home", loaded)
    assert (result.code, result.out) == (0, "Report: r.html\n")
    assert "It shows 3 March 2026 08:00 to 3 March 2026 14:00, America/New_York." in result.err
    assert "the 6 hours before" in Path("r.html").read_text()


def test_the_rest_of_the_commands_answer(run_command: Run, home: Path) -> None:
    """Every other command, on a home with everything in it."""
    for words in (
        ["object", "list"], ["object", "show", "contact_record"], ["object", "ddl", "contact_record"],
        ["object", "sql", "contact_record", "--step", "merge"], ["metric", "list"], ["metric", "show", "service_level"],
        ["warehouse", "status"], ["warehouse", "install"], ["warehouse", "rebuild"], ["lake", "compact"], ["doctor"],
        ["dead-letter", "list"], ["dead-letter", "replay"], ["doctor"],
    ):  # fmt: skip
        where = [] if words[0] == "metric" else ["--home", str(home)]
        result = run_command(*words, *where)
        assert result.code == 0, (words, result.err)
        assert result.out


# --- settings ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zone = ", "is not valid TOML"),
        ("zoen = 'UTC'", "there is no setting 'zoen'. Did you mean 'zone'?"),
        ("zone = 'Mars'", "zone is 'Mars', which is not an IANA time zone"),
        ("pii = 'hsah'", "Did you mean 'hash'?"),
        ("threads = 0", "threads is 0; expected `int` >= 1"),
        ("lake = '/data'", "valid is a URL such as file:///data/lake"),
        ("warehouse = 'mysql://x/y'", "valid is a URL such as duckdb:///data/warehouse.duckdb"),
        ("pii_key = 'secret'", "pii_key does not belong in a settings file"),
    ],
)
def test_bad_settings_files(run_command: Run, text: str, message: str) -> None:
    """Exit 2, the file, the key, the value and what is valid; nothing is made."""
    Path("h").mkdir()
    Path("h/trunkline.toml").write_text(text)
    Path("empty").mkdir()
    for words in (["load", "contact_record", "empty"], ["doctor"], ["metric", "query", "service_level"]):
        result = run_command(*words, "--home", "h")
        assert result.code == 2
        assert message in result.err
        assert "trunkline.toml" in result.err
    assert os.listdir("h") == ["trunkline.toml"]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("TRUNKLINE_ZONE", "Mars", "TRUNKLINE_ZONE is 'Mars'"),
        ("TRUNKLINE_THREADS", "many", "TRUNKLINE_THREADS is 'many'; expected `int`"),
        ("TRUNKLINE_ZOEN", "UTC", "Did you mean 'TRUNKLINE_ZONE'?"),
        ("TRUNKLINE_PII", "maybe", "Valid: hash, drop, keep"),
        ("TRUNKLINE_PII_KEY", " ", "TRUNKLINE_PII_KEY is empty"),
    ],
)
def test_bad_variables(
    run_command: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    """The same for variables."""
    monkeypatch.setenv(variable, value)
    result = run_command("doctor", "--home", "h")
    assert result.code == 2
    assert message in result.err


def test_another_pii_rule_is_noticed(
    run_command: Run, delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another key, mode or list of exceptions on a home with data: exit 1, what to do, no key in the message or lake."""
    load = ["load", "contact_record", str(delivered), "--home", str(tmp_path / "h")]
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "first secret")
    assert run_command(*load).code == 0
    assert run_command(*load).code == 0
    for variable, value, how in (
        ("TRUNKLINE_PII_KEY", "second secret", "it was written with another key"),
        ("TRUNKLINE_PII", "keep", "it was written with pii = hash, and pii is keep now"),
        ("TRUNKLINE_PII_EXCEPTIONS", "CustomerTier", "it was written with pii_exceptions = []"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            for words in (load, ["warehouse", "rebuild", *load[3:]], ["lake", "compact", *load[3:]]):
                result = run_command(*words)
                assert (result.code, result.out) == (1, "")
                assert how in result.err
                assert "rewriting the lake" in result.err
                assert "secret" not in result.err
    monkeypatch.delenv("TRUNKLINE_PII_KEY")
    lost = run_command(*load)
    assert "its key is not here" in lost.err
    assert not (tmp_path / "h" / "pii.key").exists()
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "first secret")
    assert run_command(*load).code == 0
    assert "secret" not in (tmp_path / "h" / "lake" / "_ledger" / "pii.json").read_text()


def test_the_rule_may_change_while_nothing_is_loaded(run_command: Run, delivered: Path) -> None:
    """An empty home takes any rule; a home of before the check takes the rule it is opened with."""
    Path("empty").mkdir()
    assert run_command("load", "contact_record", "empty", "--home", "h").code == 0
    Path("h/trunkline.toml").write_text("pii = 'drop'")
    assert run_command("load", "contact_record", delivered, "--home", "h").code == 0
    Path("h/lake/_ledger/pii.json").unlink()
    assert run_command("load", "contact_record", delivered, "--home", "h").code == 0
    assert json.loads(Path("h/lake/_ledger/pii.json").read_text())["mode"] == "drop"


# --- damage ---


def test_a_damaged_warehouse(run_command: Run, home: Path) -> None:
    """Every command says so; after it is moved away, a rebuild from the lake restores it."""
    file = home / "warehouse.duckdb"
    file.write_bytes(b"garbage")
    for words in (["doctor"], ["sql", "SELECT 1"], ["load", "contact_record", "."], ["warehouse", "status"]):
        result = run_command(*words, "--home", home)
        assert result.code == 1
        assert "is no DuckDB 2 file, or unreadable" in result.err
        assert "trunkline warehouse rebuild" in result.err
    file.unlink()
    assert run_command("warehouse", "rebuild", "--home", home).code == 0
    assert "120 rows in the lake, 120 in the warehouse" in run_command("doctor", "--home", home).out


def test_a_warehouse_whose_creation_was_cut_short(run_command: Run, home: Path) -> None:
    """An empty file, or one with the first header alone, is made anew and filled from the lake."""
    file = home / "warehouse.duckdb"
    first = file.read_bytes()[:4_096]
    for left in (b"", first):
        file.write_bytes(left)
        assert run_command("load", "contact_record", ".", "--home", home).last == "0 records read = 0 inserted"
        assert run_command("doctor", "--home", home).code == 0


def test_a_lake_that_lacks_files(run_command: Run, home: Path) -> None:
    """Doctor exits 1; a rebuild refuses and leaves the warehouse as it was; with the files back all is well."""
    files = sorted((home / "lake" / "connect_datalake").rglob("*.parquet"))
    for file in files:
        file.rename(home / file.name)
    doctor = run_command("doctor", "--home", home)
    assert (doctor.code, "0 rows in the lake, 120 in the warehouse" in doctor.out) == (1, True)
    result = run_command("warehouse", "rebuild", "--home", home)
    assert result.code == 1
    assert "gives 0 rows of contact_record and its accounting says 120" in result.err
    count = ["sql", "SELECT count(*) AS n FROM connect.f_calls", "--home", str(home), "--output", "csv"]
    assert run_command(*count).out == "n\n120\n"
    for file in files:
        (home / file.name).rename(file)
    assert run_command("warehouse", "rebuild", "--home", home).code == 0
    assert run_command("doctor", "--home", home).code == 0


def test_damaged_lake_files(run_command: Run, home: Path) -> None:
    """A Parquet file or a ledger object cut short: which, and what to do."""
    file = next((home / "lake" / "connect_datalake").rglob("*.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:500])
    for words in (["doctor"], ["warehouse", "rebuild"], ["sql", "SELECT count(*) FROM lake.contact_record"]):
        result = run_command(*words, "--home", home)
        assert result.code == 1
        assert file.name in result.err
        assert "missing or damaged" in result.err
    file.write_bytes(whole)
    record = next((home / "lake" / "_ledger" / "batch").rglob("*.json"))
    record.write_bytes(record.read_bytes()[:50])
    (home / "warehouse.duckdb").unlink()
    result = run_command("warehouse", "rebuild", "--home", home)
    assert result.code == 1
    assert "_ledger/" in result.err


# --- several at once, and being stopped ---


def test_two_loads_at_once(run_command: Run, home: Path, delivered: Path) -> None:
    """The second names the process of the first, and exits 1."""
    with open_home(Settings.load(home, {})):
        process = child("load", "contact_record", delivered, "--home", home, "--wait", "0")
        result = ended(process)
    assert result.code == 1
    assert f"{home} is in use by process {os.getpid()}; wait for it to end or stop it" in result.err
    assert run_command("load", "contact_record", delivered, "--home", home).code == 0


def test_a_load_while_somebody_reads(run_command: Run, home: Path, delivered: Path) -> None:
    """Without waiting, a load fails beside a reader and a reader beside a load; two readers do not disturb each other."""
    with open_reader(Settings.load(home, {})):
        assert ended(child("sql", "SELECT 1", "--home", home)).code == 0
        result = ended(child("load", "contact_record", delivered, "--home", home, "--wait", "0"))
        assert result.code == 1
        assert f"is in use by process {os.getpid()}; wait for it to end or stop it, then try again" in result.err
    with open_home(Settings.load(home, {})):
        result = ended(child("sql", "SELECT 1", "--home", home, "--wait", "0"))
        assert result.code == 1
        assert f"is in use by process {os.getpid()}" in result.err
    assert run_command("load", "contact_record", delivered, "--home", home).code == 0


@pytest.mark.parametrize("words", [["sql", "SELECT 1 AS one"], ["doctor"], ["load", "contact_record", "{delivered}"]])
def test_commands_wait_for_a_lock(run_command: Run, home: Path, delivered: Path, words: list[str]) -> None:
    """They name the process once, and continue when it has ended."""
    with open_home(Settings.load(home, {})):
        process = child(*(word.replace("{delivered}", str(delivered)) for word in words), "--home", home)
        assert process.stderr is not None
        assert f"is in use by process {os.getpid()}; waiting up to 60 s." in process.stderr.readline()
    result = ended(process)
    assert (result.code, result.err.count("waiting")) == (0, 0)


def test_a_load_waits_for_a_reader(home: Path, delivered: Path) -> None:
    """A long query does not make a scheduled load fail."""
    with open_reader(Settings.load(home, {})):
        process = child("load", "contact_record", delivered, "--home", home)
        assert process.stderr is not None
        assert (
            f"warehouse.duckdb is in use by process {os.getpid()}; waiting up to 3600 s." in process.stderr.readline()
        )
    assert ended(process).code == 0


def test_waiting_ends(run_command: Run, home: Path) -> None:
    """After the time given, with exit code 1."""
    with open_home(Settings.load(home, {})):
        begun = time.monotonic()
        result = ended(child("doctor", "--home", home, "--wait", "0.5"))
    assert result.code == 1
    assert "waiting up to 0.5 s" in result.err
    assert "wait for it to end or stop it, then try again" in result.err
    assert time.monotonic() - begun > 0.5


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough contacts for many small batches."""
    return simulate(Spec(contacts=500, seed=3), tmp_path_factory.mktemp("many")).folder


def test_ctrl_c_in_the_middle_of_a_load(run_command: Run, many: Path, tmp_path: Path) -> None:
    """Exit 130 and one line; the same command again ends with every contact once."""
    home = tmp_path / "h"
    small = {"TRUNKLINE_BATCH_BYTES": "20000"}
    process = child("load", "contact_record", many, "--home", home, env=small)
    ledger = home / "lake" / "_ledger" / "batch" / "contact_record"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (ledger.exists() and any(ledger.glob("*.json"))):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    result = ended(process)
    assert (result.code, result.out) == (130, "")
    assert result.err.strip() == "stopped; run the same command again to resume"
    again = ended(child("load", "contact_record", many, "--home", home))
    assert again.code == 0
    assert run_command("doctor", "--home", home).code == 0
    assert " 500 inserted" in run_command("doctor", "--home", home).out


def test_a_disk_that_is_full(run_command: Run, many: Path, tmp_path: Path) -> None:
    """A file may not grow beyond some size: exit 1, which place lacks room; with room the same command completes."""
    home = tmp_path / "h"
    for limit in (10_000, 400_000):

        def cramped(limit: int = limit) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        result = ended(child("load", "contact_record", many, "--home", home, preexec_fn=cramped))
        assert (result.code, result.out) == (1, ""), limit
        assert "make room and run the same command again" in result.err
    assert ended(child("load", "contact_record", many, "--home", home)).code == 0
    doctor = run_command("doctor", "--home", home)
    assert (doctor.code, " 500 inserted" in doctor.out) == (0, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes and reads everywhere")
def test_without_permission(run_command: Run, delivered: Path) -> None:
    """A file that cannot be read, a home that cannot be written: exit 1 and which."""
    Path("secret").write_text("{}")
    Path("secret").chmod(0)
    assert (
        "secret cannot be read (Permission denied)"
        in run_command("load", "contact_record", "secret", "--home", "h").err
    )
    Path("locked").mkdir(mode=0o500)
    result = run_command("load", "contact_record", delivered, "--home", "locked/h")
    assert (result.code, "locked/h: Permission denied" in result.err) == (1, True)


def test_nothing_is_written_into_the_working_folder(run_command: Run, loaded: Path) -> None:
    """Spilling goes beside the warehouse: a query larger than memory leaves nothing in the working folder."""
    settings = Settings.load(loaded, {"TRUNKLINE_MEMORY_MB": "64", "TRUNKLINE_THREADS": "1"})
    with open_reader(settings) as reader:
        place = reader.con.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]
    assert place == str(loaded / ".spill")
