"""Times that people write in options."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError


def instant(text: str, option: str, zone: str) -> datetime:
    """A date or a time as naive UTC; without an offset it is the wall clock of `zone`. UsageError for anything else."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(zone))
        return found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no time; write 2026-02-11, 2026-02-11T09:00 or 2026-02-11T09:00Z"
        ) from None
