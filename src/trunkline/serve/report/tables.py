"""The report's tables: channels, queues, and agents with a time line of their day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trunkline.serve.report import charts, wording
from trunkline.serve.report.agents import AgentRow, DaySegment
from trunkline.serve.report.data import QueueRow, ReportData
from trunkline.serve.report.markup import (
    Attribute,
    Html,
    card,
    card_row,
    card_table,
    el,
    join,
    name_of,
    short_time,
    swatch,
    table,
)
from trunkline.serve.report.measures import Row

_GAPS_NOTE: Final = "Gaps are unknown: contact records have no status such as Available or Break."
_HOLD_NOTE: Final = "Of a hold only the length is recorded, so it is drawn in the middle of its contact."
_STATUSES: Final = {"online": "online", "away": "break or another own status"}


_QUEUE_HEAD: Final = (
    "Queued",
    "Service level",
    "Abandoned",
    "Rate",
    "Speed of answer",
    "9 of 10 waited",
    "Longest wait",
    "Handled",
    "Handle time",
)


def channels(data: ReportData) -> Html:
    """The table of channels, each with the time in which it is to be answered; nothing where there is one alone."""
    if len(data.channels) < 2:
        return Html("")
    head = ["Channel", "Within", *_QUEUE_HEAD]
    rows = [
        card_row(head, wording.channel(row.channel), [_within(row.x_s, "queue"), *_queue_cells(row.values)])
        for row in data.channels
    ]
    note = "Service level: left the queue within the time of its channel or queue. Times in minutes and seconds."
    return card("Channels", el("p", {"class": "note"}, note), card_table("Channels", head, rows))


def queues(data: ReportData) -> Html:
    """The table of queues."""
    if not data.queues:
        return card("Queues", el("p", {"class": "soft"}, "No contact was in a queue."))
    has_channels = len(data.channels) > 1
    head = ["Queue", *(["Channel"] if has_channels else []), *_QUEUE_HEAD, *(["Within"] if data.x.varies else [])]
    rows = []
    for row in data.queues:
        cells = [_channel_names(row)] if has_channels else []
        cells += [*_queue_cells(row.values), *([_within(row.x_s, "contact")] if data.x.varies else [])]
        name = name_of(row.name, row.queue_id, "queue")
        rows.append(card_row(head, name, cells, "group" if row.is_group else None))
    apart = f"{wording.plural(data.never_queued, 'more contact')} never entered a queue. " if data.never_queued else ""
    alone = f"All are of the channel {wording.channel(data.channels[0].channel)}. " if len(data.channels) == 1 else ""
    note = f"{alone}{apart}Times in minutes and seconds."
    return card("Queues", el("p", {"class": "note"}, note), card_table("Queues", head, rows))


def _channel_names(row: QueueRow) -> str:
    return ", ".join(wording.channel(channel) for channel in row.channels) or wording.NOTHING


def _within(x_s: float | None, unit: str) -> str:
    return f"by {unit}" if x_s is None else wording.duration(x_s).replace(" 00 min", "").replace(" 00 s", "")


def _queue_cells(v: Row) -> list[str]:
    rate = el("span", {"class": "rate"}, wording.percentage(v["service_level"]))
    level = rate if v["service_level"] is None else join(charts.meter(v["service_level"]), rate)
    return [
        wording.count(v["contacts_queued"]),
        level,
        wording.count(v["contacts_abandoned"]),
        wording.percentage(v["abandonment_rate"]),
        wording.clock(v["avg_queue_answer_time"]),
        wording.clock(v["queue_wait_time_p90"]),
        wording.clock(v["max_queued_time"]),
        wording.count(v["contacts_handled"]),
        wording.clock(v["avg_handle_time"]),
    ]


_AGENT_HEAD: Final = ("Handled", "Handle time", "Hold", "After work")


def agents(data: ReportData) -> Html:
    """The table of agents, each with a time line of the day."""
    title = "Agents" if data.period.has_many_days else "Agents and their day"
    if not data.agents:
        return card(title, el("p", {"class": "soft"}, "No contact reached an agent."), kind="sheet")
    has_lines = any(row.segments for row in data.agents)
    first, last = _bounds(data)
    ticks = _hour_ticks(data, first, last)
    head = [el("th", {"scope": "col"}, "Agent")]
    if has_lines:
        head.append(el("th", {"scope": "col", "class": "day", "aria-label": "Time line"}, charts.hour_scale(ticks)))
    head += [el("th", {"scope": "col"}, label) for label in _agent_head(data)]
    rows = [_agent_row(row, data, first, last, [tick.at for tick in ticks], has_lines) for row in data.agents]
    if data.agents_not_shown is not None:
        rows.append(_agent_row(data.agents_not_shown, data, first, last, [], has_lines))
    sheet = el("table", None, el("thead", None, el("tr", None, *head)), el("tbody", None, *rows))
    shown = f"The {len(data.agents)} of {data.agent_count:,} agents with most handle time. "
    note = (shown if data.agents_not_shown else "") + "Averages per contact, in minutes and seconds."
    parts = [el("p", {"class": "note"}, note)]
    if has_lines:
        has_statuses = any(segment.kind in _STATUSES for row in data.agents for segment in row.segments)
        kinds = (("contact", "on a contact"), ("hold", "hold"), ("work", "after contact work"))
        legend = (swatch(kind, text) for kind, text in (*kinds, *(_STATUSES.items() if has_statuses else ())))
        note_of_gaps = _HOLD_NOTE if has_statuses else f"{_GAPS_NOTE} {_HOLD_NOTE}"
        parts.append(el("p", {"class": "legend"}, *legend, el("span", None, note_of_gaps)))
    kind = "wide cards five" if _has_occupancy(data) else "wide cards"
    area: dict[str, Attribute] = {"class": kind, "tabindex": 0, "role": "region", "aria-label": title}
    return card(title, *parts, el("div", area, sheet), _more_agents(data), kind="sheet agents")


def _more_agents(data: ReportData) -> Html:
    """The remaining agents, one row each, behind a line that opens them."""
    if not data.agents_more:
        return Html("")
    rows = [[name_of(row.name, row.agent_id, "agent"), *_agent_cells(row, data)] for row in data.agents_more]
    summary = f"Show all agents: {len(rows):,} more"
    return el(
        "details", None, el("summary", None, summary), table("By handle time.", ["Agent", *_agent_head(data)], rows)
    )


def _agent_row(
    row: AgentRow, data: ReportData, first: float, last: float, hours: Sequence[float], has_lines: bool
) -> Html:
    team = el("span", {"class": "team"}, el("bdi", None, row.team)) if row.team else ""
    header = el("th", {"scope": "row"}, name_of(row.name, row.agent_id, "agent"), team)
    is_group = row.agent_id is None
    line = "" if is_group or not has_lines else _line(row.segments, data, first, last, hours)
    day = [el("td", {"class": "day"}, line)] if has_lines else []
    numbers = (
        el("td", {"data-label": title}, cell)
        for title, cell in zip(_agent_head(data), _agent_cells(row, data), strict=True)
    )
    return el("tr", {"class": "group" if is_group else None}, header, *day, *numbers)


def _has_occupancy(data: ReportData) -> bool:
    return any(row.occupancy is not None for row in (*data.agents, *data.agents_more))


def _agent_head(data: ReportData) -> list[str]:
    return [*_AGENT_HEAD, *(["Occupancy"] if _has_occupancy(data) else [])]


def _agent_cells(row: AgentRow, data: ReportData) -> list[str]:
    v = row.values
    return [
        wording.count(v["contacts_handled"]),
        wording.clock(v["avg_handle_time"]),
        wording.clock(v["avg_hold_time_all_contacts"]),
        wording.clock(v["avg_after_contact_work_time"]),
        *([wording.percentage(row.occupancy)] if _has_occupancy(data) else []),
    ]


def _line(segments: Sequence[DaySegment], data: ReportData, first: float, last: float, hours: Sequence[float]) -> Html:
    stretches: dict[str, list[tuple[float, float]]] = {}
    for segment in segments:
        ends = [
            ((at - data.period.since).total_seconds() - first) / (last - first) for at in (segment.since, segment.until)
        ]
        stretches.setdefault(segment.kind, []).append((ends[0], ends[1]))
    contacts = [segment for segment in segments if segment.kind not in _STATUSES]
    if not contacts:
        return charts.time_line("No contact with a time", dict(stretches), hours)
    begun, ended = min(segment.since for segment in contacts), max(segment.until for segment in contacts)
    label = (
        f"{wording.plural(len(stretches.get('contact', ())), 'contact')}, first {data.period.local(begun):%H:%M}, "
        f"last until {data.period.local(ended):%H:%M}"
    )
    return charts.time_line(label, dict(stretches), hours)


def _bounds(data: ReportData) -> tuple[float, float]:
    """The whole hours around every time line, in seconds from the period's start."""
    stretches = [segment for row in data.agents for segment in row.segments]
    if not stretches:
        return 0.0, (data.period.until - data.period.since).total_seconds()
    begun = min(segment.since for segment in stretches) - data.period.since
    ended = max(segment.until for segment in stretches) - data.period.since
    hour = timedelta(hours=1)
    return (begun // hour) * 3600.0, -(-ended // hour) * 3600.0


def _hour_ticks(data: ReportData, first: float, last: float) -> list[charts.Tick]:
    hours = round((last - first) / 3600)
    step = next(
        hours_per_tick for hours_per_tick in (1, 2, 3, 4, 6) if hours / hours_per_tick <= 13 or hours_per_tick == 6
    )
    return [
        charts.Tick(
            n / hours,
            short_time(f"{data.period.local(data.period.since + timedelta(seconds=first + n * 3600)):%H:%M}"),
            is_minor=n // step % 2 == 1,
        )
        for n in range(0, hours + 1, step)
    ]
