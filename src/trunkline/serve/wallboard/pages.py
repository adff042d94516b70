"""The pages that are plain HTML: the board's frame, the form for the token, and the contacts behind a number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.serve.report import wording
from trunkline.serve.report.markup import Attribute, Html, el, join
from trunkline.serve.wallboard.drill import BehindContact, BehindNumber
from trunkline.serve.wallboard.fragments import contacts_url, stamp_text
from trunkline.serve.wallboard.options import BoardOptions, Section

STATIC: Final = Path(__file__).with_name("static")
LISTED_MAX: Final = 200
# Scripts and styles are files of this server; what a text could smuggle in would not run.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


@cache
def page_version() -> str:
    """Changes with script and style, so that an open board of another version loads itself again."""
    texts = b"".join((STATIC / name).read_bytes() for name in ("board.js", "board.css", "pages.css"))
    return sha256(texts).hexdigest()[:12]


def _document(title: str, body: Sequence[Html], attributes: dict[str, str] | None = None, script: bool = False) -> str:
    version = page_version()
    scripts = [el("script", {"src": f"static/board.js?v={version}", "defer": True})] if script else []
    head = el(
        "head",
        None,
        el("meta", {"charset": "utf-8"}),
        el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        el("meta", {"name": "color-scheme", "content": "light dark"}),
        el("title", None, title),
        el("link", {"rel": "icon", "href": "data:,"}),
        el("link", {"rel": "stylesheet", "href": f"static/board.css?v={version}"}),
        *scripts,
    )
    return "<!doctype html>\n" + el("html", {"lang": "en", **(attributes or {})}, head, el("body", None, *body)) + "\n"


def navigation(here: str = "") -> Html:
    """The links to the other pages."""
    pages = (("./", "Board"), ("history", "History"), ("settings", "Settings"), ("api", "API"))
    links = (el("a", {"href": url, "aria-current": "page" if label == here else None}, label) for url, label in pages)
    return el("nav", {"aria-label": "Pages"}, *links)


def board_page(options: BoardOptions, zone: ZoneInfo, is_tv: bool = False) -> str:
    """The frame of the board, which the script fills. `is_tv` shows it large and dark, without navigation."""
    header = el(
        "header",
        {"class": "bar"},
        el("h1", None, "Wallboard"),
        el("span", {"id": "clock"}, ""),
        navigation("Board"),
        el("button", {"id": "tv", "type": "button"}, "TV mode"),
        el("p", {"id": "status", "role": "status", "aria-live": "polite"}, ""),
    )
    skip = el("a", {"class": "skip", "href": "#main"}, "Skip to the numbers")
    sections = _sections(options.sections)
    attributes = {"data-zone": str(zone), "data-version": page_version(), "class": "tv" if is_tv else "board"}
    return _document("Wallboard", [skip, header, el("main", {"id": "main"}, *sections)], attributes, script=True)


def _sections(names: Sequence[Section]) -> list[Html]:
    """The sections in order; on a wide screen alerts and waiting contacts are beside the others."""
    made = {
        "alerts": _section(
            "Alerts", join(_filled("div", "announce", {"aria-live": "polite"}), _filled("ul", "alerts"))
        ),
        "today": el(
            "section",
            {"class": "split", "aria-label": "Today"},
            el(
                "div", {"class": "panel"}, el("h2", None, "Today"), _filled("dl", "today"), _filled("div", "confidence")
            ),
            el("div", {"class": "panel"}, el("h2", None, "Arrivals"), _filled("div", "chart")),
        ),
        "queues": _section("Queues", _filled("div", "queues")),
        "waiting": _section("Longest waiting", _filled("ol", "waiting"), "panel"),
        "agents": _section("Agents", join(_filled("div", "totals"), _filled("ul", "agents"))),
    }
    placed = {name: el("div", {"class": f"place-{place}"}, made[name]) for place, name in enumerate(names)}
    wide = [placed[name] for name in names if name == "today"]
    left = [placed[name] for name in names if name in ("queues", "agents")]
    right = [placed[name] for name in names if name in ("alerts", "waiting")]
    return [*wide, el("div", {"class": "left"}, *left), el("div", {"class": "right"}, *right)]


def _section(title: str, content: Html, kind: str = "") -> Html:
    heading = title.lower().replace(" ", "-")
    return el(
        "section",
        {"aria-labelledby": f"h-{heading}", "class": kind or None},
        el("h2", {"id": f"h-{heading}"}, title),
        content,
    )


def _filled(name: str, identity: str, more: dict[str, str] | None = None) -> Html:
    return el(name, {"id": identity, "data-section": True, **(more or {})})


def login_page(is_wrong: bool = False) -> str:
    """The form for the token."""
    wrong = (
        [el("p", {"class": "error", "role": "alert"}, "Login failed: this is not a valid token.")] if is_wrong else []
    )
    field: dict[str, Attribute] = {
        "id": "token",
        "name": "token",
        "type": "password",
        "autocomplete": "current-password",
        "required": True,
    }
    form = el(
        "form",
        {"method": "post", "action": "login"},
        el("label", {"for": "token"}, "Token"),
        el("input", {**field, "autofocus": True}),
        *wrong,
        el("button", {"type": "submit"}, "Log in"),
    )
    note = (
        "Whoever runs this wallboard can give you a token: one to see it, and another one to change its settings too."
    )
    return _document(
        "Log in", [el("main", {"class": "page"}, el("h1", None, "Wallboard"), el("p", {"class": "soft"}, note), form)]
    )


def plain_page(title: str, content: Sequence[Html], here: str = "") -> str:
    """A page with the links to the others."""
    bar = el("header", {"class": "bar"}, el("h1", None, title), navigation(here))
    return _document(title, [bar, el("main", {"class": "page", "id": "main"}, *content)])


def message_page(title: str, text: str) -> str:
    """A page that says one thing."""
    return plain_page(title, [el("p", {"role": "alert"}, text)])


_HEAD: Final = ("Contact", "Queue", "Channel", "Agent", "State", "Entered queue", "Wait", "Handle", "Ended", "Source")


def contacts_page(number: BehindNumber, zone: ZoneInfo, now: datetime, url: str) -> str:
    """The contacts behind a number as a table. `url` gives the same again."""
    summary = wording.plural(number.count, "contact")
    if number.counted != number.count:
        summary += f", of which the number counts {number.counted:,}"
    if len(number.contacts) < number.count:
        summary += f"; the first {len(number.contacts):,} are shown"
    lead = el(
        "p",
        None,
        f"{summary}. ",
        el("span", {"class": "soft"}, f"As of {stamp_text(now, zone)}. "),
        el("a", {"href": url}, "Refresh"),
    )
    rows = [_row(contact, zone, number.counted != number.count) for contact in number.contacts]
    head = el("thead", None, el("tr", None, *(el("th", {"scope": "col"}, title) for title in _HEAD)))
    table = el("table", None, el("caption", {"class": "skip"}, number.title), head, el("tbody", None, *rows))
    wide = el("div", {"class": "wide", "tabindex": 0, "role": "region", "aria-label": number.title}, table)
    hint = el("p", {"class": "soft narrow"}, "Scroll the table sideways for more columns.")
    return plain_page(number.title, [lead, *([hint, wide] if rows else [])])


def _row(contact: BehindContact, zone: ZoneInfo, says_counts: bool) -> Html:
    link = el("a", {"href": f"contact?id={contact.contact_id}"}, el("code", None, contact.contact_id[:8]))
    counted = ("" if contact.counts else " (not counted)") if says_counts else ""
    cells = (
        contact.queue or wording.NOTHING,
        wording.channel(contact.channel).lower() if contact.channel else wording.NOTHING,
        contact.agent or wording.NOTHING,
        contact.phase.replace("_", " ").lower() + counted,
        stamp_text(contact.enqueued, zone),
        wording.clock(contact.wait_s),
        wording.clock(contact.handle_s),
        stamp_text(contact.ended, zone),
        "record" if contact.is_final else "events",
    )
    return el("tr", None, el("th", {"scope": "row"}, link), *(el("td", None, cell) for cell in cells))


def contact_page(contact: BehindContact | None, contact_id: str, zone: ZoneInfo) -> str:
    """What is known of one contact, and how to ask the warehouse for all of it."""
    if contact is None:
        known = el("p", None, "The board does not hold this contact: it holds those of today and yesterday.")
    else:
        lines = (
            ("Contact", contact.contact_id),
            ("Queue", contact.queue),
            ("Channel", wording.channel(contact.channel).lower() if contact.channel else None),
            ("Agent", contact.agent),
            ("State", contact.phase.replace("_", " ").lower()),
            ("Initiated", stamp_text(contact.initiated, zone)),
            ("Entered the queue", stamp_text(contact.enqueued, zone)),
            ("Wait", wording.duration(contact.wait_s)),
            ("Connected to the agent", stamp_text(contact.connected, zone)),
            ("Ended", stamp_text(contact.ended, zone)),
            ("Handle time", wording.duration(contact.handle_s)),
            ("Known from", "its contact record" if contact.is_final else "events; its record has not come"),
        )
        rows = (
            el("tr", None, el("th", {"scope": "row"}, label), el("td", None, value or wording.NOTHING))
            for label, value in lines
        )
        known = el("div", {"class": "wide"}, el("table", None, el("tbody", None, *rows)))
    quoted = "".join(sign for sign in contact_id if sign.isalnum() or sign == "-")[:64]
    command = f"trunkline sql \"SELECT * FROM contact_record WHERE contact_id = '{quoted}'\""
    ask = el("p", {"class": "soft"}, "All columns: ", el("code", None, command))
    back = el("p", None, el("a", {"href": contacts_url("open")}, "All open contacts"))
    return plain_page("Contact", [known, ask, back])
