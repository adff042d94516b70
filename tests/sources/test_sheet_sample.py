"""An object proposed from a tab of a Google Sheet, through the real client."""

from __future__ import annotations

from pathlib import Path

import pytest
from google_sheets import SHEET_ID, Dated, Google

from trunkline import limits
from trunkline.cli.main import run
from trunkline.objects.user.declare import read_objects
from trunkline.sources.sheets.sample import read_tab

ROWS = [
    ["Targets of 2026"],
    ["Site  Code", "Agents", "Goal", "Start", "Changed", "Open", "Shift", "Note", "", "Agents", "Mail"],
    ["007", 12, 0.85, Dated(46084, "03.03.2026"), Dated(46084.5, "03.03.2026 12:00"), True, Dated(0.25, "06:00"),
     "#N/A", "x", 1, "a@example.com"],
    [],
    ["008", 7.0, 1, Dated(46085, "04.03.2026"), Dated(46085, "04.03.2026 00:00"), False, Dated(0.5, "12:00"), "b", "",
     2, "b@example.com"],
]  # fmt: skip
ADDRESS = f"https://docs.google.com/spreadsheets/d/{SHEET_ID}/edit#gid=0"


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Google:
    """A spreadsheet with a tab of targets and an empty one."""
    monkeypatch.setattr(limits, "API_BACKOFF_S", 0)
    google = Google({"Site's targets": ROWS, "Empty": []})
    monkeypatch.setenv("GOOGLE_KEY", google.account)
    monkeypatch.setenv("TRUNKLINE_SHEETS_ENDPOINT", google.url)
    return google


def test_a_tab_is_proposed_and_runs(google: Google, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Types as the sheet stores them, dates by what it shows, the headers' row, and the source to run it from."""
    home = ["--home", str(tmp_path / "home")]
    words = ["--from", f"sheet:{SHEET_ID}!Site's targets", "--credentials", "env:GOOGLE_KEY", *home]
    assert run(["object", "new", "target", *words]) == 0
    file = tmp_path / "home" / "objects" / "target.toml"
    text = file.read_text()
    (obj,) = read_objects(file)
    assert {column.name: column.type for column in obj.data_columns} == {
        "site_code": "text", "goal": "decimal", "start": "date", "changed": "timestamp", "open": "boolean",
        "shift": "decimal", "note": "text", "mail": "text", "read_at": "timestamp",
    }  # fmt: skip
    assert (obj.key, obj.version, obj.event_time) == (("site_code",), "read_at", "changed")
    assert "header_row = 2  # guess" in text
    assert 'mail = { type = "text", path = "Mail", pii = "direct" }' in text
    assert "zone =" not in text
    capfd.readouterr()
    assert run(["object", "check", str(file)]) == 0
    assert run(["run", "target", "--now", *home]) == 0
    query = "SELECT site_code, goal, start, changed, open FROM own.target ORDER BY 1"
    assert run(["sql", query, "--output", "csv", *home]) == 0
    assert capfd.readouterr().out.splitlines()[-2:] == [
        "007,0.85,2026-03-03,2026-03-03T17:00:00,true", "008,1.00,2026-03-04,2026-03-04T05:00:00,false",
    ]  # fmt: skip


@pytest.mark.parametrize("place", [ADDRESS, f"sheet:{ADDRESS}"])
def test_a_sheet_may_be_named_by_its_address(place: str, google: Google) -> None:
    """As the browser shows it; a quoted name of the tab is the name."""
    sample = read_tab(f"{place}!'Site's targets'", "env:GOOGLE_KEY", google.url)
    assert [record["Site Code"] for record in sample.records] == ["007", "008"]


@pytest.mark.parametrize(
    ("words", "status", "expected"),
    [
        (["--from", f"sheet:{SHEET_ID}", "--credentials", "env:GOOGLE_KEY"], 2, "names no tab; write sheet:ID!TAB"),
        (["--from", f"sheet:{SHEET_ID}!Empty"], 2, "name the place of its key with --credentials"),
        (["--from", f"sheet:{SHEET_ID}!Empty", "--credentials", "env:GOOGLE_KEY"], 2, "has no rows below a row of headers"),
        (["--from", "sheet:none!Empty", "--credentials", "env:GOOGLE_KEY"], 2, "the address of a Google Sheet"),
        (["--from", f"sheet:{SHEET_ID}!Empty", "--credentials", "secret"], 2, "--credentials: "),
        (["--from", f"sheet:{SHEET_ID}!None", "--credentials", "env:GOOGLE_KEY"], 1, "has no tab 'None'; its tabs are"),
        (["--from", "t.csv", "--credentials", "env:GOOGLE_KEY"], 2, "--credentials is for a Google Sheet"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(
    words: list[str], status: int, expected: str, google: Google, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message says what to write; no file is left behind."""
    assert run(["object", "new", "target", *words, "--home", str(tmp_path)]) == status
    assert expected in capfd.readouterr().err
    assert not (tmp_path / "objects").exists()
