"""Google Sheets through the real client: one test for each way in which a sheet misleads its reader."""

from __future__ import annotations

import copy
import dataclasses
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google_sheets import ACCOUNT, SHEET_ID, Google, claims
from homes import letters, opened, table, totals
from local_api import Reply

from trunkline import clock, limits
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.objects.model import RECORD_COLUMNS, Object, own_column
from trunkline.objects.origins import SheetOrigin
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.pull import pull
from trunkline.settings.secrets import SecretName

HEADER = ["Agent ID", "Name", "Hired", "Since", "Score", "Active", "Rate"]
ROWS = [
    ["007", "Ann", 45000, 45000.5, 1, True, 0.1],
    ["008", "Ben", 45001, 45001.25, 2, False, 2],
    ["009", "Cid", 45002, 45002, 3, True, 1e-7],
]


def agent(origin: SheetOrigin) -> Object:
    """An object of agents, whose event time is when the sheet was read."""
    return Object(
        name="own_agent", database="test", warehouse_table="connect.f_own_agent", grain="One row per agent.",
        key=("agent_id",), version="read_at", event_time="read_at", partition="read_at", delete_rule="Removed rows.",
        columns=(
            own_column("agent_id", "Agent ID", "Id.", nullable=False),
            own_column("name", "Name", "Name."),
            own_column("hired", "Hired", "Day.", "date"),
            own_column("since", "Since", "Time.", "timestamp"),
            own_column("score", "Score", "Score.", "bigint"),
            own_column("active", "Active", "Active.", "boolean"),
            own_column("rate", "Rate", "Rate.", "decimal"),
            own_column("read_at", "_read_at", "Read.", "timestamp"),
            *RECORD_COLUMNS,
        ),
        anchor="Agent ID", origin=origin,
    )  # fmt: skip


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Google:
    """A spreadsheet with one tab of agents, and the account's key in the environment."""
    monkeypatch.setattr(limits, "API_BACKOFF_S", 0)
    google = Google({"Agent's list": copy.deepcopy([HEADER, *ROWS])})
    monkeypatch.setenv("GOOGLE_KEY", google.account)
    return google


@contextmanager
def home_of(google: Google, path: Path, **changes: Any) -> Iterator[tuple[Home, Object]]:
    origin = dataclasses.replace(SheetOrigin(SHEET_ID, "Agent's list", SecretName("env", "GOOGLE_KEY")), **changes)
    obj = agent(origin)
    with opened(path, obj, sheets_endpoint=google.url) as home:
        yield home, obj


def rows(home: Home, obj: Object) -> dict[str, dict[str, Any]]:
    return {row["agent_id"]: row for row in table(home, obj) if not row["record_is_deleted"]}


def test_cells_arrive_as_they_are_stored(google: Google, tmp_path: Path) -> None:
    """Numbers as numbers, days and times from serial numbers in the sheet's zone, ids as text."""
    with home_of(google, tmp_path) as (home, obj):
        assert pull(home, obj).counts.inserted == 3
        ann, cid = rows(home, obj)["007"], rows(home, obj)["009"]
        assert (ann["name"], ann["score"], ann["active"]) == ("Ann", 1, True)
        assert str(ann["hired"]) == "2023-03-15"
        assert ann["since"] == datetime(2023, 3, 15, 16)  # noon in New York, in summer
        assert float(ann["rate"]) == 0.1
        assert float(cid["rate"]) == 1e-7
    assert claims(google.calls[0])["scope"] == "https://www.googleapis.com/auth/spreadsheets.readonly"


def test_the_declared_zone_is_used(google: Google, tmp_path: Path) -> None:
    """In place of the spreadsheet's own; a time that was entered as text is in it too."""
    google.tabs["Agent's list"][2][3] = "2023-01-02 12:00"
    with home_of(google, tmp_path, zone="Europe/Berlin") as (home, obj):
        pull(home, obj)
        found = rows(home, obj)
        assert found["007"]["since"] == datetime(2023, 3, 15, 11)
        assert found["008"]["since"] == datetime(2023, 1, 2, 11)


def test_rows_of_any_length(google: Google, tmp_path: Path) -> None:
    """Cells that are not sent are NULL, as empty ones are; rows without a value are none."""
    google.tabs["Agent's list"][1:] = [
        ["007"],
        [],
        ["", "  "],
        ["008", "", 45001],
        ["009", "Cid", "", "", "", "", "", "beyond"],
    ]
    with home_of(google, tmp_path) as (home, obj):
        assert pull(home, obj).counts.inserted == 3
        found = rows(home, obj)
        assert (found["007"]["name"], found["008"]["name"], str(found["008"]["hired"])) == (None, None, "2023-03-16")
        assert '"(column H)":"beyond"' in found["009"]["record_unmapped"]


def test_columns_are_found_by_their_headers(google: Google, tmp_path: Path) -> None:
    """A column that was moved or inserted changes nothing, nor do case and white space of a header."""
    with home_of(google, tmp_path) as (home, obj):
        pull(home, obj)
        moved = [[f"  {HEADER[1].upper()} ", "New", "agent   id", *HEADER[2:]]]
        google.tabs["Agent's list"] = [*moved, *([row[1], "", row[0], *row[2:]] for row in ROWS)]
        assert pull(home, obj).counts.read == 0
        google.tabs["Agent's list"][1][0] = "Anna"
        assert pull(home, obj).counts.updated == 1
        assert rows(home, obj)["007"]["name"] == "Anna"


def test_blank_and_repeated_headers_keep_what_is_below(google: Google, tmp_path: Path) -> None:
    """Under the letter of their columns."""
    google.tabs["Agent's list"] = [[*HEADER, "", "Note", "Note"], [*ROWS[0], "a", "b", "c"]]
    with home_of(google, tmp_path) as (home, obj):
        pull(home, obj)
        assert rows(home, obj)["007"]["record_unmapped"] == '{"(column H)":"a","Note":"b","Note (column J)":"c"}'


def test_a_header_that_is_needed_must_be_there_once(google: Google, tmp_path: Path) -> None:
    """Which of two columns is meant cannot be known."""
    google.tabs["Agent's list"][0] = [*HEADER, " name"]
    with (
        home_of(google, tmp_path) as (home, obj),
        pytest.raises(TerminalError, match="the header 'Name' twice, in the columns B and H"),
    ):
        pull(home, obj)


@pytest.mark.parametrize(("number", "name"), [(7, "7"), (123456789012345, "123456789012345"), (12.5, "12.5")])
def test_an_id_that_became_a_number_is_text(number: float, name: str, google: Google, tmp_path: Path) -> None:
    """Without a decimal point or an exponent."""
    google.tabs["Agent's list"][1][0] = number
    with home_of(google, tmp_path) as (home, obj):
        pull(home, obj)
        assert name in rows(home, obj)


def test_a_number_that_lost_digits_is_set_aside(google: Google, tmp_path: Path) -> None:
    """Beyond 15 digits nobody knows what was entered; the row is set aside once, the others are loaded."""
    google.tabs["Agent's list"][1][0] = 12345678901234567890
    with home_of(google, tmp_path) as (home, obj):
        for _ in range(2):
            pull(home, obj)
            assert sorted(rows(home, obj)) == ["008", "009"]
            (letter,) = letters(home, obj)
            assert letter.reason == "wrong_type"
            assert "format the column as plain text" in letter.detail


def test_an_error_of_a_formula_is_no_value(google: Google, tmp_path: Path) -> None:
    """NULL, and counted as drift."""
    google.tabs["Agent's list"][1][1] = "#REF!"
    google.tabs["Agent's list"][2][4] = "Loading..."
    with home_of(google, tmp_path) as (home, obj):
        result = pull(home, obj)
        found = rows(home, obj)
        assert (found["007"]["name"], found["008"]["score"], found["009"]["score"]) == (None, None, 3)
        assert sum(sum(drift.type_changes.values()) for drift in result.drifts) == 2


def test_a_sheet_that_is_half_edited_is_not_read(google: Google, tmp_path: Path) -> None:
    """Too few rows, or a header that is missing: nothing is read, and no row is deleted."""
    with home_of(google, tmp_path, rows_min=3, headers=("Score",), deletes=True) as (home, obj):
        pull(home, obj)
        google.tabs["Agent's list"] = [HEADER, ROWS[0]]
        with pytest.raises(TransientError, match="has 1 rows, and rows_min is 3: it looks half edited"):
            pull(home, obj)
        google.tabs["Agent's list"] = [[*HEADER[:4], "Scroe", *HEADER[5:]], *ROWS]
        with pytest.raises(TerminalError, match="has no header 'Score' in row 1; there are Agent ID, Name, Hired"):
            pull(home, obj)
        google.tabs["Agent's list"] = []
        with pytest.raises(TerminalError, match="no header 'Agent ID', 'Score' in row 1; there are none"):
            pull(home, obj)
        assert sorted(rows(home, obj)) == ["007", "008", "009"]


def test_the_header_may_be_further_down(google: Google, tmp_path: Path) -> None:
    """What is above is not read."""
    google.tabs["Agent's list"] = [["Agents of the team"], [], HEADER, *ROWS]
    with home_of(google, tmp_path, header_row=3) as (home, obj):
        assert pull(home, obj).counts.inserted == 3


def test_removed_rows_are_deleted_only_where_that_is_allowed(google: Google, tmp_path: Path) -> None:
    """A row that comes back is there again."""
    with home_of(google, tmp_path / "a") as (home, obj):
        pull(home, obj)
        google.tabs["Agent's list"] = [HEADER, *ROWS[:2]]
        assert pull(home, obj).counts.read == 0
        assert sorted(rows(home, obj)) == ["007", "008", "009"]
    google.tabs["Agent's list"] = [HEADER, *ROWS]
    with home_of(google, tmp_path / "b", deletes=True, removed_percent_max=50) as (home, obj):
        pull(home, obj)
        google.tabs["Agent's list"] = [HEADER, *ROWS[:2]]
        assert pull(home, obj).counts.deleted == 1
        assert sorted(rows(home, obj)) == ["007", "008"]
        google.tabs["Agent's list"] = [HEADER, ROWS[2], *ROWS[:2]]
        assert pull(home, obj).counts.read == 1
        assert sorted(rows(home, obj)) == ["007", "008", "009"]


def test_too_many_removed_rows_are_not_believed(google: Google, tmp_path: Path) -> None:
    """A filter view or a wrong paste must not empty a table."""
    with home_of(google, tmp_path, deletes=True) as (home, obj):
        pull(home, obj)
        google.tabs["Agent's list"] = [HEADER, *ROWS[:2]]
        with pytest.raises(TerminalError, match=r"1 of 3 rows are missing .* more than removed_percent_max \(20\)"):
            pull(home, obj)
        assert sorted(rows(home, obj)) == ["007", "008", "009"]


def test_of_two_rows_with_one_key_the_last_counts(google: Google, tmp_path: Path) -> None:
    """Also when the last one is removed again."""
    google.tabs["Agent's list"].append(["007", "Zoe"])
    with home_of(google, tmp_path) as (home, obj):
        pull(home, obj)
        assert rows(home, obj)["007"]["name"] == "Zoe"
        google.tabs["Agent's list"].pop()
        pull(home, obj)
        assert rows(home, obj)["007"]["name"] == "Ann"


def test_the_snapshots_time_is_the_version(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newest is what was read last, also by a clock that was set back."""
    times = [datetime(2026, 3, 3, 12), datetime(2026, 3, 3, 11)]
    monkeypatch.setattr(clock, "now_naive", lambda: times[0])
    with home_of(google, tmp_path) as (home, obj):
        pull(home, obj)
        assert rows(home, obj)["007"]["read_at"] == times[0]
        times.pop(0)
        google.tabs["Agent's list"][1][1] = "Anna"
        pull(home, obj)
        assert rows(home, obj)["007"]["name"] == "Anna"
        assert rows(home, obj)["008"]["read_at"] == datetime(2026, 3, 3, 12)


def test_throttling_is_waited_for_and_bounded(google: Google, tmp_path: Path) -> None:
    """429 is asked again, and without end it is an error that says what to do."""
    slow = Reply({"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}, 429)
    with home_of(google, tmp_path) as (home, obj):
        google.failures = [slow] * 3
        assert pull(home, obj).counts.inserted == 3
        google.failures = [slow] * 100
        with pytest.raises(TransientError, match="allows 60 reads a minute"):
            pull(home, obj)
        google.failures = []


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"is_shared": False}, TerminalError, f"{ACCOUNT} may not read .* press Share, and give {ACCOUNT} the role Viewer"),
    ({"tabs": {"Other": []}}, TerminalError, "has no tab \"Agent's list\"; its tabs are Other: correct source.tab"),
    (
        {"token_failures": [Reply({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)]},
        TerminalError, "Google refused the key of .* it was deleted or disabled, or this machine's clock is wrong",
    ),
])  # fmt: skip
def test_a_refusal_says_what_to_do(change: Any, error: Any, message: str, google: Google, tmp_path: Path) -> None:
    """Whom to share the sheet with, what the tabs are, and that the key is no longer valid."""
    for name, value in change.items():
        setattr(google, name, value)
    with home_of(google, tmp_path) as (home, obj), pytest.raises(error, match=message) as caught:
        pull(home, obj)
    assert "PRIVATE" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("key", "message"), [
    ('{"client_email": "hunter2"}', r"env:GOOGLE_KEY is not the JSON key of a Google service account \(it lacks private_key, token_uri"),
    ("hunter2", "is not the JSON key of a Google service account"),
    ('{"client_email": "a", "private_key": "hunter2", "token_uri": "b"}', "private_key in the secret env:GOOGLE_KEY cannot be read"),
])  # fmt: skip
def test_a_key_that_is_none_is_not_shown(
    key: str, message: str, google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong and what to store, without anything of it."""
    monkeypatch.setenv("GOOGLE_KEY", key)
    with home_of(google, tmp_path) as (home, obj), pytest.raises(UsageError, match=message) as caught:
        pull(home, obj)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_nothing_of_a_secret_is_stored(google: Google, tmp_path: Path) -> None:
    """Neither in the lake nor in the warehouse's file."""
    with home_of(google, tmp_path) as (home, obj):
        pull(home, obj)
        assert totals(home, obj).inserted == 3
    secret = google.account.split("\\n")[1].encode()
    assert len(secret) > 50
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()]
