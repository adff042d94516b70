"""HTML and SVG from Python, with the cards, tables and legends of the report, and the report's style sheet.

Text is escaped unless it is markup. Colours are near Okabe and Ito's blue, vermilion and yellow, which colour-blind
people tell apart. Contrast of text on its ground is at least 4.5 to 1 in both themes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

# Elements that HTML closes by itself; SVG's are written with an end tag, which HTML's parser reads the same way.
_VOID: Final = frozenset({"meta", "link", "input", "br", "hr", "img", "col", "wbr"})
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
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an element")
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


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], muted: Sequence[bool] = ()) -> Html:
    """A plain table; the first cell of each row is its header. `muted` says which rows are grey; by default none."""
    columns = (el("th", {"scope": "col"}, column_title) for column_title in head)
    body = (
        el(
            "tr",
            {"class": "muted" if is_muted else None},
            el("th", {"scope": "row"}, row[0]),
            *(el("td", None, cell) for cell in row[1:]),
        )
        for row, is_muted in zip(rows, muted or [False] * len(rows), strict=True)
    )
    markup = el(
        "table",
        None,
        el("caption", None, caption),
        el("thead", None, el("tr", None, *columns)),
        el("tbody", None, *body),
    )
    return el("div", {"class": "wide"}, markup)


def card_row(head: Sequence[str], name: str, cells: Sequence[str], kind: str | None = None) -> Html:
    """A row of a table that is shown as a card on a phone, where each cell is labelled by its column's title."""
    labelled = (el("td", {"data-label": title}, cell) for title, cell in zip(head[1:], cells, strict=True))
    return el("tr", {"class": kind}, el("th", {"scope": "row"}, name), *labelled)


def card_table(title: str, head: Sequence[str], rows: Sequence[str]) -> Html:
    """A table of such rows, which scrolls sideways where it does not fit."""
    columns = (el("th", {"scope": "col"}, column_title) for column_title in head)
    markup = el("table", None, el("thead", None, el("tr", None, *columns)), el("tbody", None, *rows))
    return el("div", {"class": "wide cards", "tabindex": 0, "role": "region", "aria-label": title}, markup)


def swatch(kind: str, label: str) -> Html:
    """One entry of a legend: a small picture of the mark, and its meaning."""
    marks = {
        "bar": [el("rect", {"class": "bar", "x": 4, "y": 0, "width": 8, "height": 11, "rx": 1.5})],
        "line-dot": [
            el("path", {"class": "line", "d": "M0 6H18"}),
            el("circle", {"class": "dot", "cx": 9, "cy": 6, "r": 4}),
        ],
        "before": [el("path", {"class": "before", "d": "M0 6H18"})],
        "mean": [el("path", {"class": "mean", "d": "M0 6H18"})],
        "goal": [el("path", {"class": "goal", "d": "M0 6H18"})],
        "contact": [el("rect", {"class": "contact", "y": 0, "width": 18, "height": 12})],
        "hold": [
            el("rect", {"class": "contact", "y": 0, "width": 18, "height": 12}),
            el("rect", {"class": "hold", "x": 4, "y": 4, "width": 10, "height": 4}),
        ],
        "work": [el("rect", {"class": "work", "y": 7, "width": 18, "height": 5})],
        "online": [el("rect", {"class": "online", "y": 9, "width": 18, "height": 3})],
        "away": [el("rect", {"class": "away", "y": 2, "width": 18, "height": 9})],
    }
    picture = el("svg", {"width": 18, "height": 12, "aria-hidden": "true"}, *marks[kind])
    return el("span", None, picture, label)


def short_time(label: str) -> str:
    """`08` for `08:00`; other times unchanged."""
    return label.removesuffix(":00")


_LIGHT: Final = """
--ground:#f4f6f8;--card:#fff;--ink:#16202b;--soft:#52606d;--rule:#dfe5ea;--grid:#e6ebef;
--main:#0067a6;--faint:#8fbfdd;--warm:#c75000;--hold:#ffd24d;--before:#7a8793;--good:#00664a;--bad:#a83c00;
--meter:#dfe7ed;--shade:0 1px 2px rgba(16,32,48,.07),0 2px 10px rgba(16,32,48,.05);
"""
_DARK: Final = """
--ground:#10161c;--card:#19222b;--ink:#e8eef3;--soft:#a6b3bf;--rule:#2c3843;--grid:#2a353f;
--main:#56b4e9;--faint:#2d6f99;--warm:#f0883e;--hold:#fff3b0;--before:#93a1ad;--good:#5fd3ae;--bad:#ffa366;
--meter:#2f3c47;--shade:none;
"""

CSS: Final = (
    ":root{color-scheme:light dark;"
    + _LIGHT.replace("\n", "")
    + "}@media screen and (prefers-color-scheme:dark){:root{"
    + _DARK.replace("\n", "")
    + "}}"
    + """
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1180px;margin:0 auto;padding:28px 20px 40px}
h1,h2,h3,p,dl,dd,ul,figure{margin:0;padding:0}
h1{font-size:30px;line-height:1.15;letter-spacing:-.02em}
h2{font-size:17px;letter-spacing:-.005em}
h3{font-size:14px}
.brow{font-size:13px;color:var(--soft);flex-basis:100%}
header{display:flex;flex-wrap:wrap;gap:4px 24px;align-items:baseline;justify-content:space-between;margin-bottom:18px}
.soft,header p,figcaption,.note{color:var(--soft)}
.note,figcaption{font-size:13px}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;box-shadow:var(--shade);
padding:16px 18px;margin-bottom:14px}
.card>h2+p,.card>h2+.legend{margin-top:2px}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:14px;margin-bottom:14px}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:10px;box-shadow:var(--shade);padding:12px 16px}
.tile dt{color:var(--soft);font-size:13px}
.tile .value{font-size:22px;font-weight:650;letter-spacing:-.02em;line-height:1.25}
.tile.hero{border-top:4px solid var(--main);padding-top:10px}
.tile.hero .value{font-size:36px;line-height:1.15}
.change{font-size:13px;color:var(--soft);min-height:1.45em}
.better{color:var(--good);font-weight:600}
.worse{color:var(--bad);font-weight:600}
.stood{display:grid;margin-top:8px;grid-template-columns:repeat(4,1fr);gap:6px 20px;list-style:none}
.stood li{border-left:3px solid var(--warm);padding-left:10px;min-width:0}
.stood strong{display:block;font-size:16px;overflow-wrap:anywhere}
.stood span{font-size:13px;color:var(--soft)}
.three{display:grid;grid-template-columns:repeat(3,1fr);gap:14px}
.three{margin-bottom:14px}.three .card{min-width:0;margin-bottom:0}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:13px;color:var(--soft);margin-bottom:6px}
.legend svg{vertical-align:-1px;margin-right:6px}
.chart,.strip,.scale{display:block;overflow:visible}
.scaled{display:flex}.scaled .chart{flex:1;min-width:0;width:auto}.scaled .scale{flex:none}
.tick,.above{font-size:12px;fill:var(--soft)}.above{fill:var(--ink)}.above.close{font-size:10px;letter-spacing:-.03em}
.grid,.axis,.mean,.goal,.before,.line{fill:none;vector-effect:non-scaling-stroke}
.grid{stroke:var(--grid)}.axis{stroke:var(--before)}
.mean{stroke:var(--main);stroke-dasharray:1 4;stroke-linecap:round;stroke-width:1.5}
.goal{stroke:var(--good);stroke-width:1.5}
.before{stroke:var(--before);stroke-width:1.5;stroke-dasharray:5 3}
.line{stroke:var(--main);stroke-width:1.5;opacity:.55}
.bar,.dot,.contact,.meter-part{fill:var(--main)}
.bar.faint{fill:var(--faint)}.warm .bar{fill:var(--warm)}
.dot{stroke:var(--card);stroke-width:1}.dot.lone{fill:var(--before)}
.reach{fill:transparent}g:hover>.reach{fill:var(--grid);opacity:.6}
.hold{fill:var(--hold)}.work{fill:var(--warm)}.online{fill:var(--good)}.away{fill:var(--before);opacity:.55}.meter-all{fill:var(--meter)}
.rate{display:inline-block;min-width:4.1em}.meter{margin-right:7px;vertical-align:0}
.wide{overflow-x:auto;margin-top:8px}
.wide:focus-visible{outline:2px solid var(--main)}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;color:var(--soft);font-size:13px;padding-bottom:4px}
th,td{text-align:right;padding:5px 9px;white-space:nowrap;border-bottom:1px solid var(--rule)}
thead th{white-space:normal;color:var(--soft);font-weight:500;font-size:13px;vertical-align:bottom;
border-bottom:1px solid var(--before)}
th:first-child{text-align:left;padding-left:0}td:last-child,th:last-child{padding-right:0}
tbody th{font-weight:600}
tbody tr:last-child>*{border-bottom:0}
.muted th,.muted td{color:var(--before);font-weight:400}
.group th,.group td{color:var(--soft);font-weight:400}
.name,.team{display:block;max-width:210px;overflow:hidden;text-overflow:ellipsis}
.team{color:var(--soft);font-size:12px;font-weight:400}
.day{width:64%;min-width:190px;padding-top:4px;padding-bottom:4px}
.account{font-size:18px;font-weight:600;letter-spacing:-.01em;margin:6px 0 2px}
.facts{display:grid;grid-template-columns:6fr 5fr 8fr;gap:14px 28px;margin-top:12px}
.facts ul{list-style:none}.facts li{overflow-wrap:anywhere}
details{margin-top:8px;font-size:13px}summary{cursor:pointer;color:var(--soft)}
details table{width:auto;font-size:13px}
footer{color:var(--soft);font-size:13px;margin-top:18px}footer p{margin-bottom:4px}
code{font:13px ui-monospace,"SF Mono",Consolas,"Liberation Mono",monospace;background:var(--ground);
border:1px solid var(--rule);border-radius:5px;padding:2px 6px}
.empty{padding:28px}.empty h2{font-size:22px}.empty p,.empty li{margin-top:10px}.empty ul{padding-left:20px}
@media (max-width:860px){.tiles,.stood{grid-template-columns:repeat(2,1fr)}.three,.facts{grid-template-columns:1fr}}
@media (max-width:560px){main{padding:16px 10px 28px}h1{font-size:24px}.minor{display:none}
.tiles{gap:8px}.tile{padding:9px 11px}.tile.hero .value{font-size:27px}.tile .value{font-size:19px}
.card{padding:13px 12px}.stood{grid-template-columns:1fr}
.wide{background:linear-gradient(90deg,var(--card) 30%,transparent) 0 0/36px 100% no-repeat local,
linear-gradient(270deg,var(--card) 30%,transparent) 100% 0/36px 100% no-repeat local,
linear-gradient(90deg,var(--before),transparent) 0 0/9px 100% no-repeat scroll,
linear-gradient(270deg,var(--before),transparent) 100% 0/9px 100% no-repeat scroll}
.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.cards table,.cards tbody{display:block}
.cards tr{display:grid;grid-template-columns:repeat(3,1fr);gap:4px 10px;padding:9px 0;
border-bottom:1px solid var(--rule)}
.cards tr:last-child{border-bottom:0}
.cards tbody th,.cards .day{grid-column:1/-1;width:auto;padding:0}.cards th,.cards td{border-bottom:0}
.cards td{text-align:left;padding:0;white-space:normal}
.cards td[data-label]::before{content:attr(data-label);display:block;color:var(--soft);font-size:12px}
.agents .cards tr{grid-template-columns:repeat(4,1fr)}.agents .five tr{grid-template-columns:repeat(5,1fr)}
.cards .team{max-width:none}
.cards .name{max-width:none;white-space:normal;overflow-wrap:anywhere}.cards .meter{display:none}}
"""
    + """
@page{size:A4;margin:9mm 10mm}
@media print{body{background:#fff;font-size:13.5px;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:none;padding:0;zoom:.69}h1{font-size:26px}header{margin-bottom:10px}.brow{display:none}
.card,.tile{box-shadow:none;break-inside:avoid}.card{padding:9px 14px;margin-bottom:9px}
.tiles{gap:8px;margin-bottom:9px;grid-template-columns:repeat(6,1fr)}.tile{padding:6px 10px}
.tile.hero .value{font-size:23px}.tile .value{font-size:19px}.change{min-height:0}
.stood{grid-template-columns:repeat(4,1fr)}.three{gap:9px;margin-bottom:9px;grid-template-columns:repeat(3,1fr)}
.facts{grid-template-columns:6fr 5fr 8fr}
table{font-size:13px}th,td{padding:1px 6px}.cards tr{break-inside:avoid}.name{max-width:180px}.account{font-size:15.5px}
.day{padding-top:1px;padding-bottom:1px}
.wide{overflow:visible;margin-top:4px}
details,.team{display:none}footer{margin-top:8px}
.sheet{break-before:page}tr{break-inside:avoid}}
"""
)
