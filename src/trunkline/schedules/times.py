"""Dates and times as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from trunkline.errors import UsageError
from trunkline.schedules.schedule import zone_named


def parse_time(value: str | date | None, zone: str, name: str) -> datetime | None:
    """An ISO date or time, or a `date` or `datetime`, as aware UTC. Without an offset it is local to `zone`.

    A date means its first instant; None stays None. Raises UsageError that calls the value `name`.
    """
    if value is None:
        return None
    local_zone = zone_named(zone)
    try:
        parsed = datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
        # The first and last days that Python knows have no UTC time in some zones.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=local_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{name} {str(value)!r} is not a valid date or time; write 2026-03-02 or 2026-03-02T08:00"
        ) from None


def parse_date(value: str | date, name: str) -> date:
    """An ISO date, or a `date`. Raises UsageError that calls the value `name`."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else date(value.year, value.month, value.day)
    except ValueError:
        raise UsageError(f"{name} {value!r} is not a valid date; write YYYY-MM-DD, such as 2026-03-02") from None
