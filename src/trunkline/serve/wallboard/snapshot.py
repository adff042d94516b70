"""What the board shows at an instant, as plain values: a function of the live state, the settings and the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Final

from trunkline.live.agents import Activity, AgentNow, AgentTotals, AgentView, channel_name, is_silent, view_agent
from trunkline.live.fold import AGENT_QUEUES, ContactGroup, LiveState
from trunkline.live.phases import Phase
from trunkline.live.views import ContactView, LiveNumber, QueueView, contact_views, open_since, queue_views, today
from trunkline.serve.report.wording import channel as channel_label
from trunkline.serve.wallboard.options import BoardOptions, Bounds

WAITING_SHOWN: Final = 12
HALF_HOUR_MINUTES: Final = 30
HALF_HOURS: Final = 48


class Level(IntEnum):
    """How a number is judged by its thresholds."""

    GOOD = 0
    WATCH = 1
    ALARM = 2

    @property
    def word(self) -> str:
        """For people; a colour alone never says it."""
        return ("good", "watch", "alarm")[self]


@dataclass(frozen=True, slots=True)
class BoardQueue:
    """A queue's tile. Times are seconds, rates percent; None is not known, or no contact.

    `waiting` contacts are not offered to an agent. `waiting_since` is when the contact that has waited longest entered
    the queue. `late` contacts have waited for the target or longer in opening hours; they are judged instead of all
    that wait where `counts_late`. `limit_s` is the length of the longest wait at which it passes the target, closed
    hours included; None while the queue is closed. The numbers of the day are of contacts that ended today;
    `waiting_for` of them have no record yet. Each level is that number's own, `level` the worst, all good of a closed
    queue.
    """

    queue_id: str | None
    name: str
    channel: str | None
    waiting: int
    offered: int
    in_progress: int
    after_contact_work: int
    waiting_since: datetime | None
    longest_wait_s: float | None
    late: int
    counts_late: bool
    target_s: float
    limit_s: float | None
    is_open: bool
    opens_at: datetime | None
    service_level: float | None
    handled: int
    abandoned: int
    handle_time_s: float | None
    answer_time_s: float | None
    waiting_for: int
    level: Level
    waiting_level: Level
    wait_level: Level
    service_level_level: Level


@dataclass(frozen=True, slots=True)
class BoardAgent:
    """An agent in the grid. `contact` is what the agent has, such as `Voice, Sales`; `contacts` how many.

    `since` is when the activity began. A silent agent has its last known state.
    """

    agent_id: str
    username: str
    name: str | None
    profile: str | None
    team: str | None
    activity: str
    label: str
    since: datetime | None
    contact: str | None
    contact_ids: tuple[str, ...]
    contacts: int
    next_status: str | None
    is_silent: bool


@dataclass(frozen=True, slots=True)
class BoardContact:
    """A contact in queue, since when, and after what time it has waited for the target; None while it is closed."""

    contact_id: str
    queue: str
    channel: str | None
    since: datetime | None
    is_offered: bool
    limit_s: float | None


@dataclass(frozen=True, slots=True)
class BoardDay:
    """The day of all queues. `arrivals` are contacts that entered a queue, by half hour from the day's start.

    `arrivals_before` are those of the same weekday a week ago, None without data; `so_far_before` are its arrivals up
    to the same time of day.
    """

    day: date
    service_level: float | None
    queued: int
    handled: int
    abandoned: int
    abandonment_rate: float | None
    answer_time_s: float | None
    handle_time_s: float | None
    waiting_for: int
    arrived: int
    arrivals: tuple[int, ...]
    arrivals_before: tuple[int, ...] | None
    so_far_before: int | None


@dataclass(frozen=True, slots=True)
class BoardSnapshot:
    """The board at `at`. `newest` is the time of the newest event of any kind.

    `open_since` is since when some queue, also a hidden one, has been open; None while all are closed.
    """

    at: datetime
    newest: datetime | None
    open_since: datetime | None
    queues: tuple[BoardQueue, ...]
    agents: tuple[BoardAgent, ...]
    totals: AgentTotals
    waiting: tuple[BoardContact, ...]
    waiting_count: int
    day: BoardDay


class AgentViews:
    """The views of all agents, made anew only for those that have changed."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[AgentNow, AgentView]] = {}

    def at(self, state: LiveState, now: datetime) -> list[AgentView]:
        """Every agent; what depends on `now` alone, other than silence, is as old as the view."""
        views: dict[str, tuple[AgentNow, AgentView]] = {}
        for arn, agent in state.agents.items():
            known = self._views.get(arn)
            if known is None or known[0] is not agent or known[1].is_silent != is_silent(agent, now):
                known = agent, view_agent(agent, now)
            views[arn] = known
        self._views = views
        return [view for _, view in views.values()]


def judge(value: float | None, watch: float | None, alarm: float | None, *, is_low_bad: bool = False) -> Level:
    """The level of a number: alarm from `alarm` on, watch from `watch` on, or below them if low is bad."""
    if value is None:
        return Level.GOOD
    for level, bound in ((Level.ALARM, alarm), (Level.WATCH, watch)):
        if bound is not None and (value < bound if is_low_bad else value >= bound):
            return level
    return Level.GOOD


def take_snapshot(
    state: LiveState,
    now: datetime,
    options: BoardOptions,
    agents: Sequence[AgentView],
    totals: AgentTotals,
    arrivals: Sequence[int],
    arrivals_before: Sequence[int] | None,
) -> BoardSnapshot:
    """The board of a state at `now`. `arrivals` are today's by half hour."""
    contacts = contact_views(state, now)
    waiting = [view for view in contacts if view.phase is Phase.QUEUED]
    first: dict[ContactGroup, datetime] = {}
    for contact in waiting:
        if not contact.is_offered and contact.since is not None:
            first.setdefault(contact.group, contact.since)
    every = [view for view in queue_views(state, now, contacts) if is_queue(view)]
    views = [view for view in every if not options.is_hidden(view.group.queue_id, view.queue_name)]
    queues = [board_queue(view, first.get(view.group), options) for view in views]
    names = {(queue.queue_id, queue.channel): queue for queue in queues}
    return BoardSnapshot(
        at=now,
        newest=max(state.newest.values(), default=None),
        open_since=open_since(state, now, every),
        queues=tuple(sorted(queues, key=lambda tile: _tile_order(tile, options))),
        agents=tuple(sorted((board_agent(view) for view in agents if _is_shown(view)), key=_agent_order)),
        totals=totals,
        waiting=tuple(_board_contact(state, now, view, names) for view in waiting[:WAITING_SHOWN]),
        waiting_count=sum(not view.is_offered for view in waiting),
        day=_board_day(state, now, arrivals, arrivals_before),
    )


def is_queue(view: QueueView) -> bool:
    """Whether contacts wait there for any agent: neither an agent's own queue, nor contacts without a queue."""
    return view.group.queue_id not in (None, AGENT_QUEUES)


def _tile_order(tile: BoardQueue, options: BoardOptions) -> tuple[int, str, str]:
    return options.place(tile.queue_id, tile.name), tile.name, tile.channel or ""


def board_queue(view: QueueView, waiting_since: datetime | None, options: BoardOptions) -> BoardQueue:
    """A queue's tile, judged by its thresholds."""
    group, numbers = view.group, view.today
    bounds = options.bounds_of(group.queue_id, view.queue_name, view.target_s)
    levels = _levels(view, bounds) if view.is_open else (Level.GOOD,) * 3
    return BoardQueue(
        queue_id=group.queue_id,
        name=view.queue_name or f"Queue {(group.queue_id or '')[:8]}",
        channel=group.channel,
        waiting=view.waiting,
        offered=view.offered,
        in_progress=view.in_progress,
        after_contact_work=view.after_contact_work,
        waiting_since=waiting_since,
        longest_wait_s=view.longest_wait_s,
        late=view.breaching,
        counts_late=bounds.counts_late,
        target_s=view.target_s,
        limit_s=_limit_s(view),
        is_open=view.is_open,
        opens_at=view.opens_at,
        service_level=numbers["SERVICE_LEVEL"].value,
        handled=int(numbers["CONTACTS_HANDLED"].value or 0),
        abandoned=int(numbers["CONTACTS_ABANDONED"].value or 0),
        handle_time_s=numbers["AVG_HANDLE_TIME"].value,
        answer_time_s=numbers["AVG_QUEUE_ANSWER_TIME"].value,
        waiting_for=numbers["SERVICE_LEVEL"].waiting_for,
        level=max(levels),
        waiting_level=levels[0],
        wait_level=levels[1],
        service_level_level=levels[2],
    )


def _limit_s(view: QueueView) -> float | None:
    if not view.is_open:
        return None
    return view.target_s + round((view.longest_wait_s or 0.0) - (view.longest_open_wait_s or 0.0))


def _levels(view: QueueView, judged: Bounds) -> tuple[Level, Level, Level]:
    level, bounds = view.today["SERVICE_LEVEL"].value, judged.thresholds
    is_judged = (view.today["CONTACTS_QUEUED"].value or 0) >= bounds.contacts_min
    return (
        judge(view.breaching if judged.counts_late else view.waiting, bounds.waiting_watch, bounds.waiting_alarm),
        judge(view.longest_open_wait_s, bounds.wait_s_watch, bounds.wait_s_alarm),
        judge(level if is_judged else None, bounds.service_level_watch, bounds.service_level_alarm, is_low_bad=True),
    )


def _is_shown(view: AgentView) -> bool:
    return view.activity is not Activity.OFFLINE


def _agent_order(agent: BoardAgent) -> tuple[int, str, str]:
    return Activity[agent.activity], agent.username, agent.agent_id


def board_agent(view: AgentView) -> BoardAgent:
    """An agent of the grid."""
    first = view.contacts[0] if view.contacts else None
    queue = first.queue.name if first is not None and first.queue is not None else None
    parts = [channel_label(channel_name(first.channel)), queue] if first is not None else []
    return BoardAgent(
        agent_id=view.arn.rpartition("/")[2],
        username=view.username or view.arn.rpartition("/")[2][:8],
        name=view.name,
        profile=view.profile,
        team=view.levels[-1] if view.levels else None,
        activity=view.activity.name,
        label=view.label,
        since=view.since,
        contact=", ".join(part for part in parts if part) or None,
        contact_ids=tuple(contact.contact_id for contact in view.contacts),
        contacts=len(view.contacts),
        next_status=view.next_status,
        is_silent=view.is_silent,
    )


def _board_contact(
    state: LiveState, now: datetime, view: ContactView, tiles: Mapping[tuple[str | None, str | None], BoardQueue]
) -> BoardContact:
    queue_id, channel = view.group.queue_id, view.group.channel
    tile = tiles.get((queue_id, channel))
    name = tile.name if tile is not None else "Agent's own queue" if queue_id == AGENT_QUEUES else "Other queue"
    limit_s = tile.target_s if tile is not None else state.rules.target_s(queue_id, None, channel)
    hours = state.rules.hours_of(queue_id, tile.name if tile is not None else None)
    if hours is not None and view.since is not None:
        limit_s += round((now - view.since).total_seconds() - hours.open_s(view.since, now))
    is_open = hours is None or hours.is_open(now)
    return BoardContact(view.contact_id, name, channel, view.since, view.is_offered, limit_s if is_open else None)


def _board_day(
    state: LiveState, now: datetime, arrivals: Sequence[int], arrivals_before: Sequence[int] | None
) -> BoardDay:
    numbers: Mapping[str, LiveNumber] = today(state, now)
    so_far = None if arrivals_before is None else _so_far(arrivals_before, now.astimezone(state.rules.zone))
    return BoardDay(
        day=state.rules.day_of(now),
        service_level=numbers["SERVICE_LEVEL"].value,
        queued=int(numbers["CONTACTS_QUEUED"].value or 0),
        handled=int(numbers["CONTACTS_HANDLED"].value or 0),
        abandoned=int(numbers["CONTACTS_ABANDONED"].value or 0),
        abandonment_rate=numbers["ABANDONMENT_RATE"].value,
        answer_time_s=numbers["AVG_QUEUE_ANSWER_TIME"].value,
        handle_time_s=numbers["AVG_HANDLE_TIME"].value,
        waiting_for=numbers["SERVICE_LEVEL"].waiting_for,
        arrived=sum(arrivals),
        arrivals=tuple(arrivals),
        arrivals_before=None if arrivals_before is None else tuple(arrivals_before),
        so_far_before=so_far,
    )


def _so_far(arrivals: Sequence[int], local: datetime) -> int:
    """Arrivals until a time of day; of the half hour that has begun, its share."""
    whole, part = divmod(local.hour * 60 + local.minute, HALF_HOUR_MINUTES)
    return round(sum(arrivals[:whole]) + arrivals[whole] * part / HALF_HOUR_MINUTES)


def arrivals_of(state: LiveState, day: date) -> list[int]:
    """Contacts that entered a queue on a local day, by half hour of its wall clock."""
    counts = [0] * HALF_HOURS
    zone = state.rules.zone
    for contact in state.contacts.values():
        record = contact.record
        at = record.queue_enqueue_timestamp if record is not None else contact.enqueued_at
        if at is not None and (local := at.astimezone(zone)).date() == day:
            counts[local.hour * 2 + local.minute // HALF_HOUR_MINUTES] += 1
    return counts
