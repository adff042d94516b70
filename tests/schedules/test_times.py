from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from trunkline import clock
from trunkline.errors import UsageError
from trunkline.schedules.times import parse_date, parse_time

# 02:30 on 9 March in New York, the day after clocks went forward there.
NOW = datetime(2026, 3, 9, 6, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02", datetime(2026, 3, 2, 5)),
        ("2026-03-02T08:00", datetime(2026, 3, 2, 13)),
        ("2026-03-02T08:00Z", datetime(2026, 3, 2, 8)),
        ("today", datetime(2026, 3, 9, 4)),
        ("Yesterday", datetime(2026, 3, 8, 5)),
        ("0d", datetime(2026, 3, 9, 4)),
        ("7d", datetime(2026, 3, 2, 5)),
        ("12h", datetime(2026, 3, 8, 18, 30)),
        ("now", datetime(2026, 3, 9, 6, 30)),
        (date(2026, 3, 2), datetime(2026, 3, 2, 5)),
        (datetime(2026, 3, 2, 8), datetime(2026, 3, 2, 13)),
        (datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 8)),
    ],
)
def test_times_are_local_to_the_zone(text: str | date, expected: datetime) -> None:
    """Days begin at local midnight, also across a change of clocks; an offset is honoured."""
    assert parse_time(text, "America/New_York", "--since") == expected.replace(tzinfo=UTC)


def test_days() -> None:
    """The zone's own day, which may differ from that of UTC."""
    assert parse_date("today", "--since", "Pacific/Auckland") == date(2026, 3, 9)
    assert parse_date("yesterday", "--since", "America/Los_Angeles") == date(2026, 3, 7)
    assert parse_date("7d", "--since") == date(2026, 3, 2)
    assert parse_date(datetime(2026, 3, 2, 23), "since") == date(2026, 3, 2)


@pytest.mark.parametrize("text", ["soon", "7", "d", "-1d", "7w", "2026-02-30", "", "999999d", "99999d99999d"])
def test_anything_else_says_what_is_valid(text: str) -> None:
    """The option, the value, and forms that work."""
    with pytest.raises(UsageError, match=r"--since .* is not a valid date or time; write 2026-03-02.*yesterday, 7d"):
        parse_time(text, "UTC", "--since")


@pytest.mark.parametrize("text", ["now", "12h", "2026-03-02T08:00", "soon"])
def test_a_day_is_no_time(text: str) -> None:
    """Where a day is needed."""
    with pytest.raises(UsageError, match="is not a valid date; write YYYY-MM-DD"):
        parse_date(text, "--since")


def test_none_stays_none() -> None:
    """No bound."""
    assert parse_time(None, "UTC", "--since") is None
