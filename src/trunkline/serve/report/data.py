"""The data of a report, read from the warehouse into frozen records. Rendering is done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline.accounting import Counts
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.serve.report.agents import AgentRow, agents
from trunkline.serve.report.headline import TABLE, Headline, Row, is_comparable, lines, marks, measure, totals
from trunkline.serve.report.period import Period
from trunkline.serve.report.waits import Distribution, handle_times, waits
from trunkline.serve.report.wording import contacts_by_fidelity
from trunkline.sql.ddl import view_columns
from trunkline.sql.metric_query import Grouping, Threshold
from trunkline.sql.session import Session

QUEUES_MAX: Final = 10
HALF_HOURS_SPAN_MAX: Final = timedelta(days=2)
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
    """A half hour (or hour): contacts that entered a queue in it, and the service level of those that ended in it."""

    label: str
    arrivals: int
    arrivals_before: int | None
    queued: int
    service_level: float | None
    queued_before: int
    service_level_before: float | None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue, or several in one row. `name` is None for an unnamed queue; `x_s` is None where queues differ."""

    name: str | None
    queue_id: str | None
    x_s: float | None
    values: Row
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything on the page. `first` and `last` are the first and last disconnect times in the warehouse."""

    period: Period
    x: Threshold
    contacts: int
    never_queued: int
    headline: tuple[Headline, ...]
    has_before: bool
    total: Row
    slots: tuple[Slot, ...]
    slot_minutes: int
    waits: Distribution
    handle_times: Distribution
    queues: tuple[QueueRow, ...]
    agents: tuple[AgentRow, ...]
    agents_not_shown: AgentRow | None
    agent_count: int
    first: datetime | None
    last: datetime | None
    fidelity: Mapping[str, int] = field(default_factory=dict)


def read(db: Session, period: Period, x: Threshold) -> ReportData:
    """Read everything that the page of this period shows. Raises UsageError for an invalid threshold."""
    now, has_before = totals(db, period, x), is_comparable(db, period)
    before = totals(db, period.previous, x) if has_before else None
    first, last = db.query(f'SELECT min("disconnect_timestamp"), max("disconnect_timestamp") FROM {TABLE}')[0]
    minutes = 30 if period.until - period.since <= HALF_HOURS_SPAN_MAX else 60
    shown, others, agent_count = agents(db, period, x)
    unqueued = f'SELECT * FROM {TABLE} WHERE "queue_enqueue_timestamp" IS NULL'
    return ReportData(
        period=period,
        x=x,
        contacts=now["contacts_created"],
        never_queued=measure(db, ["CONTACTS_CREATED"], period, x, contacts=unqueued)[0]["contacts_created"],
        headline=tuple(lines(now, before, x)),
        has_before=has_before,
        total=now,
        slots=_slots(db, period, x, minutes, has_before),
        slot_minutes=minutes,
        waits=waits(db, period, x),
        handle_times=handle_times(db, period, x),
        queues=_queues(db, period, x),
        agents=shown,
        agents_not_shown=others,
        agent_count=agent_count,
        first=first,
        last=last,
        fidelity=contacts_by_fidelity(db, period.since, period.until),
    )


def _slots(db: Session, period: Period, x: Threshold, minutes: int, has_before: bool) -> tuple[Slot, ...]:
    """The period's half hours from the first with contacts to the last, including empty ones between them."""
    served, arrived = _by_interval(db, period, x, minutes)
    served_before: dict[datetime, Row] = {}
    arrived_before: dict[datetime, Row] = {}
    if has_before:
        served_before, arrived_before = _by_interval(db, period.previous, x, minutes)
    # The day before is compared at the same local time; both halves of a repeated hour are compared with the same one.
    then_served = {_wall(period, at): row for at, row in served_before.items()}
    then_arrived = {_wall(period, at): row for at, row in arrived_before.items()}
    step = timedelta(minutes=minutes)
    regular = {period.since + n * step for n in range(-(-(period.until - period.since) // step))}
    busy = [at for at, row in (*served.items(), *arrived.items()) if row["contacts_queued"]]
    slots: list[Slot] = []
    for at in sorted(regular | set(busy)):
        if not busy or not min(busy) <= at <= max(busy):
            continue
        wall = _wall(period, at)
        now, then = served.get(at), then_served.get(wall)
        slots.append(
            Slot(
                label=f"{period.local(at):%H:%M}",
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


def _wall(period: Period, at: datetime) -> Any:
    local = period.local(at)
    return (local.hour, local.minute) if period.day is not None else local.replace(tzinfo=None)


def _by_interval(
    db: Session, period: Period, x: Threshold, minutes: int
) -> tuple[dict[datetime, Row], dict[datetime, Row]]:
    """Metrics by interval start: of contacts that ended in the interval, and of those that entered a queue in it."""
    grouping = Grouping((), "30min" if minutes == 30 else "hour", period.zone)
    served = measure(db, ["CONTACTS_QUEUED", "SERVICE_LEVEL"], period, x, grouping)
    # The metric groups contacts by their end; arrivals are grouped by the time of entering the queue.
    replaced = {"disconnect_timestamp": '"queue_enqueue_timestamp" AS "disconnect_timestamp"'}
    columns = ", ".join(replaced.get(column.name, f'"{column.name}"') for column in view_columns(CONTACT_RECORD))
    entered = f"SELECT {columns} FROM {TABLE}"
    arrived = measure(db, ["CONTACTS_QUEUED"], period, x, grouping, entered)
    return {row["interval_start"]: row for row in served}, {row["interval_start"]: row for row in arrived}


def _queues(db: Session, period: Period, x: Threshold) -> tuple[QueueRow, ...]:
    """Queues by contacts queued, busiest first; then one row for agents' own queues and one for the remaining ones."""
    standard = f'SELECT * FROM {TABLE} WHERE "queue_id" IS NOT NULL AND NOT COALESCE({_OWN_QUEUE}, false)'
    rows = measure(db, QUEUE_METRICS, period, x, Grouping(("queue",), None, period.zone), standard)
    rows.sort(key=lambda row: (-row["contacts_queued"], row["queue_name"] or "\uffff", row["queue_id"]))
    # A row "1 other queue" would hide a name without saving a row.
    shown = rows if len(rows) <= QUEUES_MAX + 1 else rows[:QUEUES_MAX]
    queue_rows = [QueueRow(row["queue_name"], row["queue_id"], _x_of(x, row), row) for row in shown]
    own = f"SELECT * FROM {TABLE} WHERE {_OWN_QUEUE}"
    queue_rows += _group(db, period, x, "Agents' own queues", own, [])
    if len(shown) < len(rows):
        ids = [row["queue_id"] for row in shown]
        rest = f'{standard} AND "queue_id" NOT IN ({marks(3, len(ids))})'
        queue_rows += _group(db, period, x, f"{len(rows) - len(shown)} other queues", rest, ids)
    return tuple(queue_rows)


def _group(db: Session, period: Period, x: Threshold, name: str, contacts: str, values: list[object]) -> list[QueueRow]:
    row = measure(db, QUEUE_METRICS, period, x, None, contacts, values)[0]
    return [QueueRow(name, None, None if x.by_queue else x.default, row, True)] if row["contacts_queued"] else []


def _x_of(x: Threshold, row: Row) -> float:
    return x.by_queue.get(row["queue_id"], x.by_queue.get(row["queue_name"], x.default))
