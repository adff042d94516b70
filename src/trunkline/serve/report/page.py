"""The report of a day as one self-contained HTML file: no script, nothing fetched from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.limits import DEAD_LETTER_REASONS
from trunkline.metrics.catalogue import METRICS
from trunkline.serve.report import wording
from trunkline.serve.report.data import WORTH_NAMING, Completeness, QueueRow, ReportData, Slot, read
from trunkline.serve.report.day import distributions, half_hours
from trunkline.serve.report.headline import Headline
from trunkline.serve.report.markup import Html, card, el, join, name_text
from trunkline.serve.report.period import Period
from trunkline.serve.report.style import CSS
from trunkline.serve.report.tables import agents, queues
from trunkline.serve.report.wording import rests_on
from trunkline.sql.metric_query import Threshold
from trunkline.sql.session import Session
from trunkline.version import __version__

HEROES: Final = 4


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
    queues = [one for one in data.queues if not one.is_group and one.values["contacts_queued"] >= least]
    items: list[Html] = []
    if data.slots:
        busiest = max(data.slots, key=lambda one: one.arrivals)
        items.append(_item("Busiest", _span(busiest, data), f"{busiest.arrivals:,} contacts entered a queue"))
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
    listed = el("ul", {"class": "stood"}, *items)
    return card("What stood out", listed) if items else Html("")


def _item(label: str, what: str, detail: str) -> Html:
    return el("li", None, el("span", None, label), el("strong", None, el("bdi", None, what)), el("span", None, detail))


def _plain(row: QueueRow) -> str:
    name = name_text(row.name, row.queue_id, "queue")
    return name if len(name) <= 40 else name[:39] + "\u2026"


def _span(slot: Slot, data: ReportData) -> str:
    places = [place for place, one in enumerate(data.slots) if one is slot]
    following = places[0] + 1
    if following < len(data.slots):
        return f"{slot.label}\u2013{data.slots[following].label}"
    return f"from {slot.label}"


# Even if some text came through unescaped, a browser would neither run nor fetch anything for it.
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
        # The style sheet is a constant of this package: it holds no text from data.
        el("style", None, Html(CSS)),
    )
    body = _day(data) if data.contacts else [_empty(data)]
    main = el("main", None, _header(data), *body, _completeness(completeness), _footer(data))
    return "<!doctype html>\n" + el("html", {"lang": "en"}, head, el("body", None, main)) + "\n"


def _no_comparison(data: ReportData) -> str:
    """Why there is nothing to compare with: no contact before, or data that begin in the midst of the period before."""
    previous = data.period.previous
    if data.first is None or not previous.since <= data.first < previous.until:
        return f"nothing to compare with: no contact ended on {previous.name}"
    begin = data.period.local(data.first)
    return f"no comparison: the data begin on {begin.day} {begin:%B %Y %H:%M}, within {previous.name}"


def _header(data: ReportData) -> Html:
    period = data.period
    said = f"Local time of {period.zone}, {period.hours:g} hours"
    if data.has_before:
        said += f" \u00b7 changes against {period.previous.name}"
    elif data.contacts:
        said += f" \u00b7 {_no_comparison(data)}"
    rests = rests_on(data.fidelity)
    said += f" \u00b7 {rests}" if rests else ""
    brow = el("p", {"class": "brow"}, "Contact centre report")
    return el("header", None, brow, el("h1", None, period.title), el("p", None, said))


def _day(data: ReportData) -> list[Html]:
    return [
        tiles(data),
        stood_out(data),
        half_hours(data),
        distributions(data),
        queues(data),
        agents(data),
    ]


def _empty(data: ReportData) -> Html:
    if data.first is None or data.last is None:
        return el(
            "section",
            {"class": "card empty"},
            el("h2", None, "There are no contacts yet"),
            el("p", None, "This page fills itself once contact records are loaded:"),
            el(
                "ul",
                None,
                el("li", None, el("code", None, "trunkline load FOLDER"), " takes contact records from your files"),
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
            f"The warehouse holds contacts that ended from {first.day} {first:%B %Y %H:%M} to "
            f"{last.day} {last:%B %Y %H:%M} ({data.period.zone}). Ask for a day in between.",
        ),
    )


def _completeness(of: Completeness) -> Html:
    if not of.counts.read:
        return card("Is anything missing?", el("p", {"class": "soft"}, "Nothing has been loaded."))
    verdict = (
        "Every record that was ever read is accounted for."
        if of.counts.is_balanced
        else "The terms do not add up: please report this, with the output of trunkline doctor."
    )
    files = f" They came in {wording.plural(of.files, 'file')}." if of.files else ""
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
    found = sorted(((number, reason) for reason, number in reasons.items() if number), reverse=True)
    if not found:
        return _fact("Set aside", ["Nothing: every record could be used."])
    lines = [f"{number:,} \u2013 {DEAD_LETTER_REASONS.get(reason, reason)}" for number, reason in found]
    return _fact("Set aside, with their bytes kept", lines)


def _late(of: Completeness) -> Html:
    counts = of.counts
    late = wording.plural(of.late_versions, "later version")
    lines = [
        f"{late} of a known contact: {counts.updated:,} replaced what was there, {counts.superseded:,} lost to it.",
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
        el("ul", {"class": "note"}, *(el("li", None, el("bdi", None, one)) for one in lines)),
    )


def _footer(data: ReportData) -> Html:
    x = f"Service level: removed from queue in less than {data.x.default:g} s"
    if data.x.by_queue:
        x += " (* queues with an X of their own: theirs)"
    said = [
        f"{x}, abandons and callback requests inside it included, as in Amazon's console.",
        f"Contacts count when they end. Abandoned: {METRICS['CONTACTS_ABANDONED'].approximation}",
        f"Made by Trunkline {__version__} from contact records; holds no customer's data.",
    ]
    return el("footer", None, join(*(el("p", None, one) for one in said)))


def report(db: Session, period: Period, x: Threshold, completeness: Completeness) -> str:
    """The page of a period, as HTML text to be written in UTF-8.

    Reads `connect_datalake.contact_record` through `db` and nothing else; the same warehouse and arguments give the
    same text. A period without contacts, or a warehouse without any, gives a page that says so. It names agents and
    queues and holds no customer's data. UsageError for a threshold that is no number of seconds.
    """
    return page(read(db, period, x), completeness)
