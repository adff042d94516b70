"""Charts as inline SVG with a constant text size at every width: x positions are percentages, heights are pixels.

Paths cannot use percentages, so they are in a nested SVG that is stretched, with strokes that are not scaled.
Every chart has a title and a description; every mark has its own title, which shows on hover.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.serve.report.markup import Attribute, Html, el, join, number, percent

_TOP: Final = 18
_BOTTOM: Final = 22
_WIDE: Final = 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its height, the text above it, its hover title, and whether it is drawn faintly."""

    value: float
    text: str
    title: str
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """One point of a line; None omits it. `weight` (0 to 1) is the area of the dot. A lone dot is on no line."""

    value: float | None
    title: str
    weight: float = 0.5
    is_lone: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a position (0 to 1). Minor ticks are hidden on narrow pages."""

    at: float
    label: str
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """What a chart over time shows below it and in it: labels, and rules (0 to 1) where a day or week begins."""

    ticks: Sequence[Tick]
    dividers: Sequence[float] = ()


def _svg(identity: str, title: str, description: str, height: float, *children: str) -> Html:
    attributes: dict[str, Attribute] = {"class": "chart", "role": "img", "width": "100%", "height": height}
    names = {"aria-labelledby": f"{identity}-t {identity}-d"}
    return el(
        "svg",
        {**attributes, **names},
        el("title", {"id": f"{identity}-t"}, title),
        el("desc", {"id": f"{identity}-d"}, description),
        *children,
    )


def _label(at: float, y: float, label: str, anchor: str = "middle", kind: str = "") -> Html:
    return el("text", {"x": percent(at), "y": y, "text-anchor": anchor, "class": kind or None}, label)


def _ticks(ticks: Sequence[Tick], y: float) -> list[Html]:
    # Centred labels would be cut off at the edges.
    return [
        _label(
            tick.at,
            y,
            tick.label,
            "start" if tick.at < 0.01 else "end" if tick.at > 0.96 else "middle",
            "tick minor" if tick.is_minor else "tick",
        )
        for tick in ticks
    ]


def _rule(y: float, kind: str = "grid") -> Html:
    return el("line", {"class": kind, "x1": "0", "x2": "100%", "y1": y, "y2": y})


def _dividers(axis: TimeAxis, height: float) -> list[Html]:
    return [
        el("line", {"class": "grid", "x1": percent(at), "x2": percent(at), "y1": 0, "y2": height})
        for at in axis.dividers
    ]


def nice_maximum(value: float) -> float:
    """A round number not below the value whose half is a whole number too: 2, 4, 6, 8, 10, 12, 16, 20, 30 ..."""
    if value <= 10:
        return max(2, 2 * math.ceil(value / 2))
    size: int = 10 ** math.floor(math.log10(value))
    return next(top for tenths in (10, 12, 16, 20, 30, 40, 50, 60, 80, 100) if (top := tenths * size // 10) >= value)


def histogram(
    identity: str, title: str, description: str, bars: Sequence[Bar], ticks: Sequence[Tick], height: float = 150
) -> Html:
    """Bars side by side, each with its text above; ticks are at the borders between bars."""
    most = max((bar.value for bar in bars), default=0) or 1
    room = height - _TOP - _BOTTOM
    base = height - _BOTTOM
    marks: list[Html] = []
    # A card is a third of the page: nine adjacent texts of five characters would touch.
    kind = "above" if len(bars) * max((len(bar.text) for bar in bars), default=0) < 44 else "above close"
    for place, bar in enumerate(bars):
        tall = max(bar.value / most * room, 1.5 if bar.value else 0)
        middle = (place + 0.5) / len(bars)
        marks.append(
            el(
                "g",
                None,
                el("title", None, bar.title),
                el(
                    "rect",
                    {
                        "class": "bar faint" if bar.is_faint else "bar",
                        "x": percent((place + 0.07) / len(bars)),
                        "width": percent(0.86 / len(bars)),
                        "y": base - tall,
                        "height": tall,
                        "rx": 2,
                    },
                ),
                _label(middle, base - tall - 4, bar.text, kind=kind),
            )
        )
    return _svg(identity, title, description, height, *marks, _rule(base, "axis"), *_ticks(ticks, height - 6))


def columns(
    identity: str,
    title: str,
    description: str,
    bars: Sequence[Bar],
    before: Sequence[float | None],
    axis: TimeAxis,
    height: float = 150,
) -> Html:
    """Bars over time with a scale on the left, and the values of the period before as a stepped line."""
    top = nice_maximum(
        max([bar.value for bar in bars] + [earlier for earlier in before if earlier is not None], default=0)
    )
    room, base = height - 8 - _BOTTOM, height - _BOTTOM
    marks: list[Html] = [*_dividers(axis, base), _rule(base - room), _rule(base - room / 2)]
    for place, bar in enumerate(bars):
        tall = bar.value / top * room
        x, width = percent((place + 0.1) / len(bars)), percent(0.8 / len(bars))
        kind = "bar faint" if bar.is_faint else "bar"
        shape = el("rect", {"class": kind, "x": x, "width": width, "y": base - tall, "height": tall, "rx": 1.5})
        marks.append(el("g", None, el("title", None, bar.title), _column_area(place, len(bars), base), shape))
    step = "".join(
        f"{'M' if place == 0 or before[place - 1] is None else 'L'}{number(_WIDE * place / len(before))} "
        f"{number(base - earlier / top * room)}H{number(_WIDE * (place + 1) / len(before))}"
        for place, earlier in enumerate(before)
        if earlier is not None
    )
    marks += [_stretched(height, el("path", {"class": "before", "d": step}))] if step else []
    picture = _svg(identity, title, description, height, *marks, _rule(base, "axis"), *_ticks(axis.ticks, height - 6))
    return _with_scale(picture, height, [(base - room, f"{top:,.0f}"), (base - room / 2, f"{top / 2:,.0f}")])


def rate_line(
    identity: str,
    title: str,
    description: str,
    dots: Sequence[Dot],
    before: Sequence[float | None],
    mean: float | None,
    goal: float,
    axis: TimeAxis,
    height: float = 150,
) -> Html:
    """A rate (0 to 100) over time: dots on a line, the goal and the whole period's rate as rules, the period before
    dashed.
    """
    room, base = height - 16, height - 8

    def y(value: float) -> float:
        return base - value / 100 * room

    marks: list[Html] = [
        *_dividers(axis, base),
        _rule(y(100)),
        _rule(y(50)),
        _rule(y(0), "axis"),
        _rule(y(goal), "goal"),
    ]
    if mean is not None:
        marks.append(_rule(y(mean), "mean"))
    lines = [
        el("path", {"class": kind, "d": path})
        for kind, values in (("before", before), ("line", [None if dot.is_lone else dot.value for dot in dots]))
        if (path := _path([None if value is None else y(value) for value in values]))
    ]
    marks += [_stretched(height, *lines)] if lines else []
    for place, dot in enumerate(dots):
        if dot.value is not None:
            kind = "dot lone" if dot.is_lone else "dot"
            circle: dict[str, Attribute] = {"class": kind, "cx": percent((place + 0.5) / len(dots)), "cy": y(dot.value)}
            marks.append(
                el(
                    "g",
                    None,
                    el("title", None, dot.title),
                    _column_area(place, len(dots), base),
                    el("circle", {**circle, "r": 1.5 + 3.5 * math.sqrt(dot.weight)}),
                )
            )
    picture = _svg(identity, title, description, height, *marks)
    return _with_scale(picture, height, [(y(100), "100%"), (y(50), "50%"), (y(0), "0%")])


def time_line(label: str, stretches: dict[str, Sequence[tuple[float, float]]], hours: Sequence[float]) -> Html:
    """One row of a time line: the segments of each kind (start and end, 0 to 1), over a rule for each hour.

    Kinds differ in height as well as colour, so that they can be distinguished without colour.
    """
    grid = el("path", {"class": "grid", "d": "".join(f"M{number(_WIDE * at)} 0v16" for at in hours)})
    heights = {"online": (13, 3), "away": (4, 9), "contact": (1, 12), "hold": (5, 4), "work": (8, 5)}
    shapes = []
    for kind, (top, tall) in heights.items():
        path = "".join(
            f"M{number(_WIDE * a)} {top}h{number(_WIDE * (b - a))}v{tall}H{number(_WIDE * a)}z"
            for a, b in stretches.get(kind, ())
        )
        if path:
            shapes.append(el("path", {"class": kind, "d": path}))
    attributes: dict[str, Attribute] = {
        "class": "strip",
        "role": "img",
        "viewBox": f"0 0 {_WIDE} 16",
        "preserveAspectRatio": "none",
    }
    return el("svg", {**attributes, "width": "100%", "height": 16}, el("title", None, label), grid, *shapes)


def hour_scale(ticks: Sequence[Tick]) -> Html:
    """The labels above a column of time lines."""
    return el("svg", {"class": "chart", "width": "100%", "height": 14, "aria-hidden": "true"}, *_ticks(ticks, 11))


def meter(value: float) -> Html:
    """A small bar for a rate (0 to 100), shown next to its number."""
    return el(
        "svg",
        {"class": "meter", "width": 56, "height": 8, "aria-hidden": "true"},
        el("rect", {"class": "meter-all", "width": 56, "height": 8, "rx": 2}),
        el("rect", {"class": "meter-part", "width": 56 * min(max(value, 0), 100) / 100, "height": 8, "rx": 2}),
    )


def _column_area(place: int, number_of: int, height: float) -> Html:
    """An invisible area over the whole height, so that the title of a short bar or small dot is easy to hover."""
    return el(
        "rect", {"class": "reach", "x": percent(place / number_of), "width": percent(1 / number_of), "height": height}
    )


def _path(ys: Sequence[float | None]) -> str:
    parts: list[str] = []
    for place, y in enumerate(ys):
        if y is not None:
            is_new = place == 0 or ys[place - 1] is None
            parts.append(f"{'M' if is_new else 'L'}{number(_WIDE * (place + 0.5) / len(ys))} {number(y)}")
    return "".join(parts)


def _stretched(height: float, *children: str) -> Html:
    size: dict[str, Attribute] = {"width": "100%", "height": height, "viewBox": f"0 0 {_WIDE} {number(height)}"}
    return el("svg", {**size, "preserveAspectRatio": "none"}, *children)


def _with_scale(picture: Html, height: float, labels: Sequence[tuple[float, str]]) -> Html:
    texts = join(*(el("text", {"x": 36, "y": y + 4, "text-anchor": "end", "class": "tick"}, t) for y, t in labels))
    scale = el("svg", {"class": "scale", "width": 42, "height": height, "aria-hidden": "true"}, texts)
    return el("div", {"class": "scaled"}, scale, picture)
