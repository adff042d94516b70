"""The page: well formed, self-contained, safe from injected markup, accessible, and two printed pages."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from html_page import parse
from warehouses import call, empty_warehouse, made

from trunkline.accounting import Counts
from trunkline.metrics.question import Threshold
from trunkline.serve.report import markup
from trunkline.serve.report.charts import Bar, histogram
from trunkline.serve.report.data import Completeness
from trunkline.serve.report.page import report
from trunkline.serve.report.period import day_period, span_period

NOON = datetime(2026, 3, 3, 12, 0)
DAY = day_period(date(2026, 3, 3), "UTC")
X = Threshold(20)
COUNTS = Counts(read=12_431, inserted=10_000, updated=1_902, duplicate=512, superseded=11, dead_letter=6)
FULL = Completeness(COUNTS, {"truncated": 4, "invalid_json": 2}, 1_913, ["Field Agent.Mood is new."], 3)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></svg>&amp;",
    "\u05e9\u05dc\u05d5\u05dd \u202eevil\u202c",
    "\U0001f469\u200d\U0001f680 team",
    "x" * 300,
    "   ",
    None,
]


@pytest.fixture(scope="module")
def full(centre) -> str:
    return report(centre.con, day_period(centre.day, "America/New_York"), Threshold(20, {"Sales": 30}), FULL)


@functools.cache
def crowded() -> str:
    """The longest page: many queues and agents, long names, every dead-letter reason and much drift."""
    rows = [
        call(
            DAY.since + timedelta(seconds=28 * n),
            wait_s=n % 90,
            talk_s=None if n % 11 == 0 else 200,
            queue=n % 60,
            agent=n % 200,
            queue_name=f"A queue with a rather long name, number {n % 60}",
            agent_username=f"agent.with.a.long.name.{n % 200}@example.org",
            channel=("VOICE", "CHAT", "EMAIL", "TASK")[n % 60 % 4],
        )
        for n in range(3000)
    ]
    reasons = dict.fromkeys(("invalid_json", "truncated", "invalid_utf8", "not_an_object", "too_long", "too_deep"), 3)
    reasons |= dict.fromkeys(("corrupt_compression", "duplicate_key", "missing_key", "wrong_type"), 2)
    drift = [f"Field Agent.Something{n} is unknown in 1,234 records (kept in record_unmapped)." for n in range(30)]
    return report(
        made(rows), DAY, Threshold(20, {"q-1": 30}, {"EMAIL": 14_400}), Completeness(COUNTS, reasons, 1_913, drift, 3)
    )


def test_page_is_well_formed_and_whole(full: str) -> None:
    """Every element is closed; every section is present; the accounting line is exact."""
    root = parse(full)
    titles = [element.text for element in root.all("h2")]
    assert titles == [
        "What stood out",
        "Service level and arrivals by half hour",
        "Waiting times",
        "Handle times",
        "Abandoned after",
        "Channels",
        "Queues",
        "Agents and their day",
        "Is anything missing?",
    ]
    assert len(root.of_class("tile")) == 12
    assert COUNTS.sentence() in root.text
    assert "Field Agent.Mood is new." in root.text
    assert "the text ends inside a record" in root.text
    assert "no status such as Available or Break" in root.text


@pytest.mark.parametrize("make", ["full", "crowded", "empty"])
def test_page_needs_nothing_else(make: str, full: str) -> None:
    """The file has no URL, script, external font or external image."""
    html = {"full": lambda: full, "crowded": crowded, "empty": lambda: report(empty_warehouse(), DAY, X, FULL)}[make]()
    for needle in (
        "http:",
        "https:",
        "//",
        "src=",
        "href",
        "@import",
        "url(",
        "<script",
        "<link",
        "javascript:",
        "onload",
    ):
        assert needle not in html.lower(), needle
    assert "default-src 'none'" in parse(html).all("meta")[1].attributes["content"]


def test_names_are_escaped() -> None:
    """Markup, direction marks, emoji, length and spaces in a name change no element of the page."""
    rows = [
        call(NOON + timedelta(minutes=n), queue=n, agent=n, queue_name=name, agent_username=name)
        for n, name in enumerate(HOSTILE)
        for _ in range(12)
    ]
    drift = [name for name in HOSTILE if name]
    root = parse(report(made(rows), DAY, X, Completeness(COUNTS, {"<b>": 1}, 0, drift)))
    assert not root.all("script")
    assert not root.all("img")
    assert not [element for element in root.walk() for name in element.attributes if name.startswith("on")]
    cells = [element.text for element in root.all("th") if element.attributes.get("scope") == "row"]
    for name in HOSTILE:
        shown = name.replace("\u202e", "\ufffd").replace("\u202c", "\ufffd") if name and name.strip() else None
        assert shown is None or cells.count(shown) == 2, name
    assert "unnamed queue q-7" in cells
    assert "unnamed agent a-6" in cells
    assert "\u202e" not in root.text
    assert all(element.all("bdi") for element in root.of_class("name"))


def test_no_customer_data_is_on_the_page(centre, full: str) -> None:
    """No phone number of a customer or of the centre, although this warehouse keeps them."""
    assert len(centre.numbers) > 100
    assert [number for number in centre.numbers if number in full or number.lstrip("+") in full] == []
    assert re.findall(r"\+\d{7,}", full) == []


def test_empty_warehouse_says_what_to_do() -> None:
    """Without any contact the page shows the command to load some, and no charts."""
    root = parse(report(empty_warehouse(), DAY, X, Completeness()))
    assert "There are no contacts yet" in root.text
    assert "trunkline load" in root.text
    assert "Nothing has been loaded." in root.text
    assert not root.all("svg")


def test_a_day_without_contacts_names_days_with() -> None:
    """If the day has no contacts, the page names the range of days that have some."""
    root = parse(report(made([call(NOON)]), day_period(date(2026, 3, 9), "UTC"), X, FULL))
    assert "from 3 March 2026 12:02 to 3 March 2026 12:02 (UTC)" in root.text


def test_data_that_begin_within_the_day_before_are_not_compared() -> None:
    """The page says when the data start."""
    midnight = DAY.since
    contacts = [call(midnight + timedelta(hours=1)), call(midnight - timedelta(hours=5)), call(NOON)]
    root = parse(report(made(contacts), DAY, X, FULL))
    assert {change.text for change in root.of_class("change")} == {""}
    assert "no comparison: the data start on 2 March 2026 19:0" in root.text


def test_nothing_before_means_no_change() -> None:
    """Without contacts on the day before there is no comparison, and the page says why."""
    root = parse(report(made([call(NOON)]), DAY, X, FULL))
    assert {element.text for element in root.of_class("change")} == {""}
    assert "no comparison: no contact ended on Monday 2 March 2026" in root.text
    assert not root.of_class("before")


@pytest.mark.parametrize(
    "row",
    [
        {"queue_enqueue_timestamp": None, "queue_duration_ms": None, "queue_id": None, "queue_name": None},
        {"agent_id": None, "agent_connected_to_agent_timestamp": None, "agent_interaction_duration_ms": None},
        {"queue_duration_ms": None},
        {"initiation_timestamp": None, "channel": None, "agent_username": None},
        {"disconnect_timestamp": NOON - timedelta(hours=1)},
    ],
    ids=["not queued", "not handled", "wait missing", "nameless", "ended before it began"],
)
def test_a_page_is_made_of_one_odd_contact(row: dict) -> None:
    """Missing and impossible values give a page with dashes for unknown values, never `None` or `nan`."""
    html = report(made([call(NOON) | row]), DAY, X, FULL)
    parse(html)
    assert (
        re.findall(r"\b(None|nan|inf|NULL)\b", parse(html).all("main")[0].text.replace("None: every field", "")) == []
    )


def test_an_abandoned_contact_without_a_wait_is_beside_the_chart() -> None:
    """The chart's total is the headline's, and the page says how many of them are in no bar."""
    rows = [call(NOON, wait_s=wait_s, talk_s=None) for wait_s in (8, 8, 40)]
    html = report(made([*rows, call(NOON, talk_s=None) | {"queue_duration_ms": None}, call(NOON)]), DAY, X, FULL)
    text = parse(html).text
    assert "4 contacts gave up, by how long they had waited. 1 of them without a recorded wait." in text
    assert parse(html).of_class("tile")[6].text.startswith("Abandoned4")
    bars = dict(re.findall(r"([^<>:]+): ([0-9]+) gave up, [^<]* contacts with such a wait", html))
    assert sum(map(int, bars.values())) == 3


def test_counts_that_do_not_add_up_are_reported() -> None:
    """The page reports an accounting that does not balance."""
    wrong = Completeness(Counts(read=10, inserted=4))
    text = parse(report(made([call(NOON)]), DAY, X, wrong)).text
    assert "do not add up" in text
    assert "accounted for" not in text


def test_a_span_of_hours_is_a_report_too() -> None:
    """Any span gives a page. Over a day there are no time lines; over two days slots are hours."""
    con = made([call(NOON + timedelta(hours=n)) for n in range(96)])
    short = parse(report(con, span_period(NOON, NOON + timedelta(hours=6), "UTC"), X, FULL))
    assert short.of_class("strip")
    long = parse(report(con, span_period(NOON, NOON + timedelta(days=3), "UTC"), X, FULL))
    assert not long.of_class("strip")
    assert "Service level and arrivals by hour" in [element.text for element in long.all("h2")]


def test_charts_and_tables_are_accessible(full: str) -> None:
    """Every chart has a title; table headers have a scope; ids are unique."""
    root = parse(full)
    pictures = [element for element in root.all("svg") if element.attributes.get("role") == "img"]
    assert len(pictures) > 10
    assert all(element.all("title") for element in pictures)
    assert all(element.attributes.get("scope") in ("col", "row") for element in root.all("th"))
    ids = [element.attributes["id"] for element in root.walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in pictures:
        assert set((element.attributes.get("aria-labelledby") or "").split()) <= set(ids)


@pytest.mark.parametrize(("text", "is_close"), [("1,294", True), ("129", False)])
def test_numbers_above_bars_do_not_touch(text: str, is_close: bool) -> None:
    """Long numbers above many bars are in a smaller font."""
    picture = histogram("id", "title", "description", [Bar(1, text, "title")] * 13, [])
    assert ("above close" in picture) is is_close


def test_changes_are_given_in_words(full: str) -> None:
    """A good or bad change is marked with a word, not only with a colour."""
    root = parse(full)
    toned = root.of_class("better") + root.of_class("worse")
    assert toned
    assert {element.text.strip() for element in toned} <= {"better", "worse"}


def _luminance(colour: str) -> float:
    digits = colour * 2 if len(colour) == 3 else colour
    if len(colour) == 3:
        digits = "".join(digit * 2 for digit in colour)
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_have_enough_contrast(theme: str) -> None:
    """Text has a contrast of 4.5 to 1 on background and card, marks 3 to 1 on the card, in both themes."""
    css = markup.CSS.split("@media screen and (prefers-color-scheme:dark)")[0 if theme == "light" else 1]
    colours = dict(re.findall(r"--(\w+):#([0-9a-f]{3,6});", css))

    def contrast(name: str, other: str) -> float:
        low, high = sorted((_luminance(colours[name]), _luminance(colours[other])))
        return (high + 0.05) / (low + 0.05)

    for ground in ("ground", "card"):
        assert [name for name in ("ink", "soft", "good", "bad") if contrast(name, ground) < 4.5] == []
    assert [name for name in ("main", "warm", "before") if contrast(name, "card") < 3] == []


def test_same_warehouse_same_page(centre) -> None:
    """The page is deterministic to the byte, and small enough to send."""
    period = day_period(centre.day, "UTC")
    first = report(centre.con, period, X, FULL)
    assert first == report(centre.con, period, X, FULL)
    assert len(crowded().encode()) < 400_000


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="printing needs Chromium")
@pytest.mark.parametrize("make", ["crowded", "empty", pytest.param("full", marks=pytest.mark.soak)])
def test_prints_on_one_or_two_pages(make: str, full: str, tmp_path: Path) -> None:
    """Printed on A4 by a real browser: two pages at most, also with the maximum of queues, agents and findings."""
    html = {
        "full": lambda: full,
        "crowded": crowded,
        "empty": lambda: report(empty_warehouse(), DAY, X, Completeness()),
    }
    page, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(html[make](), encoding="utf-8")
    flags = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
    flags += [
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={tmp_path / 'profile'}",
        f"print-to-pdf={pdf}",
    ]
    subprocess.run(
        [str(CHROMIUM), *(f"--{flag}" for flag in flags), page.as_uri()], check=True, capture_output=True, timeout=60
    )
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
    assert pages == (1 if make == "empty" else 2)


def week_page() -> str:
    """A quiet week with a busy Thursday noon."""
    monday = datetime(2026, 3, 2)
    rows = [call(monday + timedelta(hours=n), wait_s=5) for n in range(168)]
    rows += [call(monday + timedelta(days=3, hours=12, seconds=n), wait_s=n, agent=n) for n in range(60)]
    return report(made(rows), span_period(monday, monday + timedelta(days=7), "UTC"), X, FULL, 85)


def test_a_week_names_its_days() -> None:
    """The busiest hour says its day, the axis has one label a day, and the title is of days."""
    root = parse(week_page())
    assert "Thursday 5 March 12:00\u201313:00" in root.of_class("stood")[0].text
    ticks = [element.text for element in root.of_class("tick")]
    assert [tick for tick in ticks if tick[:3] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")] == [
        "Mon 2", "Tue 3", "Wed 4", "Thu 5", "Fri 6", "Sat 7", "Sun 8",
    ]  # fmt: skip
    assert root.all("h1")[0].text == "Monday 2 March 2026 to Sunday 8 March 2026"
    assert "7 days" in root.all("header")[0].text


def test_the_goal_is_a_line_in_the_chart() -> None:
    """The wanted service level is drawn and named."""
    root = parse(week_page())
    assert "goal, 85%" in root.of_class("legend")[0].text
    line = next(element for element in root.of_class("goal") if element.name == "line")
    assert float(line.attributes["y1"]) == pytest.approx(122 - 0.85 * 114, abs=0.01)


def test_few_contacts_are_muted() -> None:
    """An hour with under five contacts is a grey dot on no line, a pale bar and a grey row; a busy one is not."""
    root = parse(week_page())
    assert len([dot for dot in root.of_class("dot") if "lone" in dot.attributes["class"]]) == 167
    assert len(root.of_class("muted")) == 167
    (details,) = (e for e in root.all("details") if "Numbers behind these charts" in e.text)
    (busy,) = (row for row in details.all("tr") if "muted" not in (row.attributes.get("class") or "") and row.all("td"))
    assert busy.text.startswith("Thu 5 12:00")


def test_all_agents_are_behind_a_line_that_opens_them() -> None:
    """The agents beyond those with time lines are in the page, each once."""
    root = parse(week_page())
    (details,) = (e for e in root.all("details") if e.text.startswith("Show all agents"))
    names = [element.text for element in root.of_class("name") if element.text.startswith("agent")]
    assert len(names) == len(set(names)) == 60
    assert len(details.of_class("name")) == 34


def test_channels_are_named(full: str) -> None:
    """Each channel has a row with its own time, and each queue names its channels."""
    cards = {card.all("h2")[0].text: card for card in parse(full).of_class("card") if card.all("h2")}
    rows = {row.all("th")[0].text: row.all("td")[0].text for row in cards["Channels"].all("tr") if row.all("td")}
    assert rows.keys() == {"Voice", "Chat", "Task", "E-mail"}
    queues = {row.all("th")[0].text: row.all("td")[0].text for row in cards["Queues"].all("tr") if row.all("td")}
    assert queues["Back office"] in ("Task, E-mail", "E-mail, Task")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_nothing_is_cut_off_on_a_phone(full: str, tmp_path: Path) -> None:
    """At a phone's width no table is wider than the page: rows are cards, with the column's title at each number."""
    probe = (
        "<script>document.title=[document.documentElement.scrollWidth>innerWidth,"
        "...[...document.querySelectorAll('.cards')].map(e=>e.scrollWidth>e.clientWidth+1),"
        "getComputedStyle(document.querySelector('.cards td'),'::before').content].join('|')</script>"
    )
    frame = tmp_path / "phone.html"
    body = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", full).replace("</body>", probe + "</body>")
    frame.write_text(body, encoding="utf-8")
    flags = ["headless", "no-sandbox", "disable-gpu", "no-first-run", "window-size=500,900", "dump-dom"]
    done = subprocess.run(
        [str(CHROMIUM), *(f"--{flag}" for flag in flags), f"--user-data-dir={tmp_path / 'profile'}", frame.as_uri()],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert re.findall(r"<title>(.*?)</title>", done.stdout)[0] == 'false|false|false|false|"Within"'


def test_occupancy_is_shown_where_there_are_agent_events() -> None:
    """Half an hour on a contact and half an hour idle is 50%; without agent events there is no such column."""
    con = made([call(NOON, talk_s=1800)])
    assert "Occupancy" not in parse(report(con, DAY, X, FULL)).text
    con.local.execute(
        "CREATE OR REPLACE VIEW connect_datalake.agent_statistic_record AS SELECT 'a-1' AS user_id, 'agent1' AS "
        f"agent_username, TIMESTAMP '{NOON}' AS interval_start_time, 1800000 AS agent_on_contact_time, "
        "1200000 AS agent_idle_time, 600000 AS agent_offered_time"
    )
    root = parse(report(con, DAY, X, FULL))
    (row,) = (tr for tr in root.all("tr") if tr.text.startswith("agent1"))
    assert [cell.text for cell in row.all("td")][-1] == "50.0%"
