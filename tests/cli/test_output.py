from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import progress

COLUMNS = ["queue", "contacts", "rate", "at"]
ROWS = [
    ["Sales", 1234567, 83.33333, datetime(2026, 3, 8, 7, 30)],
    [None, 2**70, None, datetime(2026, 3, 8, 7, 30, tzinfo=UTC)],
]


def test_a_table_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Thousands separators, rounded fractions, numbers to the right, NULL by name; plain without a terminal."""
    output.rows(COLUMNS, ROWS[:1], Format.TABLE)
    assert capsys.readouterr().out == (
        "queue   contacts   rate  at\n"
        "-----  ---------  -----  -------------------\n"
        "Sales  1,234,567  83.33  2026-03-08T07:30:00\n"
    )


def test_json_keeps_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    """One array of objects; whole numbers beyond 64 bits and decimals are exact, NULL is null."""
    output.rows([*COLUMNS, "money"], [[*row, Decimal("0.12345678901234567890")] for row in ROWS], Format.JSON)
    text = capsys.readouterr().out
    assert json.loads(text)[1] == {
        "queue": None, "contacts": 2**70, "rate": None, "at": "2026-03-08T07:30:00+00:00", "money": 0.12345678901234568,
    }  # fmt: skip
    assert "0.12345678901234567890" in text
    assert json.loads(text)[0]["rate"] == 83.33333


def test_csv_has_a_header_and_no_separators(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: full numbers, ISO times, NULL as an empty field, maps as JSON."""
    output.rows([*COLUMNS, "attributes"], [[*ROWS[0], {"a": "x,y"}]], Format.CSV)
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        [*COLUMNS, "attributes"],
        ["Sales", "1234567", "83.33333", "2026-03-08T07:30:00", '{"a":"x,y"}'],
    ]


@pytest.mark.parametrize(
    ("style", "expected"), [(Format.JSON, "[]\n"), (Format.CSV, "a,b\n"), (Format.TABLE, "a  b\n-  -\n")]
)
def test_no_rows_are_still_the_format(style: Format, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty answer parses."""
    output.rows(["a", "b"], [], style)
    assert capsys.readouterr().out == expected


def test_one_record(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON gives one object on one line, a table names beside values."""
    output.record({"read": 12431, "seconds": 1.5}, Format.JSON)
    output.record({"read": 12431, "seconds": 1.5}, Format.TABLE)
    assert capsys.readouterr().out == '{"read":12431,"seconds":1.5}\nread     12,431\nseconds  1.50\n'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "NULL"), (True, "true"), (0, "0"), (-1234, "-1,234"), (0.0, "0.00"), (0.00012345, "0.0001234"),
        (float("nan"), "nan"), (Decimal("1234.50"), "1,234.50"), (date(2026, 1, 2), "2026-01-02"),
        (["a", None], '["a",null]'), ("a\x1b[31mb\n", "a\\x1b[31mb\\n"), (b"\x00\xff", "00ff"),
    ],
)  # fmt: skip
def test_a_cell(value: object, expected: str) -> None:
    """Small rates do not read as zero, and text from a record cannot command the terminal."""
    assert output.cell(value) == expected


TEXT = st.text(st.characters(codec="utf-8"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8))
def test_json_reads_back(value: object) -> None:
    """What is written as JSON is what was given, for any value."""
    with contextlib.redirect_stdout(io.StringIO()) as written:
        output.record({"value": value}, Format.JSON)
        output.rows(["value"], [[value]], Format.JSON)
    one_record, _, rows = written.getvalue().partition("\n")
    assert json.loads(one_record) == {"value": value}
    assert json.loads(rows) == [{"value": value}]


def test_text_and_notes_go_to_their_own_stream(capsys: pytest.CaptureFixture[str]) -> None:
    """Data can be piped while a person reads what is said about it."""
    output.text("SELECT 1")
    output.note("done")
    output.failure("it is \x1b[2J broken")
    captured = capsys.readouterr()
    assert captured.out == "SELECT 1\n"
    assert captured.err == "done\ntrunkline: it is \\x1b[2J broken\n"


def on_terminal(program: str) -> str:
    """What a program writes to a terminal, standard output and error together."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(output.__file__).parents[2]), "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([sys.executable, "-c", program], stdout=follower, stderr=follower, env=environment) as child:
        os.close(follower)
        seen = b""
        try:
            while part := os.read(leader, 65536):
                seen += part
        except OSError:  # Linux says so when the last writer has left
            pass
        os.close(leader)
    assert child.returncode == 0
    return seen.decode()


def test_a_terminal_gets_a_drawn_table_and_no_markup_from_data() -> None:
    """Square brackets in an attribute are shown, not obeyed."""
    seen = on_terminal("from trunkline.cli import output; output.rows(['n', 'note'], [[1234, '[red]x[/red]']])")
    assert "1,234" in seen
    assert "[red]x[/red]" in seen
    assert "─" in seen


def test_rows_wider_than_a_terminal_are_shown_one_column_a_line() -> None:
    """Every column with its value, in full; an id is never broken."""
    seen = on_terminal(
        "from trunkline.cli import output\n"
        "names = [f'column_{n}' for n in range(40)]\n"
        "output.rows(names, [[f'{n}-' + 'x' * 30 for n in range(40)], list(range(40))])"
    ).replace("\r\n", "\n")
    assert "─[ 1 ]─" in seen
    assert "─[ 2 ]─" in seen
    assert f"\ncolumn_7   7-{'x' * 30}\n" in seen
    assert "\ncolumn_39  39\n" in seen


def test_a_table_that_fits_when_prose_is_wrapped_stays_a_table() -> None:
    """Ids stay whole, sentences go over several lines; no rows are still a table."""
    seen = on_terminal(
        "from trunkline.cli import output\n"
        "output.rows(['id', 'meaning'], [['a' * 40, 'words ' * 30]])\noutput.rows(['n'], [])"
    )
    assert "a" * 40 in seen
    assert "─[" not in seen
    assert seen.count("words") == 30


def test_text_cannot_reverse_its_direction(capsys: pytest.CaptureFixture[str]) -> None:
    """Overrides, isolates, marks and line separators are escaped in tables and notes; right-to-left text is left alone."""
    output.rows(["name"], [["a\u202eb\u2066c\u200fd\u2028e"], ["\u05e9\u05dc\u05d5\u05dd"]])
    output.note("x\u202ey")
    captured = capsys.readouterr()
    assert captured.out.splitlines()[2:] == ["a\\u202eb\\u2066c\\u200fd\\u2028e", "\u05e9\u05dc\u05d5\u05dd"]
    assert captured.err == "x\\u202ey\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+cmd|x", "'+cmd|x"), ("-2+3", "'-2+3"), ("@SUM(1)", "'@SUM(1)"),
        ("\tx", "'\tx"), ("\uff1d1+1", "'\uff1d1+1"), ("+15365550109", "+15365550109"), ("-1.5", "-1.5"), (-1.5, "-1.5"),
        (Decimal(-2), "-2"), ("a=b", "a=b"), ("", ""), (["=x"], '["=x"]'),
    ],
)  # fmt: skip
def test_a_spreadsheet_runs_no_cell(value: object, written: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Text that looks like a formula is marked as text; numbers stay numbers; csv-raw is exact."""
    output.rows(["v"], [[value]], Format.CSV)
    assert (
        list(csv.reader(io.StringIO(capsys.readouterr().out))) == [["v"], [written] if written else []] or not written
    )
    output.rows(["v"], [[value]], Format.RAW_CSV)
    raw = list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:]
    assert raw == [[value]] or not isinstance(value, str) or value == ""


def test_progress_shows_on_a_terminal() -> None:
    """A person sees how far it is."""
    seen = on_terminal(
        "from trunkline.cli.shared import progress\n"
        "with progress('loading [x]', 10, 'contacts') as advance:\n    advance(10)"
    )
    assert "loading [x]" in seen
    assert "10 contacts" in seen


def test_progress_is_quiet_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Logs hold no bars."""
    with progress("loading", 10) as advance:
        advance(10)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
