"""The board in a real Chromium: live update, reconnect, staleness, the token, drill-down, keyboard, widths."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_process import BoardProcess
from live_events import QUEUE, after, agent_event, contact_event, contact_record, offered, snapshot, stamp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TOKEN = "a-long-token-of-a-test"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install --no-install-recommends chromium"),
]
# Screenshots are written here where it is set, for people to look at.
SHOTS = os.environ.get("WALLBOARD_SHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: make .venv/.dev")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoardProcess]:
    with BoardProcess(tmp_path_factory.mktemp("board")) as process:
        yield process


@pytest.fixture
def page(browser, board) -> Iterator:
    """A page of the board that reports what goes wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    problems: list[str] = []
    foreign: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("request", lambda request: foreign.append(request.url) if not is_own(request.url, board) else None)
    yield opened
    opened.close()
    context.close()
    assert foreign == []
    # What the browser itself says of a server that is away, or of a missing session, is no fault of the page.
    assert [problem for problem in problems if "net::ERR_" not in problem and "401" not in problem] == []


def is_own(url: str, board: BoardProcess) -> bool:
    return url.startswith((board.url, "data:", "about:", board.url.replace("http:", "ws:")))


def wait(page, condition: str, timeout_s: float = 15) -> None:
    """Until a condition in JavaScript holds; the page's own policy forbids Playwright's way, which evaluates a text."""
    deadline = time.monotonic() + timeout_s
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, (
            f"{condition} did not come true; the page has: {page.inner_text('main')[:1500]}"
        )
        page.wait_for_timeout(50)


def queued(contact_id: str, at_s: float = 0) -> bytes:
    queue = {"queueArn": QUEUE, "enqueueTimestamp": stamp(after(at_s))}
    return contact_event("QUEUED", contact_id, queueInfo=queue)


def reset(board: BoardProcess, now_s: float = 30) -> None:
    """One agent on a call and one contact waiting, 30 seconds after noon."""
    board.set_time(after(now_s))
    contact = offered("c-talk", "CONNECTED", 5, 5)
    board.send(
        agent_event(5, snapshot(contacts=[contact]), kind="LOGIN"), queued("c-talk"), queued("c-wait"),
        contact_record("c-done", Queue={"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(after(0)), "Duration": 5}),
    )  # fmt: skip


def shoot(page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def tile_number(page, label: str):
    return page.locator(f".tile dl > div:has(dt:text-is('{label}')) dd a").first


def test_an_event_reaches_the_screen(page, board) -> None:
    """A contact enters a queue: the tile, the list and the timers say so without a reload."""
    reset(board)
    page.goto(board.url)
    page.wait_for_selector(".tile")
    wait(page, "document.querySelectorAll('#waiting li a').length === 1")
    assert tile_number(page, "Waiting").inner_text() == "1"
    board.send(queued("c-2", 20), queued("c-3", 25))
    wait(page, "document.querySelectorAll('#waiting li a').length === 3")
    assert tile_number(page, "Waiting").inner_text() == "3"
    assert page.locator(".tile .level.watch").first.inner_text().strip() == "▲ watch"
    timer = page.locator("#waiting li .since").first
    before = timer.inner_text()
    wait(page, f"document.querySelector('#waiting li .since').textContent !== '{before}'")
    agent = page.locator(".agent")
    assert agent.locator(".who").inner_text() == "ana"
    assert agent.locator(".state").inner_text() == "On contact"
    assert "Sales" in agent.locator(".what").inner_text()
    shoot(page, "live")


def test_it_reconnects_after_a_restart_and_says_so_meanwhile(page, board) -> None:
    """While the server is away the page says that its numbers are old; afterwards it goes on by itself."""
    reset(board)
    page.goto(board.url)
    page.wait_for_selector(".tile")
    page.evaluate("window.wasNotReloaded = true")
    assert board.stop() == 0
    wait(page, "document.documentElement.classList.contains('stale')")
    assert "No connection" in page.locator("#status").inner_text()
    shoot(page, "stale")
    board.start()
    reset(board)
    board.send(queued("c-after-restart", 10))
    wait(page, "!document.documentElement.classList.contains('stale')")
    page.wait_for_selector("#waiting-c-after-restart")
    assert page.locator("#status").inner_text() == ""
    assert page.evaluate("window.wasNotReloaded") is True


def test_a_silent_stream_is_an_alarm(page, board) -> None:
    """Nothing for five minutes while a queue is open: the board says that Connect may have stopped publishing."""
    reset(board)
    page.goto(board.url)
    page.wait_for_selector("#alerts-none, #alerts li")
    board.set_time(after(30 + 400))
    page.wait_for_selector("#alerts-stream-quiet")
    assert "KMS key" in page.locator("#alerts-stream-quiet").inner_text()
    wait(page, "document.title.startsWith('(')")
    board.send(b"lag connect-ctr-stream 90")
    page.wait_for_selector("#alerts-stream-connect-ctr-stream-lag")
    board.send(b"lag connect-ctr-stream 0")
    reset(board)
    page.wait_for_selector("#alerts-stream-quiet", state="detached")


def test_a_number_leads_to_its_contacts(page, board) -> None:
    """By keyboard: from the tile's number to the list, which has as many contacts, and to one contact."""
    reset(board)
    page.goto(board.url)
    page.wait_for_selector("#waiting-c-wait")
    link = tile_number(page, "Waiting")
    expected = int(link.inner_text())
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("table")
    assert page.locator("tbody tr").count() == expected
    assert f"{expected} contact" in page.locator("main p").first.inner_text()
    shoot(page, "contacts")
    page.locator("tbody tr a").first.click()
    page.wait_for_selector("th:text-is('Entered the queue')")
    page.goto(board.url + "contacts?what=CONTACTS_QUEUED")
    assert page.locator("tbody tr").count() == 1
    assert "record" in page.locator("tbody tr").inner_text()


def test_focus_stays_when_a_tile_changes(page, board) -> None:
    """A person who goes through the page by keyboard does not lose the place to an update."""
    reset(board)
    page.goto(board.url)
    page.wait_for_selector(".tile")
    link = tile_number(page, "Waiting")
    link.focus()
    before = link.inner_text()
    board.send(queued(f"c-focus-{before}", 22))
    wait(page, f"document.querySelector('.tile .hero a').textContent !== '{before}'")
    assert page.evaluate("document.activeElement === document.querySelector('.tile .hero a')")


def test_settings_change_every_open_board(page, board) -> None:
    """A threshold and a hidden section are saved from the page, checked, and kept in the home."""
    reset(board)
    other = page.context.new_page()
    other.goto(board.url)
    other.wait_for_selector(".tile")
    page.goto(board.url + "settings")
    alarm = page.get_by_label("Waiting, alarm from").first
    alarm.fill("2")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=Not saved")  # watch is 3
    page.get_by_label("Waiting, watch from").first.fill("1")
    page.get_by_label("Service level targets, seconds (Sales=30, Chat=60)").fill("Sales=45")
    page.get_by_label("All queues (Mon-Fri").fill("Mon-Fri 9-17")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=has no valid times")
    page.get_by_label("All queues (Mon-Fri").fill("Mon-Fri 09:00-17:00")
    page.get_by_label("Single queues, one a line").fill("Sales = always\nNight = Mon-Fri 22:00-06:00")
    page.get_by_label("Holidays (").fill("2026-12-25")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=Saved; every open board shows it.")
    shoot(page, "settings")
    wait(other, "document.querySelector('.tile').textContent.includes('in 45 seconds')")
    saved = json.loads((board.folder / "wallboard.json").read_text())
    assert saved["thresholds"]["waiting_alarm"] == 2
    assert saved["targets_s"] == {"Sales": 45}
    assert saved["opening_hours"] == "Mon-Fri 09:00-17:00"
    assert saved["queue_hours"] == {"Sales": "always", "Night": "Mon-Fri 22:00-06:00"}
    assert saved["holidays"] == ["2026-12-25"]
    other.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_settings_can_be_read_in_the_light_and_in_the_dark(browser, board, scheme: str) -> None:
    """Texts, values and links stand out from the page's ground, by the contrast that WCAG asks for (4.5)."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(board.url + "settings")
    page.wait_for_selector("legend:has-text('All queues')")
    colour = "e => getComputedStyle(document.querySelector(e))"
    ground = page.evaluate(f"({colour})('body').backgroundColor")
    for selector in ("h2", "fieldset input", "fieldset .q-field__label", "header.bar nav a"):
        ink = page.evaluate(f"(({colour})('{selector}')).color")
        assert contrast(ink, ground) >= 4.5, (selector, ink, ground)
    shoot(page, f"settings-{scheme}")
    context.close()


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours as a browser writes them, the first laid over the second."""
    (*over, alpha), (*under, _) = ([*map(float, re.findall(r"[\d.]+", text)), 1.0][:4] for text in (first, second))
    mixed = [alpha * top + (1 - alpha) * below for top, below in zip(over, under, strict=True)]

    def luminance(parts: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in parts)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(mixed), luminance(under)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("name", "width", "height"), [("phone", 360, 740), ("desktop", 1280, 900), ("tv", 1920, 1080)])
def test_it_fits_the_screen(page, board, name: str, width: int, height: int) -> None:
    """No sideways scrolling at the width of a phone, and large figures on a television."""
    reset(board)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(board.url + ("?tv=true" if name == "tv" else ""))
    page.wait_for_selector(".tile")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.hero dd')).fontSize)")
    assert size >= (44 if name == "tv" else 24)
    shoot(page, name)


def test_everything_has_a_name(page, board) -> None:
    """For screen readers: each link and button has a name, headings and regions are there, and time is no live region."""
    reset(board)
    page.goto(board.url)
    page.wait_for_selector(".tile")
    nameless = "[...document.querySelectorAll('a,button')].filter(e => !(e.ariaLabel || e.textContent.trim())).length"
    assert page.evaluate(nameless) == 0
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("[role=status][aria-live=polite]").count() == 1
    assert page.evaluate("document.querySelectorAll('[aria-live] .since').length") == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the numbers"


def test_the_token_is_refused_and_accepted(browser, tmp_path: Path) -> None:
    """Without the token there is no board; with it there is, also after a restart, until the session ends."""
    environment = {"TRUNKLINE_SERVE_TOKEN": TOKEN, "TRUNKLINE_SERVE_SESSION_HOURS": "0.0015"}
    with BoardProcess(tmp_path, environment) as process:
        page = browser.new_page()
        page.set_default_timeout(15_000)
        page.goto(process.url)
        assert page.url.endswith("/login")
        page.get_by_label("Token").fill("not the token")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_selector("text=Login failed")
        shoot(page, "login")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_selector("#queues-none")
        page.wait_for_url("**/login", timeout=20_000)  # the session of 5 seconds has ended
        page.close()


def test_settings_are_changed_with_the_second_token_alone(browser, tmp_path: Path) -> None:
    """With the token for viewing the settings are shown and cannot be saved; with the one for editing they can."""
    edit = "another-long-token-of-a-test"
    environment = {"TRUNKLINE_SERVE_TOKEN": TOKEN, "TRUNKLINE_SERVE_EDIT_TOKEN": edit}
    with BoardProcess(tmp_path, environment) as process:
        page = browser.new_page()
        page.set_default_timeout(15_000)
        for token, may_edit in ((TOKEN, False), (edit, True)):
            page.goto(process.url + "login")
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_selector("#queues-none")
            page.goto(process.url + "settings")
            page.wait_for_selector("legend:has-text('All queues')")
            assert page.get_by_role("button", name="Save").count() == may_edit
            assert page.get_by_text("log in with the token for editing").count() == (not may_edit)
            assert page.get_by_label("Waiting, alarm from").first.is_editable() is may_edit
        page.get_by_label("Waiting, alarm from").first.fill("5")
        page.get_by_role("button", name="Save").click()
        page.wait_for_selector("text=Saved; every open board shows it.")
        assert json.loads((tmp_path / "wallboard.json").read_text())["thresholds"]["waiting_alarm"] == 5
        page.close()
