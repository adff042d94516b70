"""The report's charts: service level and arrivals over the day, waiting and handle times, abandonment."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.serve.report import charts, wording
from trunkline.serve.report.data import WORTH_NAMING, ReportData, Slot
from trunkline.serve.report.markup import Html, card, el, short_time, swatch, table
from trunkline.serve.report.waits import Bin, Distribution


def half_hours(data: ReportData) -> Html:
    """Service level and arrivals over the same hours, with a table of the numbers."""
    width = "half hour" if data.slot_minutes == 30 else "hour"
    title = f"Service level and arrivals by {width}"
    if not data.slots:
        return card(title, el("p", {"class": "soft"}, "No contact was in a queue."))
    most = max(slot.queued for slot in data.slots) or 1
    # The rate of a few contacts at night jumps between 0 and 100; a line through it would distract from the day.
    few = max(3.0, most * 0.03)
    dots = [
        charts.Dot(
            slot.service_level,
            f"{slot.label}: service level {wording.percentage(slot.service_level)} of {slot.queued:,} contacts",
            slot.queued / most,
            slot.queued < few,
        )
        for slot in data.slots
    ]
    bars = [charts.Bar(slot.arrivals, "", f"{slot.label}: {slot.arrivals:,} contacts arrived") for slot in data.slots]
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
            [slot.service_level_before if slot.queued_before >= few else None for slot in data.slots],
            data.total["service_level"],
            130,
        ),
        charts.columns(
            "arrivals",
            f"Arrivals by {width}",
            f"{sum(slot.arrivals for slot in data.slots):,} contacts entered a queue; the busiest {width} had "
            f"{max(slot.arrivals for slot in data.slots):,}.",
            bars,
            [slot.arrivals_before for slot in data.slots],
            _slot_ticks(data.slots),
            120,
        ),
        _slot_table(data),
        kind="hours",
    )


def _slot_ticks(slots: Sequence[Slot]) -> list[charts.Tick]:
    every = next(step for step in (1, 2, 3, 4, 6, 12, 24, 48) if len(slots) / step <= 16 or step == 48)
    whole = [place for place, slot in enumerate(slots) if slot.label.endswith(":00")]
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
            slot.label,
            f"{slot.arrivals:,}",
            wording.count(slot.arrivals_before),
            f"{slot.queued:,}",
            wording.percentage(slot.service_level),
            wording.percentage(slot.service_level_before),
        ]
        for slot in data.slots
    ]
    note = "Arrivals by when a contact entered its queue; service level, as Amazon counts it, by when contacts ended."
    return el("details", None, el("summary", None, "Numbers behind these charts"), table(note, head, rows))


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
            wording.count(time_bin.contacts),
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


def _abandonment(waits: Distribution) -> Html:
    title, bins, abandoned = "Abandoned after", waits.bins, waits.abandoned
    untimed = f" Of {wording.plural(waits.untimed, 'more contact')} that gave up the wait is unknown."
    untimed = untimed if waits.untimed else ""
    if not abandoned:
        return card(
            title,
            el(
                "p",
                {"class": "soft"},
                f"No contact abandoned after a known wait.{untimed}" if untimed else "No contact abandoned.",
            ),
        )
    bars = [
        charts.Bar(
            wait_bin.abandoned,
            wording.count(wait_bin.abandoned),
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
    text = f"{wording.plural(abandoned, 'contact')} gave up, by how long they had waited."
    if worst is not None and worst.abandoned:
        text += f" Most likely after a wait of {worst.label}: {_share(worst.abandoned, worst.contacts)}."
    text += untimed
    rows = [
        [wait_bin.label, f"{wait_bin.abandoned:,}", _share(wait_bin.abandoned, wait_bin.contacts)] for wait_bin in bins
    ]
    head = ["Wait", "Gave up", "Of such waits"]
    return card(
        title,
        charts.histogram("abandoned", title, text, bars, _edges(bins)),
        el("p", {"class": "note"}, text),
        el("details", None, el("summary", None, "Numbers"), table(title, head, rows)),
        kind="warm",
    )


def _share(part: int, whole: int) -> str:
    return wording.percentage(part * 100 / whole if whole else None)


def _edges(bins: Sequence[Bin]) -> list[charts.Tick]:
    every = 1 if len(bins) <= 10 else 2
    return [
        charts.Tick(place / len(bins), time_bin.axis, is_minor=len(bins) > 6 and bool(place // every % 2))
        for place, time_bin in enumerate(bins)
        if place % every == 0
    ]
