"""The report's charts: service level and arrivals over the day, waiting and handle times, abandonment."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.serve.report import charts, wording
from trunkline.serve.report.data import WORTH_NAMING, ReportData, Slot
from trunkline.serve.report.markup import Html, card, el, short_time, swatch, table
from trunkline.serve.report.waits import Bin, Distribution


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
    legend = [
        swatch(
            "line-dot", f"service level, larger where more contacts (no line under {few:.0f}); dotted: all day, {level}"
        )
    ]
    legend.append(swatch("bar", "arrivals"))
    if data.has_before:
        legend.append(swatch("before", f"both on {data.period.previous.name}"))
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
        charts.Tick(place / len(slots), short_time(slots[place].label), is_minor=bool(n % 2))
        for n, place in enumerate(places)
    ]


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
    return el("details", None, el("summary", None, "Numbers behind these charts"), table(note, head, rows))


def distributions(data: ReportData) -> Html:
    """Waits, handle times, and who gave up after how long, side by side."""
    x = data.x.default
    within = f"Darker: less than {x:g} s. " if any(one.high_s == x for one in data.waits.bins) else ""
    gone = data.waits.abandoned
    return el(
        "div",
        {"class": "three"},
        _distribution("waits", "Waiting times", data.waits, "waited", within, faint_from_s=x),
        _distribution("handled", "Handle times", data.handle_times, "took"),
        _abandonment(data.waits.bins, gone),
    )


def _distribution(
    identity: str, title: str, of: Distribution, verb: str, lead: str = "", faint_from_s: float | None = None
) -> Html:
    if not of.contacts:
        return card(title, el("p", {"class": "soft"}, "No contact has such a time."))
    said = (
        f"Half {verb} {wording.duration(of.p50_s)} or less, 9 of 10 up to {wording.duration(of.p90_s)}, "
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
    rows = [[one.label, f"{one.contacts:,}", wording.percentage(one.contacts * 100 / of.contacts)] for one in of.bins]
    return card(
        title,
        charts.histogram(identity, title, said, bars, _edges(of.bins)),
        el("p", {"class": "note"}, lead + said),
        el("details", None, el("summary", None, "Numbers"), table(title, ["Time", "Contacts", "Share"], rows)),
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
        (one for one in bins if one.contacts >= WORTH_NAMING),
        key=lambda one: one.abandoned / one.contacts,
        default=None,
    )
    said = f"{wording.plural(gone, 'contact')} gave up, by how long they had waited."
    if worst is not None and worst.abandoned:
        said += f" Likeliest at a wait of {worst.label}: {_share(worst)}."
    rows = [[one.label, f"{one.abandoned:,}", _share(one)] for one in bins]
    head = ["Wait", "Gave up", "Of such waits"]
    return card(
        title,
        charts.histogram("gone", title, said, bars, _edges(bins)),
        el("p", {"class": "note"}, said),
        el("details", None, el("summary", None, "Numbers"), table(title, head, rows)),
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
