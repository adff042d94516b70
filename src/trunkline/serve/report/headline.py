"""The headline numbers with their change, for the report and the command line, and where a change is fair.

A period is compared with the one before only where the warehouse has that one as a whole. Nothing says directly which
hours were loaded, so it is read from the contacts: the data begin before it, no day of it is empty, and the hours that
are busy now have contacts then too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from trunkline.metrics.catalogue import METRICS
from trunkline.metrics.question import Grouping, Threshold
from trunkline.serve.report import wording
from trunkline.serve.report.measures import TABLE, Row, measure, narrowed
from trunkline.serve.report.period import Period
from trunkline.sql.session import Session

_CHANCE: Final = timedelta(hours=1)
_WEEK: Final = timedelta(days=7)
_BUSY: Final = 10
"""Contacts from which on an hour or day is one that always has some."""
_ABSENT_SHARE_MAX: Final = 0.25
Key = Callable[[datetime], Any]
Tone = Literal["better", "worse", ""]


@dataclass(frozen=True, slots=True)
class Headline:
    """One number: its label, value, and change from the period before (empty without a comparison).

    `tone` says whether the change is good or bad, empty where it is neither. `metric` is the metric's name.
    """

    label: str
    value: str
    change: str
    tone: Tone
    metric: str
    meaning: str


@dataclass(frozen=True, slots=True)
class _Kind:
    show: Callable[[wording.Value], str]
    change: Callable[[wording.Value, wording.Value], str]


_COUNT: Final = _Kind(wording.count, wording.count_change)
_RATE: Final = _Kind(wording.percentage, wording.percentage_change)
_TIME: Final = _Kind(wording.duration, wording.duration_change)
_KINDS: Final = {"count": _COUNT, "percent": _RATE, "seconds": _TIME}

# Label, metric, and which direction is good: 1 up, -1 down, 0 neither. Most important first.
_ORDER: Final[tuple[tuple[str, str, int], ...]] = (
    ("Service level", "SERVICE_LEVEL", 1),
    ("Contacts queued", "CONTACTS_QUEUED", 0),
    ("Abandonment rate", "ABANDONMENT_RATE", -1),
    ("Average speed of answer", "AVG_QUEUE_ANSWER_TIME", -1),
    ("Contacts ended", "CONTACTS_CREATED", 0),
    ("Handled", "CONTACTS_HANDLED", 0),
    ("Abandoned", "CONTACTS_ABANDONED", -1),
    ("9 of 10 waited at most", "QUEUE_WAIT_TIME_P90", -1),
    ("Longest wait", "MAX_QUEUED_TIME", -1),
    ("Average handle time", "AVG_HANDLE_TIME", 0),
    ("Average after contact work", "AVG_AFTER_CONTACT_WORK_TIME", 0),
    ("Transferred out", "CONTACTS_TRANSFERRED_OUT", 0),
)
HEADLINE_METRICS: Final = tuple(metric for _, metric, _ in _ORDER)


def headline(db: Session, period: Period, x: Threshold) -> list[Headline]:
    """The headline of a period. Without contacts, counts are 0 and times a dash.

    Raises UsageError for an invalid threshold.
    """
    x = narrowed(db, period, x)
    before = totals(db, period.previous, x) if comparison_fault(db, period) is None else None
    return lines(totals(db, period, x), before, x)


def totals(db: Session, period: Period, x: Threshold) -> Row:
    """Every headline metric of a period by its column name."""
    return measure(db, HEADLINE_METRICS, period, x)[0]


_CONTACTS_OF: Final = {"VOICE": "calls", "CHAT": "chats", "TASK": "tasks", "EMAIL": "e-mails"}


def lines(now: Mapping[str, Any], before: Mapping[str, Any] | None, x: Threshold) -> list[Headline]:
    """The headline from two rows of `totals`. `before` is None without a comparison."""
    headlines: list[Headline] = []
    for label, name, direction in _ORDER:
        metric = METRICS[name]
        kind = _KINDS[metric.unit]
        value, earlier = now[metric.column], before[metric.column] if before is not None else None
        change = kind.change(value, earlier)
        tone: Tone = ""
        if direction and change not in ("", "unchanged"):
            tone = "better" if (value > earlier) == (direction > 0) else "worse"
        shown = f"{label} {threshold_text(x)}" if metric.takes_x else label
        headlines.append(Headline(shown, kind.show(value), change, tone, name, metric.description))
    return headlines


def threshold_text(x: Threshold) -> str:
    """`20 s`, or `20 s*` where some queues or channels have a different X."""
    return f"{x.default:g} s" + ("*" if x.varies else "")


def threshold_note(x: Threshold) -> str:
    """What the star of `threshold_text` stands for: `within 20 seconds; tasks and e-mails within 4 hours`."""
    channels: dict[float, list[str]] = {}
    for name, x_s in x.by_channel.items():
        if x_s != x.default:
            channels.setdefault(x_s, []).append(_CONTACTS_OF.get(name, name.lower()))
    parts = [f"within {wording.spelled(x.default)}"]
    parts += [f"{' and '.join(names)} within {wording.spelled(x_s)}" for x_s, names in channels.items()]
    parts += ["some queues within a time of their own"] if x.by_queue else []
    return "; ".join(parts)


def comparison_fault(db: Session, period: Period) -> str | None:
    """Why the period cannot be compared with the one before, as part of a sentence; None where it can."""
    previous = period.previous
    first, first_now, first_before = db.query(
        'SELECT min("disconnect_timestamp"), '
        'min(CASE WHEN "disconnect_timestamp" >= $1 AND "disconnect_timestamp" < $2 THEN "disconnect_timestamp" END), '
        'min(CASE WHEN "disconnect_timestamp" >= $3 AND "disconnect_timestamp" < $4 THEN "disconnect_timestamp" END) '
        f"FROM {TABLE}",
        [period.since, period.until, previous.since, previous.until],
    )[0]
    if first_before is None:
        return f"no contact ended {_on(previous)}"
    if first_now is None:
        return None
    # Data that start within the period before must start at most an hour later in it than this period's.
    if first >= previous.since and previous.wall(first_before) > period.wall(first_now) + _CHANCE:
        begin = period.local(first)
        return f"the data start on {begin.day} {begin:%B %Y %H:%M}, within {previous.name}"
    return _hole(_by_hour(db, period), _by_hour(db, previous), period)


def _hole(now: Counter[datetime], before: Counter[datetime], period: Period) -> str | None:
    """What is missing in the period before: a day, or hours that are busy in this one."""
    previous = period.previous
    if period.has_many_days and (empty := _empty_day(now, before, period)) is not None:
        return f"no contact ended on {empty}"
    busy = {key for key, contacts in _counted(now, _hour_key(period)).items() if contacts >= _BUSY}
    absent = busy - _counted(before, _hour_key(previous)).keys()
    if len(absent) > _ABSENT_SHARE_MAX * len(busy):
        return f"{previous.name} {_has(previous)} contacts in {len(busy) - len(absent)} of the {len(busy)} busy hours"
    return None


def _empty_day(now: Counter[datetime], before: Counter[datetime], period: Period) -> str | None:
    """The first day without a contact in the period before, of a weekday that has contacts in this one."""
    weekdays = {
        key for key, contacts in _counted(now, lambda at: period.local(at).weekday()).items() if contacts >= _BUSY
    }
    days = {period.local(at).date() for at in before}
    at = period.previous.since
    while at < period.since:
        day = period.local(at).date()
        if day.weekday() in weekdays and day not in days:
            return f"{day:%A} {day.day} {day:%B %Y}"
        at += timedelta(days=1)
    return None


def _hour_key(period: Period) -> Key:
    """What two hours have in common that are compared: weekday and time of day, or else the place in the period."""

    def key(at: datetime) -> Any:
        local = period.local(at)
        if not period.has_many_days:
            return local.hour if period.day is not None else period.wall(at) // timedelta(hours=1)
        if period.until - period.since >= _WEEK:
            return local.weekday(), local.hour
        return period.wall(at) // timedelta(hours=1)

    return key


def _counted(hours: Counter[datetime], key: Key) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for at, contacts in hours.items():
        counts[key(at)] += contacts
    return counts


def _by_hour(db: Session, period: Period) -> Counter[datetime]:
    """Contacts that ended, by the start of the local hour."""
    rows = measure(db, ["CONTACTS_CREATED"], period, Threshold(0), Grouping((), "hour", period.zone))
    return Counter({row["interval_start"]: row["contacts_created"] for row in rows})


def _on(period: Period) -> str:
    return f"on {period.name}" if period.day is not None else f"in {period.name}"


def _has(period: Period) -> str:
    return "has" if period.day is not None or period.days == 1 else "have"
