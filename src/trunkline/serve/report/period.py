"""The period of a report: a local day of a zone (23 to 25 hours long at clock changes) or any span.

All times are naive UTC; the zone is used only for display.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.schedules.schedule import zone_named
from trunkline.schedules.times import parse_date, parse_time
from trunkline.sql.session import Session

SPAN_MAX = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Period:
    """The half-open span [since, until). `day` is the local date if the span is a day, else None."""

    since: datetime
    until: datetime
    zone: str
    day: date | None = None

    @property
    def previous(self) -> Period:
        """The local day before, else the span of the same length just before: as many local days where it has whole
        ones.
        """
        if self.day is not None:
            return day_period(self.day - timedelta(days=1), self.zone)
        since = self.since - (self.until - self.since)
        if self.days:
            wall = self.local(self.since).replace(tzinfo=None) - timedelta(days=self.days)
            since = wall.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC).replace(tzinfo=None)
        return Period(since, self.since, self.zone)

    @property
    def days(self) -> int:
        """The number of local days where the span begins and ends at the same local time, else 0."""
        days, rest = divmod(self.wall(self.until), timedelta(days=1))
        return 0 if rest else days

    def wall(self, at: datetime) -> timedelta:
        """The local time that has passed since the start of the period, as clocks on the wall show it."""
        return self.local(at).replace(tzinfo=None) - self.local(self.since).replace(tzinfo=None)

    @property
    def has_many_days(self) -> bool:
        """Whether a time of day alone does not name an instant of it: it is longer than any one day."""
        return self.until - self.since > timedelta(hours=26)

    @property
    def hours(self) -> float:
        """Length in hours: 23 or 25 on the days when clocks change."""
        return (self.until - self.since) / timedelta(hours=1)

    def local(self, at: datetime) -> datetime:
        """A naive UTC time as an aware time in the zone."""
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone))

    @property
    def title(self) -> str:
        """`Tuesday 3 March 2026`, the first and the last of several days, or both ends of a span."""
        if self.day is not None:
            return _date(self.day)
        since, until = self.local(self.since), self.local(self.until)
        if self.days and since.time() == time():
            last = until.date() - timedelta(days=1)
            return _date(last) if self.days == 1 else f"{_date(since.date())} to {_date(last)}"
        return f"{since.day} {since:%B %Y %H:%M} to {until.day} {until:%B %Y %H:%M}"

    @property
    def name(self) -> str:
        """The name of this period in a comparison: `Monday 2 March 2026`, `the 7 days before`, `the 6 hours before`."""
        if self.day is not None:
            return _date(self.day)
        if self.days:
            return f"the {self.days} days before" if self.days > 1 else "the day before"
        return f"the {self.hours:g} hours before"


def day_period(day: date, zone: str) -> Period:
    """A local day, from its start to the start of the next day. Raises UsageError for an unknown zone."""
    return Period(_midnight(day, zone), _midnight(day + timedelta(days=1), zone), zone, day)


def span_period(since: datetime, until: datetime, zone: str) -> Period:
    """Any span. Aware times are converted; naive times are UTC.

    Raises UsageError when the span is empty, reversed or over 31 days, and for an unknown zone.
    """
    first, last = (
        instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)
        for instant in (since, until)
    )
    if not timedelta(0) < last - first <= SPAN_MAX:
        raise UsageError(
            f"the report's span is {first} to {last}; valid: an end after the start and within {SPAN_MAX.days} days."
        )
    zone_named(zone)
    return Period(first, last, zone)


def _naive(instant: datetime) -> datetime:
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def period_of(since: str | date | None, until: str | date | None, zone: str, prefix: str = "") -> Period | str:
    """The local day `since`, or the span from `since` to `until`; without both, the zone, which means its newest day.

    `prefix` is written before an option's name in messages (`--`). Raises UsageError for an invalid date, time, span
    or zone.
    """
    if until is None:
        return zone if since is None else day_period(_day(since, zone, prefix), zone)
    start, end = parse_time(since, zone, f"{prefix}since"), parse_time(until, zone, f"{prefix}until")
    if start is None or end is None:
        raise UsageError(f"{prefix}until needs {prefix}since: give both, or {prefix}since alone for a day")
    return span_period(start, end, zone)


def _day(value: str | date, zone: str, prefix: str) -> date:
    has_time = isinstance(value, datetime) or (isinstance(value, str) and "T" in value)
    day = None if has_time else parse_date(value, f"{prefix}since", zone)
    # Python's first and last dates have no adjacent day, or no UTC time.
    if day is None or not 1900 <= day.year <= 9000:
        raise UsageError(
            f"{prefix}since {str(value)!r} is not a valid date; write YYYY-MM-DD, or give {prefix}until for a span"
        )
    return day


def default_day(db: Session, zone: str, now: datetime) -> date | None:
    """The last complete local day at `now` (naive UTC) on which an ended first leg of a contact started.

    Later legs (transfers) are ignored, since a day's last calls often end after midnight. If there is no such complete
    day, the newest day; None without contacts. Raises UsageError for an unknown zone.
    """
    today = now.replace(tzinfo=UTC).astimezone(zone_named(zone)).date()
    over, newest = db.query(
        'SELECT max(CASE WHEN "initiation_timestamp" < CAST($1 AS TIMESTAMP) THEN "initiation_timestamp" END), '
        'max("initiation_timestamp") '
        'FROM "connect_datalake"."contact_record" WHERE "disconnect_timestamp" IS NOT NULL '
        'AND ("initial_contact_id" IS NULL OR "initial_contact_id" = "contact_id")',
        [_midnight(today, zone)],
    )[0]
    chosen: datetime | None = over or newest
    return None if chosen is None else chosen.replace(tzinfo=UTC).astimezone(zone_named(zone)).date()


def _midnight(day: date, zone: str) -> datetime:
    # Where a clock change skips midnight, fold=0 uses the offset before it, which gives the time of the change.
    return datetime.combine(day, time(), zone_named(zone)).astimezone(UTC).replace(tzinfo=None)


def _date(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
