"""Moments that a person writes on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

from trunkline.errors import UsageError
from trunkline.schedules.wall_clock import zone_named


def moment(text: str | None, zone: str, option: str) -> datetime | None:
    """An ISO date or time as an instant, UTC; without an offset it is the zone's. UsageError names the option."""
    if text is None:
        return None
    place = zone_named(zone)
    try:
        found = datetime.fromisoformat(text)
        # The first and the last day that Python knows have no UTC time in some zones.
        return (found if found.tzinfo else found.replace(tzinfo=place)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text!r} is no moment; write 2026-03-02 or 2026-03-02T08:00") from None
