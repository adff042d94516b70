"""The report of a day as one self-contained HTML file, without scripts and without external resources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Final

from trunkline.limits import DEAD_LETTER_REASONS
from trunkline.metrics.catalogue import METRICS
from trunkline.metrics.question import Threshold
from trunkline.serve.report import wording
from trunkline.serve.report.data import WORTH_NAMING, Completeness, QueueRow, ReportData, Slot, read
from trunkline.serve.report.day import distributions, half_hours
from trunkline.serve.report.headline import Headline, threshold_note
from trunkline.serve.report.markup import CSS, Html, card, el, join, name_text
from trunkline.serve.report.period import Period
from trunkline.serve.report.tables import agents, channels, queues
from trunkline.serve.report.wording import fidelity_note
from trunkline.sql.session import Session
from trunkline.version import __version__

LARGE_TILES: Final = 4


def tiles(data: ReportData) -> Html:
    """The headline numbers; the first four are larger."""
    return el("dl", {"class": "tiles"}, *(_tile(number, n < LARGE_TILES) for n, number in enumerate(data.headline)))


def _tile(headline: Headline, is_hero: bool) -> Html:
    change = [headline.change]
    if headline.tone:
        change.append(el("span", {"class": headline.tone}, f" {headline.tone}"))
    return el(
        "div",
        {"class": "tile hero" if is_hero else "tile", "title": headline.meaning},
        el("dt", None, headline.label),
        el("dd", {"class": "value"}, headline.value),
        el("dd", {"class": "change"}, *change),
    )


def stood_out(data: ReportData) -> Html:
    """Highlights: the busiest and the worst half hour, the worst queues."""
    least = max(WORTH_NAMING, data.total["contacts_queued"] / 100)
    slots = [slot for slot in data.slots if slot.queued >= least and slot.service_level is not None]
    queues = [row for row in data.queues if not row.is_group and row.values["contacts_queued"] >= least]
    items: list[Html] = []
    if data.slots:
        busiest = max(data.slots, key=lambda slot: slot.arrivals)
        items.append(_item("Busiest", _span(busiest, data), f"{busiest.arrivals:,} contacts entered a queue"))
    if len(slots) > 1:
        worst = min(slots, key=lambda slot: slot.service_level or 0)
        level = wording.percentage(worst.service_level)
        items.append(_item("Lowest service level", _span(worst, data), f"{level} of {worst.queued:,} contacts"))
    if len(queues) > 1:
        slow = min(queues, key=lambda row: row.values["service_level"] or 0)
        level = wording.percentage(slow.values["service_level"])
        items.append(_item("Slowest queue", _plain(slow), f"{level} service level"))
        lost = max(queues, key=lambda row: row.values["abandonment_rate"] or 0)
        if lost.values["contacts_abandoned"]:
            rate = wording.percentage(lost.values["abandonment_rate"])
            detail = f"{rate} gave up ({lost.values['contacts_abandoned']:,})"
            items.append(_item("Most abandoned queue", _plain(lost), detail))
    listed = el("ul", {"class": "stood"}, *items)
    return card("What stood out", listed) if items else Html("")


def _item(label: str, what: str, detail: str) -> Html:
    return el("li", None, el("span", None, label), el("strong", None, el("bdi", None, what)), el("span", None, detail))


def _plain(row: QueueRow) -> str:
    name = name_text(row.name, row.queue_id, "queue")
    return name if len(name) <= 40 else name[:39] + "\u2026"


def _span(slot: Slot, data: ReportData) -> str:
    """`08:00–08:30`, `Tuesday 3 March 08:00–09:00`, or `Tuesday 3 March` where a slot is a day."""
    day = f"{slot.at:%A} {slot.at.day} {slot.at:%B}"
    if data.slot_minutes == 1440:
        return day
    end = (slot.at.astimezone(UTC) + timedelta(minutes=data.slot_minutes)).astimezone(slot.at.tzinfo)
    hours = f"{slot.at:%H:%M}\u2013{end:%H:%M}"
    return f"{day} {hours}" if data.period.has_many_days else hours


# If a text were ever unescaped, the browser would still neither run nor fetch anything.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_DRIFT_MAX: Final = 6


def page(data: ReportData, completeness: Completeness) -> str:
    """The whole page as text."""
    title = f"Contact centre, {data.period.title}"
    head = el(
        "head",
        None,
        el("meta", {"charset": "utf-8"}),
        el("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        el("meta", {"name": "color-scheme", "content": "light dark"}),
        el("title", None, title),
        # The style sheet is a constant of this package, without text from data.
        el("style", None, Html(CSS)),
    )
    body = _day(data) if data.contacts else [_empty(data)]
    main = el("main", None, _header(data), *body, _completeness(completeness), _footer(data))
    return "<!doctype html>\n" + el("html", {"lang": "en"}, head, el("body", None, main)) + "\n"


def _length(period: Period) -> str:
    return f"{period.days} days" if period.days > 1 else f"{period.hours:g} hours"


def _header(data: ReportData) -> Html:
    period = data.period
    subtitle = f"Local time of {period.zone}, {_length(period)}"
    if data.has_before:
        subtitle += f" \u00b7 changes against {period.previous.name}"
    elif data.contacts:
        subtitle += f" \u00b7 no comparison: {data.no_comparison}"
    note = fidelity_note(data.fidelity)
    subtitle += f" \u00b7 {note}" if note else ""
    brow = el("p", {"class": "brow"}, "Contact centre report")
    return el("header", None, brow, el("h1", None, period.title), el("p", None, subtitle))


def _day(data: ReportData) -> list[Html]:
    return [
        tiles(data),
        stood_out(data),
        half_hours(data),
        distributions(data),
        channels(data),
        queues(data),
        agents(data),
    ]


def _empty(data: ReportData) -> Html:
    if data.first is None or data.last is None:
        return el(
            "section",
            {"class": "card empty"},
            el("h2", None, "There are no contacts yet"),
            el("p", None, "Load contact records to fill this page:"),
            el(
                "ul",
                None,
                el(
                    "li",
                    None,
                    el("code", None, "trunkline load contact_record FOLDER"),
                    " loads contact records from your files",
                ),
                el("li", None, el("code", None, "trunkline demo"), " shows a simulated day"),
            ),
        )
    first, last = data.period.local(data.first), data.period.local(data.last)
    return el(
        "section",
        {"class": "card empty"},
        el("h2", None, "No contact ended in this time"),
        el(
            "p",
            None,
            f"The warehouse has contacts that ended from {first.day} {first:%B %Y %H:%M} to "
            f"{last.day} {last:%B %Y %H:%M} ({data.period.zone}). Choose a day in between.",
        ),
    )


def _completeness(of: Completeness) -> Html:
    if not of.counts.read:
        return card("Is anything missing?", el("p", {"class": "soft"}, "Nothing has been loaded."))
    verdict = (
        "Every record that was ever read is accounted for."
        if of.counts.is_balanced
        else "The counts do not add up: please report this, with the output of trunkline doctor."
    )
    files = f" They were read from {wording.plural(of.files, 'file')}." if of.files else ""
    return card(
        "Is anything missing?",
        el("p", {"class": "account"}, of.counts.sentence()),
        el("p", {"class": "note"}, verdict + files + " All loads together, not this day alone."),
        el("div", {"class": "facts"}, *_certified(of), _letters(of.dead_letters), _late(of), _drift(of)),
        kind="completeness",
    )


def _certified(of: Completeness) -> list[Html]:
    return [_fact("Compared with what Connect lists", list(of.certified))] if of.certified else []


def _letters(reasons: Mapping[str, int]) -> Html:
    reasons_by_count = sorted(((number, reason) for reason, number in reasons.items() if number), reverse=True)
    if not reasons_by_count:
        return _fact("Set aside", ["None: every record could be used."])
    lines = [f"{number:,} \u2013 {DEAD_LETTER_REASONS.get(reason, reason)}" for number, reason in reasons_by_count]
    return _fact("Set aside, with their bytes kept", lines)


def _late(of: Completeness) -> Html:
    counts = of.counts
    late = wording.plural(of.late_versions, "later version")
    outcome = f"{counts.updated:,} replaced the stored version, {counts.superseded:,} were superseded"
    lines = [
        f"{late} of a known contact: {outcome}.",
        f"{wording.plural(counts.duplicate, 'exact duplicate')}, counted once.",
    ]
    return _fact("Delivered again", lines)


def _drift(of: Completeness) -> Html:
    if not of.drift:
        return _fact("Changes in the format", ["None: every field is known."])
    more = len(of.drift) - _DRIFT_MAX
    lines = [*of.drift[:_DRIFT_MAX], *([f"and {more:,} more; see trunkline doctor"] if more > 0 else [])]
    return _fact("Changes in the format", lines)


def _fact(title: str, lines: list[str]) -> Html:
    return el(
        "div",
        None,
        el("h3", None, title),
        el("ul", {"class": "note"}, *(el("li", None, el("bdi", None, line)) for line in lines)),
    )


def _footer(data: ReportData) -> Html:
    x = f"Service level: removed from queue {threshold_note(data.x)}"
    sentences = [
        f"{x}, including abandoned contacts and callback requests within that time, as in Amazon's console.",
        f"Contacts count when they end. Abandoned: {METRICS['CONTACTS_ABANDONED'].approximation}",
        f"Generated by Trunkline {__version__} from contact records; contains no customer data.",
    ]
    return el("footer", None, join(*(el("p", None, sentence) for sentence in sentences)))


def report(db: Session, period: Period, x: Threshold, completeness: Completeness, goal: float = 80) -> str:
    """The page of a period, as HTML text to be written in UTF-8.

    Reads only `connect_datalake.contact_record` through `db`; the same warehouse and arguments give the same text. A
    period or warehouse without contacts gives a page that says so. The page names agents and queues and contains no
    customer data. `goal` is the service level that is wanted, percent. Raises UsageError for an invalid threshold.
    """
    return page(read(db, period, x, goal), completeness)
