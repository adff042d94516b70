"""Dates and times as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trunkline import clock
from trunkline.errors import UsageError
from trunkline.schedules.schedule import zone_named

_AGO = re.compile(r"(\d{1,5})([dh])")
_EXAMPLES = "write 2026-03-02, 2026-03-02T08:00, today, yesterday, 7d (days ago) or 12h (hours ago)"


def parse_time(value: str | date | None, zone: str, name: str) -> datetime | None:
    """A date or time as aware UTC. Without an offset it is local to `zone`.

    Text is ISO, or `now`, `today`, `yesterday`, `7d` or `12h`. A day means its first instant; `7d` is the day seven
    days before today. None stays None. Raises UsageError that calls the value `name`.
    """
    if value is None:
        return None
    local_zone = zone_named(zone)
    try:
        if isinstance(value, str):
            parsed = _relative(value.strip().lower(), local_zone) or datetime.fromisoformat(value)
        else:
            parsed = datetime.fromisoformat(value.isoformat())
        # The first and last days that Python knows have no UTC time in some zones.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=local_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{name} {str(value)!r} is not a valid date or time; {_EXAMPLES}") from None


def parse_date(value: str | date, name: str, zone: str = "UTC") -> date:
    """An ISO date, a `date`, or `today`, `yesterday` or `7d` in `zone`. Raises UsageError that calls it `name`."""
    try:
        if isinstance(value, str):
            relative = _relative(value.strip().lower(), zone_named(zone), is_day=True)
            return relative.date() if relative else date.fromisoformat(value)
        return date(value.year, value.month, value.day)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{name} {value!r} is not a valid date; write YYYY-MM-DD, such as 2026-03-02, or today, yesterday or 7d"
        ) from None


def _relative(text: str, zone: ZoneInfo, is_day: bool = False) -> datetime | None:
    """A local time that is counted back from now; None for other text."""
    now = clock.now()
    local_today = now.astimezone(zone).date()
    if text == "now" and not is_day:
        return now
    days_ago = {"today": 0, "yesterday": 1}.get(text)
    ago = _AGO.fullmatch(text)
    if ago and ago[2] == "h":
        return None if is_day else now - timedelta(hours=int(ago[1]))
    if ago:
        days_ago = int(ago[1])
    if days_ago is None:
        return None
    return datetime.combine(local_today - timedelta(days=days_ago), time(), zone)
