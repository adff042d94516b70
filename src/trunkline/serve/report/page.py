"""The report's page: one HTML file with everything in it, no script, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline import __version__
from trunkline.limits import DEAD_LETTER_REASONS
from trunkline.metrics.catalogue import METRICS
from trunkline.serve.report import wording
from trunkline.serve.report.data import Completeness, ReportData
from trunkline.serve.report.day import distributions, half_hours
from trunkline.serve.report.fidelity import rests_on
from trunkline.serve.report.markup import Html, el, join
from trunkline.serve.report.parts import card
from trunkline.serve.report.style import CSS
from trunkline.serve.report.tables import agents, queues
from trunkline.serve.report.top import stood_out, tiles

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


def _header(data: ReportData) -> Html:
    period = data.period
    said = f"Local time of {period.zone}, {period.hours:g} hours"
    if data.has_before:
        said += f" \u00b7 changes against {period.previous.name}"
    elif data.contacts:
        said += f" \u00b7 nothing to compare with: no contact ended on {period.previous.name}"
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
