"""The report's tables: queues, and agents with a time line of their day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trunkline.serve.report import charts, wording
from trunkline.serve.report.agents import AgentRow, DaySegment
from trunkline.serve.report.data import QueueRow, ReportData
from trunkline.serve.report.markup import Attribute, Html, card, el, join, name_of, short_time, swatch

_GAPS_NOTE: Final = (
    "Gaps are unknown: contact records have no status such as Available or Break. Of a hold only the length is "
    "recorded, so it is drawn in the middle of its contact."
)


def queues(data: ReportData) -> Html:
    """The table of queues."""
    if not data.queues:
        return card("Queues", el("p", {"class": "soft"}, "No contact was in a queue."))
    head = [
        "Queue",
        "Queued",
        "Service level",
        "Abandoned",
        "Rate",
        "Speed of answer",
        "9 of 10 waited",
        "Longest wait",
    ]
    head += ["Handled", "Handle time"] + (["X"] if data.x.by_queue else [])
    rows = (_queue_row(row, bool(data.x.by_queue)) for row in data.queues)
    apart = f"{wording.plural(data.never_queued, 'more contact')} never entered a queue. " if data.never_queued else ""
    note = f"{apart}Times in minutes and seconds."
    table = el(
        "table",
        None,
        el("thead", None, el("tr", None, *(el("th", {"scope": "col"}, title) for title in head))),
        el("tbody", None, *rows),
    )
    area: dict[str, Attribute] = {"class": "wide", "tabindex": 0, "role": "region", "aria-label": "Queues"}
    return card("Queues", el("p", {"class": "note"}, note), el("div", area, table))


def _queue_row(row: QueueRow, shows_x: bool) -> Html:
    v = row.values
    rate = el("span", {"class": "rate"}, wording.percentage(v["service_level"]))
    level = rate if v["service_level"] is None else join(charts.meter(v["service_level"]), rate)
    cells = [
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
    if shows_x:
        cells.append("per queue" if row.x_s is None else f"{row.x_s:g} s")
    header = el("th", {"scope": "row"}, name_of(row.name, row.queue_id, "queue"))
    return el("tr", {"class": "group" if row.is_group else None}, header, *(el("td", None, cell) for cell in cells))


def agents(data: ReportData) -> Html:
    """The table of agents, each with a time line of the day."""
    title = "Agents and their day"
    if not data.agents:
        return card(title, el("p", {"class": "soft"}, "No contact reached an agent."), kind="sheet")
    has_lines = any(row.segments for row in data.agents)
    first, last = _bounds(data)
    ticks = _hour_ticks(data, first, last)
    head = [el("th", {"scope": "col"}, "Agent")]
    if has_lines:
        head.append(el("th", {"scope": "col", "class": "day", "aria-label": "Time line"}, charts.hour_scale(ticks)))
    head += [el("th", {"scope": "col"}, label) for label in ("Handled", "Handle time", "Hold", "After work")]
    rows = [_agent_row(row, data, first, last, [tick.at for tick in ticks], has_lines) for row in data.agents]
    if data.agents_not_shown is not None:
        rows.append(_agent_row(data.agents_not_shown, data, first, last, [], has_lines))
    table = el("table", None, el("thead", None, el("tr", None, *head)), el("tbody", None, *rows))
    shown = f"The {len(data.agents)} of {data.agent_count:,} agents with most handle time. "
    note = (shown if data.agents_not_shown else "") + "Averages per contact, in minutes and seconds."
    parts = [el("p", {"class": "note"}, note)]
    if has_lines:
        kinds = (("contact", "on a contact"), ("hold", "hold"), ("work", "after contact work"))
        legend = (swatch(kind, text) for kind, text in kinds)
        parts.append(el("p", {"class": "legend"}, *legend, el("span", None, _GAPS_NOTE)))
    area: dict[str, Attribute] = {"class": "wide", "tabindex": 0, "role": "region", "aria-label": title}
    return card(title, *parts, el("div", area, table), kind="sheet agents")


def _agent_row(
    row: AgentRow, data: ReportData, first: float, last: float, hours: Sequence[float], has_lines: bool
) -> Html:
    v = row.values
    cells = [
        wording.count(v["contacts_handled"]),
        wording.clock(v["avg_handle_time"]),
        wording.clock(v["avg_hold_time_all_contacts"]),
        wording.clock(v["avg_after_contact_work_time"]),
    ]
    header = el("th", {"scope": "row"}, name_of(row.name, row.agent_id, "agent"))
    is_group = row.agent_id is None
    line = "" if is_group or not has_lines else _line(row.segments, data, first, last, hours)
    day = [el("td", {"class": "day"}, line)] if has_lines else []
    numbers = (el("td", None, cell) for cell in cells)
    return el("tr", {"class": "group" if is_group else None}, header, *day, *numbers)


def _line(segments: Sequence[DaySegment], data: ReportData, first: float, last: float, hours: Sequence[float]) -> Html:
    stretches: dict[str, list[tuple[float, float]]] = {}
    for segment in segments:
        ends = [
            ((at - data.period.since).total_seconds() - first) / (last - first) for at in (segment.since, segment.until)
        ]
        stretches.setdefault(segment.kind, []).append((ends[0], ends[1]))
    if not segments:
        return charts.time_line("No contact with a time", {}, hours)
    begun, ended = min(segment.since for segment in segments), max(segment.until for segment in segments)
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
