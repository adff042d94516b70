"""Pieces that several parts of the report's page are made of: cards, tables, names, swatches."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.serve.report.markup import Html, el


def card(title: str, *children: str, kind: str = "", tag: str = "section") -> Html:
    """A framed part of the page under its own heading."""
    return el(tag, {"class": f"card {kind}".strip()}, el("h2", None, title), *children)


def name_text(name: str | None, identity: str | None, kind: str) -> str:
    """A name, or `unnamed queue 1a2b3c4d` from the end of its id."""
    return name if name and name.strip() else f"unnamed {kind} {(identity or '')[-8:]}".strip()


def name_of(name: str | None, identity: str | None, kind: str) -> Html:
    """A name in its own reading direction, cut short by the style sheet where it is long."""
    shown = name_text(name, identity, kind)
    return el("span", {"class": "name", "title": shown}, el("bdi", None, shown))


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """A plain table; the first cell of each row is its header."""
    columns = (el("th", {"scope": "col"}, one) for one in head)
    body = (
        el("tr", None, el("th", {"scope": "row"}, row[0]), *(el("td", None, cell) for cell in row[1:])) for row in rows
    )
    found = el(
        "table",
        None,
        el("caption", None, caption),
        el("thead", None, el("tr", None, *columns)),
        el("tbody", None, *body),
    )
    return el("div", {"class": "wide"}, found)


def swatch(kind: str, label: str) -> Html:
    """One entry of a legend: a small picture of the mark, and what it stands for."""
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


def short_time(label: str) -> str:
    """`08` for `08:00`; other times as they are."""
    return label.removesuffix(":00")
