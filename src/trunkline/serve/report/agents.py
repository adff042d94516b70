"""Agents' metrics, and the time line of their day: contacts, holds and after contact work.

Contact records have no agent status (available, break, training), so a gap only means that there was no contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from trunkline.serve.report.measures import TABLE, Row, marks, measure, occupancies
from trunkline.serve.report.period import Period
from trunkline.sql.metric_query import Grouping, Threshold
from trunkline.sql.session import Session

AGENTS_MAX: Final = 26
# In longer spans a contact would be narrower than a pixel.
TIME_LINE_SPAN_MAX: Final = timedelta(hours=26)
# After contact work may end this much later than the contact that the scan selects by its end.
_AFTER: Final = timedelta(days=1)

AGENT_METRICS: Final = (
    "CONTACTS_HANDLED",
    "SUM_HANDLE_TIME",
    "AVG_HANDLE_TIME",
    "AVG_HOLD_TIME_ALL_CONTACTS",
    "AVG_AFTER_CONTACT_WORK_TIME",
    "CONTACTS_TRANSFERRED_OUT",
)
SegmentKind = Literal["contact", "hold", "work"]


@dataclass(frozen=True, slots=True)
class DaySegment:
    """A part of an agent's day within the period, naive UTC.

    A hold has its recorded length and is placed in the middle of its contact: its start is not recorded.
    """

    kind: SegmentKind
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent, or the remaining ones in one row. `name` is None for an agent without a user name.

    `occupancy` is in percent, None without agent events.
    """

    name: str | None
    agent_id: str | None
    values: Row
    segments: tuple[DaySegment, ...] = ()
    occupancy: float | None = None


@dataclass(frozen=True, slots=True)
class Agents:
    """All agents that have a contact, the one with most handle time first: `shown` have time lines, `more` have none.

    `rest` has the metrics of `more` together, None if there are none.
    """

    shown: tuple[AgentRow, ...]
    more: tuple[AgentRow, ...]
    rest: AgentRow | None


def agents(db: Session, period: Period, x: Threshold) -> Agents:
    """The agents of the period."""
    reached = f'SELECT * FROM {TABLE} WHERE "agent_id" IS NOT NULL'
    rows = measure(db, AGENT_METRICS, period, x, Grouping(("agent",), None, period.zone), reached)
    rows.sort(key=lambda row: (-(row["sum_handle_time"] or 0), row["agent_username"] or "\uffff", row["agent_id"]))
    shown = rows if len(rows) <= AGENTS_MAX + 1 else rows[:AGENTS_MAX]
    ids = [row["agent_id"] for row in shown]
    lines = _segments(db, period, ids) if period.until - period.since <= TIME_LINE_SPAN_MAX else {}
    occupancy = occupancies(db, period)

    def of(row: Row) -> AgentRow:
        agent_id = row["agent_id"]
        return AgentRow(row["agent_username"], agent_id, row, tuple(lines.get(agent_id, ())), occupancy.get(agent_id))

    agent_rows, more = tuple(map(of, shown)), tuple(map(of, rows[len(shown) :]))
    if not more:
        return Agents(agent_rows, (), None)
    others = f'{reached} AND "agent_id" NOT IN ({marks(3, len(ids))})'
    together = measure(db, AGENT_METRICS, period, x, None, others, ids)[0]
    return Agents(agent_rows, more, AgentRow(f"{len(more):,} other agents", None, together))


def _segments(db: Session, period: Period, ids: Sequence[str]) -> dict[str, list[DaySegment]]:
    """Segments by agent id, in the order of contacts, cut to the period."""
    if not ids:
        return {}
    rows = db.query(
        'SELECT "agent_id", "agent_connected_to_agent_timestamp", "disconnect_timestamp", '
        '"agent_customer_hold_duration_ms", "agent_after_contact_work_start_timestamp", '
        '"agent_after_contact_work_end_timestamp" '
        f'FROM {TABLE} WHERE "agent_id" IN ({marks(3, len(ids))}) AND "disconnect_timestamp" >= CAST($1 AS TIMESTAMP) '
        'AND "agent_connected_to_agent_timestamp" < CAST($2 AS TIMESTAMP) '
        'ORDER BY "agent_connected_to_agent_timestamp", "contact_id"',
        [period.since - _AFTER, period.until, *ids],
    )
    segments_by_agent: dict[str, list[DaySegment]] = {}
    for agent_id, since, ended, hold_ms, work_since, work_until in rows:
        # After contact work starts when the agent leaves the contact; after a transfer that is before its end.
        until = min(ended, work_since) if work_since is not None else ended
        line = segments_by_agent.setdefault(agent_id, [])
        _add(line, period, "contact", since, until)
        if hold_ms:
            hold = min(timedelta(milliseconds=hold_ms), until - since)
            middle = since + (until - since) / 2
            _add(line, period, "hold", middle - hold / 2, middle + hold / 2)
        if work_since is not None and work_until is not None:
            _add(line, period, "work", work_since, work_until)
    return segments_by_agent


def _add(line: list[DaySegment], period: Period, kind: SegmentKind, since: datetime, until: datetime) -> None:
    first, last = max(since, period.since), min(until, period.until)
    if first < last:
        line.append(DaySegment(kind, first, last))
