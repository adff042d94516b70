"""HTML and SVG from Python, with the cards, tables and legends of the report. Text is escaped unless it is markup."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

# Elements that HTML closes by itself; SVG's are written with an end tag, which HTML's parser reads the same way.
_VOID: Final = frozenset({"meta", "br", "hr", "img", "col", "wbr"})
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
# Characters that HTML text must not contain, and marks that change the direction of the text after them.
_HARMFUL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

Attribute = str | int | float | bool | None


class Html(str):
    """Text that is already markup. Other modules create it only from constants."""

    __slots__ = ()


def text(value: str) -> Html:
    """Text as markup: escaped, with control characters and direction overrides replaced by U+FFFD."""
    return Html(html.escape(_HARMFUL.sub("\ufffd", value), quote=True))


def join(*children: str) -> Html:
    """Concatenate markup and texts; texts are escaped."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))


def el(name: str, attributes: dict[str, Attribute] | None = None, *children: str) -> Html:
    """An element. An attribute that is None or False is omitted; True gives only its name. Children as in `join`."""
    assert _NAME.fullmatch(name), name
    parts = [name]
    for key, value in (attributes or {}).items():
        if value is True:
            parts.append(key)
        elif value is not None and value is not False:
            parts.append(f'{key}="{text(number(value) if isinstance(value, float) else str(value))}"')
    opened = f"<{' '.join(parts)}>"
    return Html(opened if name in _VOID else f"{opened}{join(*children)}</{name}>")


def number(value: float) -> str:
    """A coordinate with at most two decimals, so that files stay small."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share (0 to 1) as a length relative to the page's width."""
    return f"{number(share * 100)}%"


def card(title: str, *children: str, kind: str = "", tag: str = "section") -> Html:
    """A framed section of the page with a heading."""
    return el(tag, {"class": f"card {kind}".strip()}, el("h2", None, title), *children)


def name_text(name: str | None, identity: str | None, kind: str) -> str:
    """A name, or `unnamed queue 1a2b3c4d` from the end of its id."""
    return name if name and name.strip() else f"unnamed {kind} {(identity or '')[-8:]}".strip()


def name_of(name: str | None, identity: str | None, kind: str) -> Html:
    """A name isolated from the surrounding text direction; the style sheet truncates long names."""
    shown = name_text(name, identity, kind)
    return el("span", {"class": "name", "title": shown}, el("bdi", None, shown))


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """A plain table; the first cell of each row is its header."""
    columns = (el("th", {"scope": "col"}, column_title) for column_title in head)
    body = (
        el("tr", None, el("th", {"scope": "row"}, row[0]), *(el("td", None, cell) for cell in row[1:])) for row in rows
    )
    markup = el(
        "table",
        None,
        el("caption", None, caption),
        el("thead", None, el("tr", None, *columns)),
        el("tbody", None, *body),
    )
    return el("div", {"class": "wide"}, markup)


def swatch(kind: str, label: str) -> Html:
    """One entry of a legend: a small picture of the mark, and its meaning."""
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
    """`08` for `08:00`; other times unchanged."""
    return label.removesuffix(":00")
