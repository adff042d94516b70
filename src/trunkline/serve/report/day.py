"""The report's charts: service level and arrivals over the day, waiting and handle times, abandonment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from trunkline.serve.report import charts, wording
from trunkline.serve.report.data import FEW, WORTH_NAMING, ReportData
from trunkline.serve.report.markup import Html, card, el, short_time, swatch, table
from trunkline.serve.report.waits import Bin, Distribution

_WIDTHS: Final = {30: "half hour", 60: "hour", 1440: "day"}


def half_hours(data: ReportData) -> Html:
    """Service level and arrivals over the same half hours, hours or days, with a table of the numbers."""
    width = _WIDTHS[data.slot_minutes]
    title = f"Service level and arrivals by {width}"
    if not data.slots:
        return card(title, el("p", {"class": "soft"}, "No contact was in a queue."))
    most = max(slot.queued for slot in data.slots) or 1
    # The rate of a few contacts at night jumps between 0 and 100; a line through it would distract from the day.
    few = max(float(FEW), most * 0.03)
    dots = [
        charts.Dot(
            slot.service_level,
            f"{slot.label}: service level {wording.percentage(slot.service_level)} of {slot.queued:,} contacts",
            slot.queued / most,
            slot.queued < few,
        )
        for slot in data.slots
    ]
    bars = [
        charts.Bar(slot.arrivals, "", f"{slot.label}: {slot.arrivals:,} contacts arrived", slot.arrivals < FEW)
        for slot in data.slots
    ]
    level = wording.percentage(data.total["service_level"])
    axis = time_axis([slot.at for slot in data.slots], data.slot_minutes, data.period.has_many_days)
    return card(
        title,
        _legend(data, few, level),
        charts.rate_line(
            "level",
            f"Service level by {width}",
            f"Between {data.slots[0].label} and {data.slots[-1].label}; {level} over the whole period, "
            f"{data.goal:g}% is the goal.",
            dots,
            [slot.service_level_before if slot.queued_before >= few else None for slot in data.slots],
            data.total["service_level"],
            data.goal,
            axis,
            130,
        ),
        charts.columns(
            "arrivals",
            f"Arrivals by {width}",
            f"{sum(slot.arrivals for slot in data.slots):,} contacts entered a queue; the busiest {width} had "
            f"{max(slot.arrivals for slot in data.slots):,}.",
            bars,
            [slot.arrivals_before for slot in data.slots],
            axis,
            120,
        ),
        _slot_table(data),
        kind="hours",
    )


def _legend(data: ReportData, few: float, level: str) -> Html:
    whole = "whole period" if data.period.has_many_days else "all day"
    marks = [
        swatch("line-dot", f"service level, larger where more contacts; grey and without line under {few:.0f}"),
        swatch("mean", f"{whole}, {level}"),
        swatch("goal", f"goal, {data.goal:g}%"),
        swatch("bar", f"arrivals, pale under {FEW}"),
    ]
    if data.has_before:
        marks.append(swatch("before", f"both {'on' if data.period.day else 'in'} {data.period.previous.name}"))
    return el("p", {"class": "legend"}, *marks)


def time_axis(starts: Sequence[datetime], minutes: int, has_many_days: bool) -> charts.TimeAxis:
    """The axis of intervals that begin at these local times: hours of a day, days of a week, weeks of a month."""
    if not has_many_days:
        return charts.TimeAxis(_hour_ticks(starts))
    if minutes < 1440:
        return _day_axis(starts)
    if len(starts) <= 16:
        step = 1 if len(starts) <= 8 else 2
        return charts.TimeAxis(
            [
                charts.Tick((n + 0.5) / len(starts), f"{at:%a} {at.day}", is_minor=bool(n // step % 2))
                for n, at in enumerate(starts)
                if n % step == 0
            ]
        )
    mondays = [n for n, at in enumerate(starts) if at.weekday() == 0]
    ticks = [charts.Tick((n + 0.5) / len(starts), f"{starts[n]:%a} {starts[n].day} {starts[n]:%b}") for n in mondays]
    return charts.TimeAxis(ticks, [n / len(starts) for n in mondays if n])


def _hour_ticks(starts: Sequence[datetime]) -> list[charts.Tick]:
    count = len(starts)
    every = next(step for step in (1, 2, 3, 4, 6, 12, 24, 48) if count / step <= 16 or step == 48)
    whole = [place for place, at in enumerate(starts) if at.minute == 0]
    chosen = whole[:: max(1, every // 2)] if len(whole) * 2 > count * 0.9 and count > 16 else list(whole)
    places = chosen or list(range(0, count, every))
    return [
        charts.Tick(place / count, short_time(f"{starts[place]:%H:%M}"), is_minor=bool(n % 2))
        for n, place in enumerate(places)
    ]


def _day_axis(starts: Sequence[datetime]) -> charts.TimeAxis:
    """A label in the middle of each day, and rules between days. A day of which little is shown has no label."""
    count = len(starts)
    places: dict[date, list[int]] = {}
    for place, at in enumerate(starts):
        places.setdefault(at.date(), []).append(place)
    long = [(day, of_day) for day, of_day in places.items() if len(of_day) > count / 32]
    step = 1 if len(long) <= 8 else 2
    ticks = [
        charts.Tick(
            (of_day[0] + of_day[-1] + 1) / 2 / count, f"{day:%a} {day.day}", is_minor=len(long) > 5 and bool(n % 2)
        )
        for n, (day, of_day) in enumerate(long)
        if n % step == 0
    ]
    return charts.TimeAxis(ticks, [of_day[0] / count for of_day in places.values() if of_day[0]])


def _slot_table(data: ReportData) -> Html:
    before = "Day before" if data.period.day is not None else "Period before"
    head = ["From", "Arrivals", before, "Ended, queued", "Service level", before]
    rows = [
        [
            slot.label,
            f"{slot.arrivals:,}",
            wording.count(slot.arrivals_before),
            f"{slot.queued:,}",
            wording.percentage(slot.service_level),
            wording.percentage(slot.service_level_before),
        ]
        for slot in data.slots
    ]
    note = (
        "Arrivals by when a contact entered its queue; service level, as Amazon counts it, by when contacts ended. "
        f"Grey: under {FEW} contacts."
    )
    muted = [max(slot.queued, slot.arrivals) < FEW for slot in data.slots]
    return el("details", None, el("summary", None, "Numbers behind these charts"), table(note, head, rows, muted))


def distributions(data: ReportData) -> Html:
    """Waiting times, handle times, and abandonment by waiting time, side by side."""
    x = data.x.default
    within = f"Darker: less than {x:g} s. " if any(wait_bin.high_s == x for wait_bin in data.waits.bins) else ""
    return el(
        "div",
        {"class": "three"},
        _distribution("waits", "Waiting times", data.waits, "waited", within, faint_from_s=x),
        _distribution("handled", "Handle times", data.handle_times, "took"),
        _abandonment(data.waits),
    )


def _distribution(
    identity: str, title: str, of: Distribution, verb: str, lead: str = "", faint_from_s: float | None = None
) -> Html:
    if not of.contacts:
        return card(title, el("p", {"class": "soft"}, "No contact has such a time."))
    text = (
        f"Half {verb} {wording.duration(of.p50_s)} or less, 9 of 10 up to {wording.duration(of.p90_s)}, "
        f"19 of 20 up to {wording.duration(of.p95_s)}."
    )
    bars = [
        charts.Bar(
            time_bin.contacts,
            _above(time_bin.contacts, of.bins),
            f"{time_bin.label}: {time_bin.contacts:,} contacts, {_share(time_bin.contacts, of.contacts)}",
            faint_from_s is not None and time_bin.low_s >= faint_from_s,
        )
        for time_bin in of.bins
    ]
    rows = [[time_bin.label, f"{time_bin.contacts:,}", _share(time_bin.contacts, of.contacts)] for time_bin in of.bins]
    return card(
        title,
        charts.histogram(identity, title, text, bars, _edges(of.bins)),
        el("p", {"class": "note"}, lead + text),
        el("details", None, el("summary", None, "Numbers"), table(title, ["Time", "Contacts", "Share"], rows)),
    )


def _abandonment(of: Distribution) -> Html:
    title, bins = "Abandoned after", of.bins
    if not of.abandoned:
        return card(title, el("p", {"class": "soft"}, "No contact abandoned."))
    bars = [
        charts.Bar(
            wait_bin.abandoned,
            _above(wait_bin.abandoned, bins),
            f"{wait_bin.label}: {wait_bin.abandoned:,} gave up, {_share(wait_bin.abandoned, wait_bin.contacts)} of "
            f"{wait_bin.contacts:,} contacts with such a wait",
        )
        for wait_bin in bins
    ]
    worst = max(
        (wait_bin for wait_bin in bins if wait_bin.contacts >= WORTH_NAMING),
        key=lambda wait_bin: wait_bin.abandoned / wait_bin.contacts,
        default=None,
    )
    text = f"{wording.plural(of.abandoned, 'contact')} gave up, by how long they had waited."
    if of.untimed:
        text += f" {of.untimed:,} of them without a recorded wait."
    if worst is not None and worst.abandoned:
        text += f" Most likely after a wait of {worst.label}: {_share(worst.abandoned, worst.contacts)}."
    rows = [
        [wait_bin.label, f"{wait_bin.abandoned:,}", _share(wait_bin.abandoned, wait_bin.contacts)] for wait_bin in bins
    ]
    if of.untimed:
        rows.append(["not recorded", f"{of.untimed:,}", wording.NOTHING])
    head = ["Wait", "Gave up", "Of such waits"]
    return card(
        title,
        charts.histogram("abandoned", title, text, bars, _edges(bins)),
        el("p", {"class": "note"}, text),
        el("details", None, el("summary", None, "Numbers"), table(title, head, rows)),
        kind="warm",
    )


def _above(contacts: int, bins: Sequence[Bin]) -> str:
    return wording.short_count(contacts) if len(bins) > 9 else wording.count(contacts)


def _share(part: int, whole: int) -> str:
    return wording.percentage(part * 100 / whole if whole else None)


def _edges(bins: Sequence[Bin]) -> list[charts.Tick]:
    every = 1 if len(bins) <= 10 else 2
    return [
        charts.Tick(place / len(bins), time_bin.axis, is_minor=len(bins) > 6 and bool(place // every % 2))
        for place, time_bin in enumerate(bins)
        if place % every == 0
    ]
