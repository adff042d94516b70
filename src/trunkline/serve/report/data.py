"""The data of a report, read from the warehouse into frozen records. Rendering is done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from trunkline.accounting import Counts
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.serve.report.agents import AgentRow, agents
from trunkline.serve.report.headline import Headline, comparison_fault, lines, totals
from trunkline.serve.report.measures import TABLE, Row, marks, measure, narrowed
from trunkline.serve.report.period import Period, day_period
from trunkline.serve.report.waits import Distribution, handle_times, waits
from trunkline.serve.report.wording import contacts_by_fidelity
from trunkline.sql.ddl import view_columns
from trunkline.sql.session import Session

QUEUES_MAX: Final = 10
HALF_HOURS_SPAN_MAX: Final = timedelta(days=2)
HOURS_SPAN_MAX: Final = timedelta(days=10, hours=1)
FEW: Final = 5
"""An interval with fewer contacts than this is muted: a rate of so few says little."""
# A half hour or queue with fewer contacts than this, or than a hundredth of all, is not called the worst.
WORTH_NAMING: Final = 10

QUEUE_METRICS: Final = (
    "CONTACTS_QUEUED",
    "CONTACTS_HANDLED",
    "CONTACTS_ABANDONED",
    "ABANDONMENT_RATE",
    "SERVICE_LEVEL",
    "AVG_QUEUE_ANSWER_TIME",
    "QUEUE_WAIT_TIME_P90",
    "MAX_QUEUED_TIME",
    "AVG_HANDLE_TIME",
)
# Each agent has a personal queue. There are dozens of them, with few contacts and without a name.
_OWN_QUEUE: Final = "\"queue_arn\" LIKE '%/queue/agent/%'"


@dataclass(frozen=True, slots=True)
class Completeness:
    """The accounting of everything ever loaded (not of one day), from the ledger.

    `late_versions` counts records of a contact that was already known (updated, or superseded). `drift` has sentences
    with field names and counts, never values. `certified` has sentences about the UTC days that overlap the report's
    day; it is empty where they were not compared with what Connect lists.
    """

    counts: Counts = field(default_factory=Counts)
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    late_versions: int = 0
    drift: Sequence[str] = ()
    files: int = 0
    certified: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A half hour, hour or day: contacts that entered a queue in it, and the service level of those that ended in it.

    `at` is its local start, `label` that time of day, with the date in front where the period has several days.
    """

    at: datetime
    label: str
    arrivals: int
    arrivals_before: int | None
    queued: int
    service_level: float | None
    queued_before: int
    service_level_before: float | None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue, or several in one row. `name` is None for an unnamed queue.

    `x_s` is None where queues or channels differ. `channels` are those of its contacts, in Amazon's names.
    """

    name: str | None
    queue_id: str | None
    x_s: float | None
    values: Row
    channels: tuple[str | None, ...] = ()
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel in Amazon's name, None where it is not known. `x_s` is None where its queues have X of their own."""

    channel: str | None
    x_s: float | None
    values: Row


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything on the page. `first` and `last` are the first and last disconnect times in the warehouse.

    `goal` is the service level that is wanted, percent. `no_comparison` says why there is no comparison with the
    period before, None where there is one.
    """

    period: Period
    x: Threshold
    contacts: int
    never_queued: int
    goal: float
    headline: tuple[Headline, ...]
    no_comparison: str | None
    total: Row
    slots: tuple[Slot, ...]
    slot_minutes: int
    waits: Distribution
    handle_times: Distribution
    channels: tuple[ChannelRow, ...]
    queues: tuple[QueueRow, ...]
    agents: tuple[AgentRow, ...]
    agents_more: tuple[AgentRow, ...]
    agents_not_shown: AgentRow | None
    first: datetime | None
    last: datetime | None
    fidelity: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_before(self) -> bool:
        """Whether the numbers are compared with the period before."""
        return self.no_comparison is None

    @property
    def agent_count(self) -> int:
        """All agents that had a contact."""
        return len(self.agents) + len(self.agents_more)


def read(db: Session, period: Period, x: Threshold, goal: float = 80) -> ReportData:
    """Read everything that the page of this period shows. Raises UsageError for an invalid threshold."""
    x, no_comparison = narrowed(db, period, x), comparison_fault(db, period)
    now = totals(db, period, x)
    before = totals(db, period.previous, x) if no_comparison is None else None
    first, last = db.query(f'SELECT min("disconnect_timestamp"), max("disconnect_timestamp") FROM {TABLE}')[0]
    minutes = _slot_minutes(period)
    of_agents = agents(db, period, x)
    unqueued = f'SELECT * FROM {TABLE} WHERE "queue_enqueue_timestamp" IS NULL'
    return ReportData(
        period=period,
        x=x,
        contacts=now["contacts_created"],
        never_queued=measure(db, ["CONTACTS_CREATED"], period, x, contacts=unqueued)[0]["contacts_created"],
        goal=goal,
        headline=tuple(lines(now, before, x)),
        no_comparison=no_comparison,
        total=now,
        slots=_slots(db, period, x, minutes, no_comparison is None),
        slot_minutes=minutes,
        waits=waits(db, period, x),
        handle_times=handle_times(db, period, x),
        channels=_channels(db, period, x),
        queues=_queues(db, period, x),
        agents=of_agents.shown,
        agents_more=of_agents.more,
        agents_not_shown=of_agents.rest,
        first=first,
        last=last,
        fidelity=contacts_by_fidelity(db, period.since, period.until),
    )


def _slot_minutes(period: Period) -> int:
    span = period.until - period.since
    return 30 if span <= HALF_HOURS_SPAN_MAX else 60 if span <= HOURS_SPAN_MAX else 1440


def _slots(db: Session, period: Period, x: Threshold, minutes: int, has_before: bool) -> tuple[Slot, ...]:
    """The period's intervals from the first with contacts to the last, including empty ones between them."""
    served, arrived = _by_interval(db, period, x, minutes)
    then_served: dict[Any, Row] = {}
    then_arrived: dict[Any, Row] = {}
    if has_before:
        # Compared at the same local time; both halves of a repeated hour are compared with the same one.
        previous = period.previous
        then_served, then_arrived = (
            {_wall(previous, at): row for at, row in rows.items()} for rows in _by_interval(db, previous, x, minutes)
        )
    busy = [at for at, row in (*served.items(), *arrived.items()) if row["contacts_queued"]]
    slots: list[Slot] = []
    for at in sorted(_regular(period, minutes) | set(busy)):
        if not busy or not min(busy) <= at <= max(busy):
            continue
        wall = _wall(period, at)
        now, then, local = served.get(at), then_served.get(wall), period.local(at)
        slots.append(
            Slot(
                at=local,
                label=slot_label(local, minutes, period.has_many_days),
                arrivals=arrived[at]["contacts_queued"] if at in arrived else 0,
                arrivals_before=(then_arrived[wall]["contacts_queued"] if wall in then_arrived else 0)
                if has_before
                else None,
                queued=now["contacts_queued"] if now else 0,
                service_level=now["service_level"] if now else None,
                queued_before=then["contacts_queued"] if then else 0,
                service_level_before=then["service_level"] if then else None,
            )
        )
    return tuple(slots)


def slot_label(local: datetime, minutes: int, has_many_days: bool) -> str:
    """`08:30`; `Tue 3 08:00` where the period has several days; `Tue 3 March` for a whole day."""
    if minutes == 1440:
        return f"{local:%a} {local.day} {local:%B}"
    return f"{local:%a} {local.day} {local:%H:%M}" if has_many_days else f"{local:%H:%M}"


def _regular(period: Period, minutes: int) -> set[datetime]:
    """The starts of the intervals that every clock shows."""
    if minutes == 1440:
        first, last = (period.local(at).date() for at in (period.since, period.until - timedelta(microseconds=1)))
        days = (last - first).days + 1
        return {day_period(first + timedelta(days=n), period.zone).since for n in range(days)}
    step = timedelta(minutes=minutes)
    return {period.since + n * step for n in range(-(-(period.until - period.since) // step))}


def _wall(period: Period, at: datetime) -> Any:
    """What an interval has in common with that of the period before: the time of day, or the place in the span."""
    local = period.local(at)
    return (local.hour, local.minute) if period.day is not None else period.wall(at)


def _by_interval(
    db: Session, period: Period, x: Threshold, minutes: int
) -> tuple[dict[datetime, Row], dict[datetime, Row]]:
    """Metrics by interval start: of contacts that ended in the interval, and of those that entered a queue in it."""
    interval = {30: "30min", 60: "hour", 1440: "day"}[minutes]
    grouping = Grouping((), interval, period.zone)
    served = measure(db, ["CONTACTS_QUEUED", "SERVICE_LEVEL"], period, x, grouping)
    # The metric groups contacts by their end; arrivals are grouped by the time of entering the queue.
    replaced = {"disconnect_timestamp": '"queue_enqueue_timestamp" AS "disconnect_timestamp"'}
    columns = ", ".join(replaced.get(column.name, f'"{column.name}"') for column in view_columns(CONTACT_RECORD))
    entered = f"SELECT {columns} FROM {TABLE}"
    arrived = measure(db, ["CONTACTS_QUEUED"], period, x, grouping, entered)
    return (
        {_start(row["interval_start"], period): row for row in served},
        {_start(row["interval_start"], period): row for row in arrived},
    )


def _start(interval: datetime | date, period: Period) -> datetime:
    """The start of an interval, naive UTC; an interval of a day is a local date."""
    return interval if isinstance(interval, datetime) else day_period(interval, period.zone).since


def _channels(db: Session, period: Period, x: Threshold) -> tuple[ChannelRow, ...]:
    """Channels by contacts queued, the busiest first; of contacts that were in a queue."""
    queued = f'SELECT * FROM {TABLE} WHERE "queue_enqueue_timestamp" IS NOT NULL'
    rows = measure(db, QUEUE_METRICS, period, x, Grouping(("channel",), None, period.zone), queued)
    rows.sort(key=lambda row: (-row["contacts_queued"], row["channel"] or "\uffff"))
    return tuple(ChannelRow(row["channel"], _x_of_channel(x, row["channel"]), row) for row in rows)


def _x_of_channel(x: Threshold, channel: str | None) -> float | None:
    return None if x.by_queue else x.of(None, None, channel)


def _queues(db: Session, period: Period, x: Threshold) -> tuple[QueueRow, ...]:
    """Queues by contacts queued, busiest first; then one row for agents' own queues and one for the remaining ones."""
    standard = f'SELECT * FROM {TABLE} WHERE "queue_id" IS NOT NULL AND NOT COALESCE({_OWN_QUEUE}, false)'
    rows = measure(db, QUEUE_METRICS, period, x, Grouping(("queue",), None, period.zone), standard)
    rows.sort(key=lambda row: (-row["contacts_queued"], row["queue_name"] or "\uffff", row["queue_id"]))
    # A row "1 other queue" would hide a name without saving a row.
    shown = rows if len(rows) <= QUEUES_MAX + 1 else rows[:QUEUES_MAX]
    channels: dict[str, list[str | None]] = {}
    for row in measure(db, ["CONTACTS_QUEUED"], period, x, Grouping(("single_queue", "channel"), None), standard):
        channels.setdefault(row["queue_id"], []).append(row["channel"])
    queue_rows = [_queue_row(x, row, channels.get(row["queue_id"], [])) for row in shown]
    own = f"SELECT * FROM {TABLE} WHERE {_OWN_QUEUE}"
    queue_rows += _group(db, period, x, "Agents' own queues", own, [])
    if len(shown) < len(rows):
        ids = [row["queue_id"] for row in shown]
        rest = f'{standard} AND "queue_id" NOT IN ({marks(3, len(ids))})'
        queue_rows += _group(db, period, x, f"{len(rows) - len(shown)} other queues", rest, ids)
    return tuple(queue_rows)


def _group(db: Session, period: Period, x: Threshold, name: str, contacts: str, values: list[object]) -> list[QueueRow]:
    row = measure(db, QUEUE_METRICS, period, x, None, contacts, values)[0]
    x_s = None if x.varies else x.default
    return [QueueRow(name, None, x_s, row, is_group=True)] if row["contacts_queued"] else []


def _queue_row(x: Threshold, row: Row, channels: Sequence[str | None]) -> QueueRow:
    thresholds = {x.of(row["queue_id"], row["queue_name"], channel) for channel in channels}
    x_s = thresholds.pop() if len(thresholds) == 1 else None
    return QueueRow(row["queue_name"], row["queue_id"], x_s, row, tuple(channels))
