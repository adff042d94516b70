"""HTML and SVG from Python: text is escaped unless it is markup already, so that no caller has to remember to."""

from __future__ import annotations

import html
import re
from typing import Final

# Elements that HTML closes by itself; SVG's are written with an end tag, which HTML's parser reads the same way.
_VOID: Final = frozenset({"meta", "br", "hr", "img", "col", "wbr"})
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
# What no HTML text may hold, and the marks that turn the reading direction of all that follows them.
_HARMFUL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

Attribute = str | int | float | bool | None


class Html(str):
    """Text that is markup already. Made by this module; made elsewhere only from constants."""

    __slots__ = ()


def text(value: str) -> Html:
    """Any text as markup: escaped, control characters and direction overrides shown as a replacement character."""
    return Html(html.escape(_HARMFUL.sub("\ufffd", value), quote=True))


def join(*children: str) -> Html:
    """Markup and texts one after the other, texts escaped."""
    return Html("".join(one if isinstance(one, Html) else text(one) for one in children))


def el(name: str, attributes: dict[str, Attribute] | None = None, *children: str) -> Html:
    """An element. An attribute that is None or False is left out, True stands alone; children as in `join`."""
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
    """A share (0 to 1) as a length that follows the page's width."""
    return f"{number(share * 100)}%"
