"""The parts of the report's page that are about the day: headline, what stood out, charts, queues, agents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from trunkline.serve import report_charts as charts
from trunkline.serve import wording
from trunkline.serve.headline import Headline
from trunkline.serve.markup import Html, el, join
from trunkline.serve.report_agents import AgentRow, Segment
from trunkline.serve.report_data import WORTH_NAMING, QueueRow, ReportData, Slot
from trunkline.serve.report_waits import Bin, Distribution

HEROES = 4


def card(title: str, *children: str, kind: str = "", tag: str = "section") -> Html:
    """A framed part of the page under its own heading."""
    return el(tag, {"class": f"card {kind}".strip()}, el("h2", None, title), *children)


def name_of(name: str | None, identity: str | None, kind: str) -> Html:
    """A name in its own reading direction, cut short by the page where it is long; `unnamed queue 1a2b3c4d`."""
    shown = name if name and name.strip() else f"unnamed {kind} {(identity or '')[-8:]}".strip()
    return el("span", {"class": "name", "title": shown}, el("bdi", None, shown))


def tiles(data: ReportData) -> Html:
    """The headline numbers; the first few larger."""
    return el("dl", {"class": "tiles"}, *(_tile(one, place < HEROES) for place, one in enumerate(data.headline)))


def _tile(one: Headline, is_hero: bool) -> Html:
    change = [one.change]
    if one.tone:
        change.append(el("span", {"class": one.tone}, f" {one.tone}"))
    return el(
        "div",
        {"class": "tile hero" if is_hero else "tile", "title": one.meaning},
        el("dt", None, one.label),
        el("dd", {"class": "value"}, one.value),
        el("dd", {"class": "change"}, *change),
    )


def stood_out(data: ReportData) -> Html:
    """What a lead would look at first: the busiest and the worst half hour, the worst queues."""
    least = max(WORTH_NAMING, data.total["contacts_queued"] / 100)
    slots = [one for one in data.slots if one.queued >= least and one.service_level is not None]
    queues = [one for one in data.queues if one.values["contacts_queued"] >= least]
    items: list[Html] = []
    if data.slots:
        busiest = max(data.slots, key=lambda one: one.arrivals)
        items.append(_item("Busiest", f"{_span(busiest, data)}", f"{busiest.arrivals:,} contacts entered a queue"))
    if len(slots) > 1:
        worst = min(slots, key=lambda one: one.service_level or 0)
        level = wording.percentage(worst.service_level)
        items.append(_item("Lowest service level", _span(worst, data), f"{level} of {worst.queued:,} contacts"))
    if len(queues) > 1:
        slow = min(queues, key=lambda one: one.values["service_level"] or 0)
        level = wording.percentage(slow.values["service_level"])
        items.append(_item("Slowest queue", _plain(slow), f"{level} service level"))
        lost = max(queues, key=lambda one: one.values["abandonment_rate"] or 0)
        if lost.values["contacts_abandoned"]:
            rate = wording.percentage(lost.values["abandonment_rate"])
            gone = f"{rate} gave up ({lost.values['contacts_abandoned']:,})"
            items.append(_item("Most abandoned queue", _plain(lost), gone))
    return card("What stood out", el("ul", {"class": "stood", "style": "margin-top:8px"}, *items)) if items else Html("")


def _item(label: str, what: str, detail: str) -> Html:
    return el("li", None, el("span", None, label), el("strong", None, el("bdi", None, what)), el("span", None, detail))


def _plain(row: QueueRow) -> str:
    name = row.name if row.name and row.name.strip() else f"unnamed queue {(row.queue_id or '')[-8:]}"
    return name if len(name) <= 40 else name[:39] + "\u2026"


def _span(slot: Slot, data: ReportData) -> str:
    places = [place for place, one in enumerate(data.slots) if one is slot]
    following = places[0] + 1
    if following < len(data.slots):
        return f"{slot.label}\u2013{data.slots[following].label}"
    return f"from {slot.label}"


def half_hours(data: ReportData) -> Html:
    """Service level and arrivals over the same hours, with the numbers behind them."""
    width = "half hour" if data.slot_minutes == 30 else "hour"
    title = f"Service level and arrivals by {width}"
    if not data.slots:
        return card(title, el("p", {"class": "soft"}, "No contact was in a queue."))
    most = max(one.queued for one in data.slots) or 1
    # The rate of a few contacts at night jumps from 0 to 100; a line through it would hide the day.
    few = max(3.0, most * 0.03)
    dots = [
        charts.Dot(
            one.service_level,
            f"{one.label}: service level {wording.percentage(one.service_level)} of {one.queued:,} contacts",
            one.queued / most,
            one.queued < few,
        )
        for one in data.slots
    ]
    bars = [charts.Bar(one.arrivals, "", f"{one.label}: {one.arrivals:,} contacts arrived") for one in data.slots]
    level = wording.percentage(data.total["service_level"])
    legend = [_swatch("line-dot", f"service level, larger where more contacts (no line under {few:.0f}); dotted: all day, {level}")]
    legend.append(_swatch("bar", "arrivals"))
    if data.has_before:
        legend.append(_swatch("before", f"both on {data.period.previous.name}"))
    return card(
        title,
        el("p", {"class": "legend"}, *legend),
        charts.rate_line(
            "level",
            f"Service level by {width}",
            f"Between {dots[0].title.split(':')[0]} and {dots[-1].title.split(':')[0]}; {level} over the whole period.",
            dots,
            [one.service_level_before if one.queued_before >= few else None for one in data.slots],
            data.total["service_level"],
            130,
        ),
        charts.columns(
            "arrivals",
            f"Arrivals by {width}",
            f"{sum(one.arrivals for one in data.slots):,} contacts entered a queue; the busiest {width} had "
            f"{max(one.arrivals for one in data.slots):,}.",
            bars,
            [one.arrivals_before for one in data.slots],
            _slot_ticks(data.slots),
            120,
        ),
        _slot_table(data),
        kind="hours",
    )


def _slot_ticks(slots: Sequence[Slot]) -> list[charts.Tick]:
    every = next(step for step in (1, 2, 3, 4, 6, 12, 24, 48) if len(slots) / step <= 16 or step == 48)
    whole = [place for place, one in enumerate(slots) if one.label.endswith(":00")]
    chosen = whole[:: max(1, every // 2)] if len(whole) * 2 > len(slots) * 0.9 and len(slots) > 16 else list(whole)
    places = chosen or list(range(0, len(slots), every))
    return [
        charts.Tick(place / len(slots), _short(slots[place].label), is_minor=bool(n % 2)) for n, place in enumerate(places)
    ]


def _short(label: str) -> str:
    return label.removesuffix(":00")


def _slot_table(data: ReportData) -> Html:
    head = ["From", "Arrivals", "Day before", "Ended, queued", "Service level", "Day before"]
    rows = [
        [
            one.label,
            f"{one.arrivals:,}",
            wording.count(one.arrivals_before),
            f"{one.queued:,}",
            wording.percentage(one.service_level),
            wording.percentage(one.service_level_before),
        ]
        for one in data.slots
    ]
    note = "Arrivals by when a contact entered its queue; service level, as Amazon counts it, by when contacts ended."
    return el("details", None, el("summary", None, "Numbers behind these charts"), _table(note, head, rows))


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    columns = (el("th", {"scope": "col"}, one) for one in head)
    body = (
        el("tr", None, el("th", {"scope": "row"}, row[0]), *(el("td", None, cell) for cell in row[1:])) for row in rows
    )
    table = el(
        "table",
        None,
        el("caption", None, caption),
        el("thead", None, el("tr", None, *columns)),
        el("tbody", None, *body),
    )
    return el("div", {"class": "wide"}, table)


def distributions(data: ReportData) -> Html:
    """Waits, handle times, and who gave up after how long, side by side."""
    x = data.x.default
    within = f"Darker: less than {x:g} s. " if any(one.high_s == x for one in data.waits.bins) else ""
    gone = data.waits.abandoned
    return el(
        "div",
        {"class": "three"},
        _distribution("waits", "Waiting times", data.waits, within, faint_from_s=x),
        _distribution("handled", "Handle times", data.handle_times, ""),
        _abandonment(data.waits.bins, gone),
    )


def _distribution(
    identity: str, title: str, of: Distribution, lead: str, faint_from_s: float | None = None
) -> Html:
    if not of.contacts:
        return card(title, el("p", {"class": "soft"}, "No contact has such a time."))
    said = (
        f"Half took {wording.duration(of.p50_s)} or less, 9 of 10 up to {wording.duration(of.p90_s)}, "
        f"19 of 20 up to {wording.duration(of.p95_s)}."
    )
    bars = [
        charts.Bar(
            one.contacts,
            wording.count(one.contacts),
            f"{one.label}: {one.contacts:,} contacts, {wording.percentage(one.contacts * 100 / of.contacts)}",
            faint_from_s is not None and one.low_s >= faint_from_s,
        )
        for one in of.bins
    ]
    rows = [
        [one.label, f"{one.contacts:,}", wording.percentage(one.contacts * 100 / of.contacts)] for one in of.bins
    ]
    return card(
        title,
        charts.histogram(identity, title, said, bars, _edges(of.bins)),
        el("p", {"class": "note"}, lead + said),
        el("details", None, el("summary", None, "Numbers"), _table(title, ["Time", "Contacts", "Share"], rows)),
    )


def _abandonment(bins: Sequence[Bin], gone: int) -> Html:
    title = "Abandoned after"
    if not gone:
        return card(title, el("p", {"class": "soft"}, "No contact abandoned."))
    bars = [
        charts.Bar(
            one.abandoned,
            wording.count(one.abandoned),
            f"{one.label}: {one.abandoned:,} gave up, {_share(one)} of {one.contacts:,} contacts with such a wait",
        )
        for one in bins
    ]
    worst = max(
        (one for one in bins if one.contacts >= WORTH_NAMING), key=lambda one: one.abandoned / one.contacts, default=None
    )
    said = f"{wording.plural(gone, 'contact')} gave up, by how long they had waited."
    if worst is not None and worst.abandoned:
        said += f" Of waits of {worst.label}, {_share(worst)} ended so."
    rows = [[one.label, f"{one.abandoned:,}", _share(one)] for one in bins]
    head = ["Wait", "Gave up", "Of such waits"]
    return card(
        title,
        charts.histogram("gone", title, said, bars, _edges(bins)),
        el("p", {"class": "note"}, said),
        el("details", None, el("summary", None, "Numbers"), _table(title, head, rows)),
        kind="warm",
    )


def _share(one: Bin) -> str:
    return wording.percentage(one.abandoned * 100 / one.contacts if one.contacts else None)


def _edges(bins: Sequence[Bin]) -> list[charts.Tick]:
    every = 1 if len(bins) <= 10 else 2
    return [
        charts.Tick(place / len(bins), one.axis, is_minor=len(bins) > 6 and bool(place // every % 2))
        for place, one in enumerate(bins)
        if place % every == 0
    ]


def queues(data: ReportData) -> Html:
    """The table of queues."""
    if not data.queues:
        return card("Queues", el("p", {"class": "soft"}, "No contact was in a queue."))
    head = ["Queue", "Queued", "Service level", "Abandoned", "Rate", "Speed of answer", "9 of 10 waited", "Longest wait"]
    head += ["Handled", "Handle time"] + (["X"] if data.x.by_queue else [])
    rows = (_queue_row(one, bool(data.x.by_queue)) for one in data.queues)
    note = (
        f"{wording.plural(data.never_queued, 'contact')} of the day {'was' if data.never_queued == 1 else 'were'} never "
        "in a queue. Times in minutes and seconds."
    )
    table = el(
        "table",
        None,
        el("thead", None, el("tr", None, *(el("th", {"scope": "col"}, one) for one in head))),
        el("tbody", None, *rows),
    )
    area = {"class": "wide", "tabindex": 0, "role": "region", "aria-label": "Queues"}
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
        cells.append("each its own" if row.x_s is None else f"{row.x_s:g} s")
    header = el("th", {"scope": "row"}, name_of(row.name, row.queue_id, "queue"))
    return el("tr", {"class": "group" if row.is_group else None}, header, *(el("td", None, one) for one in cells))


def agents(data: ReportData) -> Html:
    """The table of agents, each with their day as a time line."""
    title = "Agents and their day"
    if not data.agents:
        return card(title, el("p", {"class": "soft"}, "No contact reached an agent."), kind="sheet")
    has_lines = any(one.segments for one in data.agents)
    first, last = _bounds(data)
    ticks = _hour_ticks(data, first, last)
    head = [el("th", {"scope": "col"}, "Agent")]
    if has_lines:
        head.append(el("th", {"scope": "col", "class": "day", "aria-label": "Time line"}, charts.hour_scale(ticks)))
    head += [el("th", {"scope": "col"}, one) for one in ("Handled", "Handle time", "Hold", "After work")]
    rows = [_agent_row(one, data, first, last, [tick.at for tick in ticks], has_lines) for one in data.agents]
    if data.agents_not_shown is not None:
        rows.append(_agent_row(data.agents_not_shown, data, first, last, [], has_lines))
    table = el("table", None, el("thead", None, el("tr", None, *head)), el("tbody", None, *rows))
    shown = f"The {len(data.agents)} of {data.agent_count:,} agents with most handle time. "
    note = (shown if data.agents_not_shown else "") + "Averages per contact, in minutes and seconds."
    parts = [el("p", {"class": "note"}, note)]
    if has_lines:
        kinds = (("contact", "on a contact"), ("hold", "hold"), ("work", "after contact work"))
        legend = (_swatch(kind, text) for kind, text in kinds)
        parts.append(el("p", {"class": "legend"}, *legend, el("span", None, _HONEST)))
    area = {"class": "wide", "tabindex": 0, "role": "region", "aria-label": title}
    return card(title, *parts, el("div", area, table), kind="sheet agents")


_HONEST = (
    "Between them nothing is known: contact records hold no status such as Available or Break, and of a hold only its "
    "length, so it is drawn in the middle of its contact."
)


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
    numbers = (el("td", None, one) for one in cells)
    return el("tr", {"class": "group" if is_group else None}, header, *day, *numbers)


def _line(segments: Sequence[Segment], data: ReportData, first: float, last: float, hours: Sequence[float]) -> Html:
    stretches: dict[str, list[tuple[float, float]]] = {}
    for one in segments:
        ends = [((at - data.period.since).total_seconds() - first) / (last - first) for at in (one.since, one.until)]
        stretches.setdefault(one.kind, []).append((ends[0], ends[1]))
    if not segments:
        return charts.time_line("No contact with a time", {}, hours)
    begun, ended = min(one.since for one in segments), max(one.until for one in segments)
    label = (
        f"{wording.plural(len(stretches.get('contact', ())), 'contact')}, first {data.period.local(begun):%H:%M}, "
        f"last until {data.period.local(ended):%H:%M}"
    )
    return charts.time_line(label, dict(stretches), hours)


def _bounds(data: ReportData) -> tuple[float, float]:
    """The whole hours around every time line, in seconds from the period's start."""
    stretches = [one for row in data.agents for one in row.segments]
    if not stretches:
        return 0.0, (data.period.until - data.period.since).total_seconds()
    begun = min(one.since for one in stretches) - data.period.since
    ended = max(one.until for one in stretches) - data.period.since
    hour = timedelta(hours=1)
    return (begun // hour) * 3600.0, -(-ended // hour) * 3600.0


def _hour_ticks(data: ReportData, first: float, last: float) -> list[charts.Tick]:
    hours = round((last - first) / 3600)
    step = next(one for one in (1, 2, 3, 4, 6) if hours / one <= 13 or one == 6)
    return [
        charts.Tick(
            n / hours,
            _short(f"{data.period.local(data.period.since + timedelta(seconds=first + n * 3600)):%H:%M}"),
            is_minor=n // step % 2 == 1,
        )
        for n in range(0, hours + 1, step)
    ]


def _swatch(kind: str, label: str) -> Html:
    marks = {
        "bar": [el("rect", {"class": "bar", "x": 4, "y": 0, "width": 8, "height": 11, "rx": 1.5})],
        "line-dot": [
            el("path", {"class": "line", "d": "M0 6H18"}),
            el("circle", {"class": "dot", "cx": 9, "cy": 6, "r": 4}),
        ],
        "before": [el("path", {"class": "before", "d": "M0 6H18"})],
        "contact": [el("rect", {"class": "contact", "y": 0, "width": 18, "height": 12})],
        "hold": [
            el("rect", {"class": "contact", "y": 0, "width": 18, "height": 12}),
            el("rect", {"class": "hold", "x": 4, "y": 4, "width": 10, "height": 4}),
        ],
        "work": [el("rect", {"class": "work", "y": 7, "width": 18, "height": 5})],
    }
    picture = el("svg", {"width": 18, "height": 12, "aria-hidden": "true"}, *marks[kind])
    return el("span", None, picture, label)
