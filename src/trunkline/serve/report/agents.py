"""Agents' metrics, and the time line of their day: contacts, holds and after contact work, and their statuses.

Contact records have no agent status (available, break, training): without agent events a gap only means that there was
no contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from trunkline.engines.model import quote_double
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.agents.activity import AGENT_ACTIVITY
from trunkline.objects.agents.instance_data import AGENT_HIERARCHY_GROUPS, ROUTING_PROFILES, USERS
from trunkline.serve.report.measures import TABLE, Row, marks, measure, occupancies
from trunkline.serve.report.period import Period
from trunkline.sql.session import Session

AGENTS_MAX: Final = 26
# In longer spans a contact would be narrower than a pixel.
TIME_LINE_SPAN_MAX: Final = timedelta(hours=26)
# After contact work may end this much later than the contact that the scan selects by its end.
_AFTER: Final = timedelta(days=1)

_ACTIVITY: Final = ".".join(quote_double(part) for part in AGENT_ACTIVITY.public_view.split("."))

AGENT_METRICS: Final = (
    "CONTACTS_HANDLED",
    "SUM_HANDLE_TIME",
    "AVG_HANDLE_TIME",
    "AVG_HOLD_TIME_ALL_CONTACTS",
    "AVG_AFTER_CONTACT_WORK_TIME",
    "CONTACTS_TRANSFERRED_OUT",
)
SegmentKind = Literal["online", "away", "contact", "hold", "work"]


@dataclass(frozen=True, slots=True)
class DaySegment:
    """A part of an agent's day within the period, naive UTC.

    A hold has its recorded length and is placed in the middle of its contact: its start is not recorded. `online` is
    time in a routable status, `away` in a custom one, both from agent events.
    """

    kind: SegmentKind
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent, or the remaining ones in one row. `name` is None for an agent without a user name.

    `occupancy` is in percent, None without agent events. `team` is the routing profile and the hierarchy group, empty
    where users were not loaded.
    """

    name: str | None
    agent_id: str | None
    values: Row
    segments: tuple[DaySegment, ...] = ()
    occupancy: float | None = None
    team: str = ""


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
    lines: dict[str, list[DaySegment]] = {}
    if period.until - period.since <= TIME_LINE_SPAN_MAX:
        statuses, contacts = _statuses(db, period, ids), _segments(db, period, ids)
        lines = {agent_id: [*statuses.get(agent_id, ()), *contacts.get(agent_id, ())] for agent_id in ids}
    occupancy, people = occupancies(db, period), _people(db)

    def of(row: Row) -> AgentRow:
        agent_id = row["agent_id"]
        name, team = people.get(agent_id, (row["agent_username"], ""))
        line = tuple(lines.get(agent_id, ()))
        return AgentRow(name or row["agent_username"], agent_id, row, line, occupancy.get(agent_id), team)

    agent_rows, more = tuple(map(of, shown)), tuple(map(of, rows[len(shown) :]))
    if not more:
        return Agents(agent_rows, (), None)
    others = f'{reached} AND "agent_id" NOT IN ({marks(3, len(ids))})'
    together = measure(db, AGENT_METRICS, period, x, None, others, ids)[0]
    return Agents(agent_rows, more, AgentRow(f"{len(more):,} other agents", None, together))


def _people(db: Session) -> dict[str, tuple[str, str]]:
    """Name and team of users by id, as far as users, routing profiles and hierarchy groups were loaded."""
    users, profiles, groups = (
        ".".join(map(quote_double, obj.public_view.split(".")))
        for obj in (USERS, ROUTING_PROFILES, AGENT_HIERARCHY_GROUPS)
    )
    rows = db.query(
        'SELECT u."user_id", u."first_name", u."last_name", p."routing_profile_name", g."agent_hierarchy_group_name" '
        f'FROM {users} AS u LEFT JOIN {profiles} AS p ON p."agent_routing_profile_id" = u."agent_routing_profile_id" '
        f'LEFT JOIN {groups} AS g ON g."agent_hierarchy_group_id" = u."agent_hierarchy_group_id"'
    )
    return {
        user_id: (" ".join(filter(None, (first, last))), " · ".join(filter(None, (profile, group))))
        for user_id, first, last, profile, group in rows
    }


def _statuses(db: Session, period: Period, ids: Sequence[str]) -> dict[str, list[DaySegment]]:
    """Time in routable and in custom statuses by agent id, adjacent pieces as one, cut to the period."""
    if not ids:
        return {}
    rows = db.query(
        'SELECT "user_id", "agent_status_type", "begin_timestamp", "end_timestamp" '
        f'FROM {_ACTIVITY} WHERE "user_id" IN ({marks(3, len(ids))}) '
        'AND "agent_status_type" <> \'OFFLINE\' AND "end_timestamp" > "begin_timestamp" '
        'AND "end_timestamp" > CAST($1 AS TIMESTAMP) AND "begin_timestamp" < CAST($2 AS TIMESTAMP) '
        'ORDER BY "user_id", "begin_timestamp"',
        [period.since, period.until, *ids],
    )
    segments_by_agent: dict[str, list[DaySegment]] = {}
    for user_id, status, since, until in rows:
        kind: SegmentKind = "online" if status == "ROUTABLE" else "away"
        line = segments_by_agent.setdefault(user_id, [])
        if line and (line[-1].kind, line[-1].until) == (kind, since):
            line[-1] = DaySegment(kind, line[-1].since, min(until, period.until))
        else:
            _add(line, period, kind, since, until)
    return segments_by_agent


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
