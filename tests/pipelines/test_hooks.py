"""Hooks of users' objects: a Python function over the rows of a batch, whose answer is checked before it is stored."""

from __future__ import annotations

import json
import sys
from dataclasses import replace as changed
from datetime import datetime
from pathlib import Path

import pytest
from homes import lake_versions, letters, load_into, opened, table, totals, write
from typer.testing import CliRunner

from trunkline.cli.query.objects import app
from trunkline.errors import TerminalError, UsageError
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.objects.user.declare import read_objects
from trunkline.pipelines.flattening import FlattenProcess
from trunkline.pipelines.jobs.load import replay
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Texts
from trunkline.sources.paged import shape_of_columns

AT = datetime(2026, 3, 4)

VISIT = """
[object.visit]
hook = "clean:fix"
key = "id"
version = "changed_at"
event_time = "at"
deleted = "is_gone"

[object.visit.columns]
id = { path = "Id" }
at = { type = "timestamp", path = "At" }
changed_at = { type = "timestamp", path = "Changed" }
is_gone = { type = "boolean", path = "Gone" }
place = { path = "Place" }
place_upper = { sql = "upper(place)" }
score = { type = "bigint", path = "Score" }
price = { type = "decimal", scale = 2, path = "Price" }
tags = { type = "list<text>", path = "Tags" }
counts = { type = "map<bigint>", path = "Counts" }
more = { type = "json", path = "More" }
phone = { path = "Phone", pii = "direct" }
notes = { type = "map", path = "Notes", pii = "indirect" }

[[object.visit.example]]
record = { Id = "1", At = "2026-03-03T10:00:00Z", Place = " Rome " }
row = { id = "1", place = "Rome" }
"""

GIVEN = ["id", "at", "changed_at", "is_gone", "place", "place_upper", "score", "price", "tags", "counts", "more"]

FIX = """
def fix(table):
    return table.replace("place", [text and text.strip() for text in table.column("place")])
"""


def declared(home: Path, hook: str = FIX, text: str = VISIT) -> Object:
    (home / "hooks").mkdir(parents=True, exist_ok=True)
    (home / "hooks" / "clean.py").write_text(hook)
    (home / "objects.toml").write_text(text)
    (obj,) = read_objects(home / "objects.toml")
    return obj


def record(id_: str, **values: object) -> dict[str, object]:
    return {"Id": id_, "At": "2026-03-03T10:00:00Z", "Changed": "2026-03-03T10:00:00Z"} | values


def test_a_hook_changes_the_rows_of_a_load(tmp_path: Path) -> None:
    """It gets every column in each batch, also those without values, but for personal data; a bad record stays a dead letter."""
    hook = """
def fix(table):
    assert table.columns == COLUMNS
    table = table.replace("place", [text and text.strip() for text in table.column("place")])
    table = table.replace("place_upper", ["changed"] * len(table))
    table = table.replace("score", [len(tags or ()) for tags in table.column("tags")])
    return table.replace("price", [price and price / 2 for price in table.column("price")])
""".replace("COLUMNS", repr(GIVEN))
    full = record(
        "1", Place=" Rome ", Price="12.50", Tags=["a", "b"], Counts={"x": 1}, More={"b": 1, "a": [1]},
        Phone="+15365550101", Notes={"k": "v"},
    )  # fmt: skip
    with opened(tmp_path / "home", declared(tmp_path, hook)) as home:
        (obj,) = home.objects.values()
        load_into(home, write(tmp_path / "first.json", {"Place": "x"}, full, record("2")), obj=obj)
        first, second = table(home, obj)
        assert (first["place"], first["place_upper"], first["score"], str(first["price"])) == (
            "Rome",
            "changed",
            2,
            "6.25",
        )
        assert (first["tags"], first["counts"], first["more"]) == (["a", "b"], {"x": 1}, '{"a":[1],"b":1}')
        assert first["notes"] == {"k": "v"}
        assert "536555" not in first["phone"]
        assert (second["place"], second["score"]) == (None, 0)
        assert [letter.reason for letter in letters(home, obj)] == ["missing_key"]


def test_the_identity_of_a_row_is_of_what_the_hook_returns(tmp_path: Path) -> None:
    """Records that the hook makes equal are duplicates; another hook gives the same record another identity."""
    text = VISIT.replace('place_upper = { sql = "upper(place)" }\n', "")
    obj = declared(tmp_path, text=text)
    with opened(tmp_path / "home", obj) as home:
        load_into(home, write(tmp_path / "a.json", record("1", Place="Rome")), obj=obj)
        counts = load_into(home, write(tmp_path / "b.json", record("1", Place="  Rome ")), obj=obj).counts
        assert (counts.duplicate, counts.superseded, counts.updated) == (1, 0, 0)
        (row,) = table(home, obj)
    hook = FIX.replace("text.strip()", "text.lower()")
    other = declared(tmp_path / "other", hook, text)
    with opened(tmp_path / "other" / "home", other) as home:
        load_into(home, tmp_path / "a.json", obj=other)
        (other_row,) = table(home, other)
    assert (row["place"], other_row["place"]) == ("Rome", "rome")
    assert row["record_hash"] != other_row["record_hash"]


def test_the_identity_covers_each_column(tmp_path: Path) -> None:
    """Also those that the hook is not given, without the values of direct personal data."""
    obj = declared(tmp_path)
    base = record("1", Place="Rome", Tags=["a"], Counts={"x": 1}, More={"a": 1}, Notes={"k": "v"}, Phone="+15365550101")
    changes: list[dict[str, object]] = [
        {}, {"Score": 1}, {"Price": "1.00"}, {"Tags": ["b"]}, {"Counts": {"x": 2}}, {"More": {"a": 2}},
        {"Notes": {"k": "w"}}, {"Unknown": 1},
    ]  # fmt: skip
    with opened(tmp_path / "home", obj) as home:
        records = [base | change | {"Id": str(n)} for n, change in enumerate(changes)]
        same = [base | {"Phone": "+15365550102"}, base | {"Changed": "2026-03-03T10:00:00Z"}]
        load_into(home, write(tmp_path / "a.json", *(item | {"Id": "1"} for item in [*records, *same])), obj=obj)
        hashes = {row["record_hash"] for row in lake_versions(home, obj)}
        assert len(hashes) == len(changes)


def test_rows_keep_their_order_in_large_batches(tmp_path: Path) -> None:
    """Over many vectors of the engine, among them records that are read with care, each row gets its own value."""
    hook = """
def fix(table):
    return table.replace("score", [int(id_) * 2 for id_ in table.column("id")])
"""
    obj = declared(tmp_path, hook)
    records = [record(str(n), **({"Score": "not a number"} if n % 7 == 0 else {})) for n in range(5000)]
    with opened(tmp_path / "home", obj) as home:
        load_into(home, write(tmp_path / "many.json", *records), obj=obj)
        wrong = home.con.execute(
            f"SELECT count(*) FILTER (score <> CAST(id AS BIGINT) * 2), count(*) FROM {obj.warehouse_table}"
        )
        assert wrong.fetchall() == [(0, 5000)]


WRONG = {
    "an exception": ("raise ValueError(table.column('place')[0])", r"raised ValueError at .*clean\.py, line 3"),
    "no table": ("return None", "returned NoneType; return the table"),
    "fewer rows": (
        "import duckdb; return duckdb.from_arrow(table).limit(1)", "returned 1 rows for 2; return each row"),
    "a column less": ("import duckdb; return duckdb.from_arrow(table).project('* EXCLUDE (place)')", "without place"),
    "a column more": ("import duckdb; return duckdb.from_arrow(table).project('*, 1 AS extra')", "with extra too"),
    "another order of columns": (
        "import duckdb; return duckdb.from_arrow(table).project('place, * EXCLUDE (place)')", "in another order"),
    "another type": (
        "import duckdb; return duckdb.from_arrow(table).project('* REPLACE (CAST(score AS VARCHAR) AS score)')",
        "score as VARCHAR, not BIGINT"),
    "another key": ("return table.replace('id', ['9', '8'])", "changed id in 2 rows; key, version"),
    "another order of rows": (
        "import duckdb; return duckdb.from_arrow(table).order('id DESC')", "changed id in 2 rows"),
    "another version": ("return table.replace('changed_at', [None, None])", "changed changed_at in 2 rows"),
    "another time": ("return table.replace('at', table.column('at')[:1] * 1 + [None])", "changed at in 1 rows"),
    "a deletion": ("return table.replace('is_gone', [True, None])", "changed is_gone in 1 rows"),
    "text that is no JSON": ("return table.replace('more', ['{', None])", "texts that are not JSON as more in 1 rows"),
    "a value that does not fit": ("return table.replace('score', ['secret', None])", "raised UsageError"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_stops_the_load(name: str, tmp_path: Path) -> None:
    """The error names hook, object and what differs, and quotes no record; the next run with a right hook loads all."""
    body, expected = WRONG[name]
    obj = declared(tmp_path, f"def fix(table):\n    table.columns\n    {body}\n")
    file = write(tmp_path / "a.json", record("1", Place="secret"), record("2"))
    with opened(tmp_path / "home", obj) as home:
        with pytest.raises(TerminalError, match=rf"the hook clean:fix of object visit: .*{expected}") as caught:
            load_into(home, file, obj=obj)
        assert "secret" not in str(caught.value)
        assert table(home, obj) == []
    right = declared(tmp_path / "second")
    with opened(tmp_path / "home", right) as home:
        load_into(home, file, obj=right)
        counts = totals(home, right)
        assert (counts.read, counts.inserted) == (2, 2)


def test_a_column_without_values_may_have_no_type(tmp_path: Path) -> None:
    """As libraries infer it."""
    body = "import duckdb; return duckdb.from_arrow(table).project('* REPLACE (NULL AS place)')"
    obj = declared(tmp_path, f"def fix(table):\n    {body}\n")
    with opened(tmp_path / "home", obj) as home:
        load_into(home, write(tmp_path / "a.json", record("1", Place="x")), obj=obj)
        assert [row["place"] for row in table(home, obj)] == [None]


def test_a_process_of_its_own_runs_the_hook(tmp_path: Path) -> None:
    """A long load flattens in another process: the hook is found there, and its error comes back."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    text = json.dumps(record("1", Place="secret")).encode()
    for hook, expected in [(FIX, None), ("def fix(table):\n    raise ValueError('secret')\n", "raised ValueError")]:
        obj = declared(tmp_path / (expected or "right").replace(" ", "_"), hook)
        plan = Plan(obj.name, "batch", (FileRange("file", "1", 0, 100, True, AT),))
        process = FlattenProcess(obj, PiiRule("keep", b""), scratch, is_merged_here=False)
        try:
            framed = Framed(plan, Texts([text]), [0], [0], [], len(text))
            if expected is None:
                assert sum(file.rows for file in process.write(framed).files) == 1
            else:
                with pytest.raises(TerminalError, match=expected):
                    process.write(framed)
        finally:
            process.close()


def test_a_replayed_dead_letter_goes_through_the_hook(tmp_path: Path) -> None:
    """As any other record."""
    rule = 'place_length = { type = "integer", path = "Length", sql = "CAST(value AS INTEGER)" }\nphone ='
    obj = declared(tmp_path, text=VISIT.replace("phone =", rule))
    with opened(tmp_path / "home", obj) as home:
        load_into(home, write(tmp_path / "a.json", record("1", Place=" Rome ", Length="x")), obj=obj)
        assert table(home, obj) == []
    fixed = declared(tmp_path, text=VISIT.replace("phone =", rule.replace("CAST(", "TRY_CAST(")))
    with opened(tmp_path / "home", fixed) as home:
        assert replay(home, fixed, letters(home, fixed)).counts.inserted == 1
        assert [row["place"] for row in table(home, fixed)] == ["Rome"]


INVALID = {
    "no function": ("clean", "def fix(table): ...", 'it must be "module:function"'),
    "a path": ("../clean:fix", "def fix(table): ...", 'it must be "module:function"'),
    "no module": ("cleaner:fix", "", r"there is no module cleaner in .*hooks or in installed packages"),
    "another function": ("clean:fxi", "def fix(table): ...\nLIMIT = 3", r"clean\.py does not define fxi; it defines fix, LIMIT"),
    "no Python": ("clean:fix", "x = 1\ndef fix(", r"clean\.py, line 2: is not valid Python"),
    "a folder": ("objects:fix", "", "there is no module objects"),
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_a_hook_is_checked_when_the_file_is_read(name: str, tmp_path: Path) -> None:
    """With the line, the name and what is wrong."""
    hook, code, expected = INVALID[name]
    (tmp_path / "hooks" / "objects").mkdir(parents=True)
    with pytest.raises(UsageError, match=rf"objects\.toml, line 3: \[object\.visit\] hook = .*{expected}"):
        declared(tmp_path, code, VISIT.replace("clean:fix", hook))


def test_reading_a_declaration_does_not_run_the_hook(tmp_path: Path) -> None:
    """The module runs where rows are flattened; what it raises then is an error that names it."""
    obj = declared(tmp_path, "import no_such_library\ndef fix(table): ...\n")
    with (
        opened(tmp_path / "home", obj) as home,
        pytest.raises(
            TerminalError, match=r"clean\.py cannot be imported: ModuleNotFoundError: No module named 'no_such"
        ),
    ):
        load_into(home, write(tmp_path / "a.json", record("1")), obj=obj)


def test_the_working_directory_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not under an empty entry of the search path, nor under its own name; an installed package is found."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outside.py").write_text(FIX)
    for entry in ("", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [entry, *sys.path])
        with pytest.raises(UsageError, match="there is no module outside"):
            declared(tmp_path / "centre", text=VISIT.replace("clean:fix", "outside:fix"))
    packages = tmp_path / "packages"
    (packages / "acme").mkdir(parents=True)
    (packages / "acme" / "__init__.py").write_text("")
    (packages / "acme" / "visits.py").write_text(FIX)
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    obj = declared(tmp_path / "centre", text=VISIT.replace("clean:fix", "acme.visits:fix"))
    with opened(tmp_path / "home", obj) as home:
        load_into(home, write(tmp_path / "a.json", record("1", Place=" Rome ")), obj=obj)
        assert [row["place"] for row in table(home, obj)] == ["Rome"]


def test_each_home_has_hooks_of_its_own(tmp_path: Path) -> None:
    """Two homes with a module of one name in one process; a module may import those beside it; objects may stand in a folder."""
    for name in ("first", "second"):
        folder = tmp_path / name
        (folder / "hooks").mkdir(parents=True)
        (folder / "objects").mkdir()
        (folder / "hooks" / "names.py").write_text(f"NAME = {name!r}\n")
        code = "from .names import NAME\ndef fix(table):\n    return table.replace('place', [NAME] * len(table))\n"
        (folder / "hooks" / "clean.py").write_text(code)
        (folder / "objects" / "visit.toml").write_text(VISIT)
        (obj,) = read_objects(folder / "objects" / "visit.toml")
        with opened(folder, obj) as home:
            load_into(home, write(tmp_path / "a.json", record("1")), obj=obj)
            assert [row["place"] for row in table(home, obj)] == [name]


def test_the_hook_is_part_of_what_an_object_is(tmp_path: Path) -> None:
    """Its name: with another hook, the object and what a source has read for it are others. Its folder is not."""
    obj = declared(tmp_path)
    assert obj.hook is not None
    assert changed(obj, hook=changed(obj.hook, folder="/elsewhere")) == obj
    other = changed(obj, hook=changed(obj.hook, name="clean:other"))
    assert other != obj
    assert shape_of_columns(other) != shape_of_columns(obj) != shape_of_columns(changed(obj, hook=None))


def test_object_check_runs_the_hook(tmp_path: Path) -> None:
    """Over each example; its error is a problem of the example."""
    declared(tmp_path)
    result = CliRunner().invoke(app, ["check", str(tmp_path / "objects.toml")])
    assert (result.exit_code, result.output) == (0, "visit: 13 columns, 1 examples, 0 problems\n")
    declared(tmp_path / "wrong", "def fix(table):\n    return None\n")
    result = CliRunner().invoke(app, ["check", str(tmp_path / "wrong" / "objects.toml")])
    assert result.exit_code == 1
    assert "example 1: the hook clean:fix of object visit: it returned NoneType" in result.output
