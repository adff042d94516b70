from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

from trunkline.schedules.schedule import make_schedule
from trunkline.schedules.windows import label, windows_since

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "windows.md").read_text()


def test_the_two_days_in_new_york_are_as_the_page_says() -> None:
    """Each row of the page's tables is a window of the default schedule with its label."""
    rows = re.findall(r"^\| (\d\d:\d\d) to (\d\d:\d\d) \| (\d{4}.*?) \|$", PAGE, flags=re.MULTILINE)
    assert len(rows) == 7
    schedule = make_schedule()
    shown = {}
    for start in ("2026-03-08T03:00+00:00", "2026-11-01T02:00+00:00"):
        begin = datetime.fromisoformat(start)
        for window in windows_since(begin, begin + timedelta(hours=7) + schedule.delay, schedule):
            shown[label(window, schedule.zone)] = (f"{window.start:%H:%M}", f"{window.end:%H:%M}")
    assert {text: (start, end) for start, end, text in rows} == shown


def test_the_hourly_labels_are_as_the_page_says() -> None:
    """The two windows of the repeated hour, as worded on the page."""
    schedule = make_schedule("cron(0 * * * ? *)")
    begin = datetime.fromisoformat("2026-11-01T05:00+00:00")
    text = " ".join(PAGE.split())
    for window in windows_since(begin, begin + timedelta(hours=2) + schedule.delay, schedule):
        assert f"`{label(window, schedule.zone)}`" in text
