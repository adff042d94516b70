"""What the board shows is what the live state says: tiles, levels, arrivals, alerts, and the contacts behind numbers."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import live_events
import msgspec
import pytest
from html_page import parse
from live_events import NOON, QUEUE, after, agent_event, contact_event, contact_record, folded, snapshot, stamp

from trunkline.errors import UsageError
from trunkline.live.agents import total_agents
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.live.terms import LIVE_METRICS
from trunkline.live.views import agent_views, queue_views, today
from trunkline.serve.wallboard.alerts import AlertLog, StreamHealth, find_alerts, webhook_body
from trunkline.serve.wallboard.board import Board, BoardClock
from trunkline.serve.wallboard.drill import behind, whats
from trunkline.serve.wallboard.fragments import parts_of
from trunkline.serve.wallboard.options import BoardOptions, Thresholds, load_options, numbers_of, save_options
from trunkline.serve.wallboard.snapshot import BoardSnapshot, Level, arrivals_of, judge, take_snapshot
from trunkline.simulator.events.day import EventKind

ZONE = ZoneInfo("America/New_York")
PHONE = re.compile(r"\+\d{7,}")


def snapshot_of(state: LiveState, now: Any, options: BoardOptions | None = None, before: Any = None) -> BoardSnapshot:
    agents = agent_views(state, now)
    arrivals = arrivals_of(state, state.rules.day_of(now))
    return take_snapshot(state, now, options or BoardOptions(), agents, total_agents(agents), arrivals, before)


def queued(contact_id: str, at_s: float = 0) -> bytes:
    return contact_event("QUEUED", contact_id, queueInfo={"queueArn": QUEUE, "enqueueTimestamp": stamp(after(at_s))})


@pytest.fixture(scope="module")
def afternoon() -> tuple[LiveState, Any]:
    """A simulated centre at 14:00, with records of what ended before."""
    day = live_events.simulated(1500, 3)
    now = NOON.replace(hour=19)  # 14:00 in New York
    state = LiveState(LiveRules(zone=ZONE, x_by_queue={"Sales": 30}))
    for at, _, text in live_events.texts_of(day):
        if at <= now:
            state.apply(text, at)
    return state, now


def test_tiles_are_the_states_queues(afternoon) -> None:
    """Each queue and channel has a tile with its numbers; agents' own queues and contacts without a queue have none."""
    state, now = afternoon
    taken = snapshot_of(state, now)
    views = {(view.group.queue_id, view.group.channel): view for view in queue_views(state, now)}
    assert len(taken.queues) >= 7
    for tile in taken.queues:
        view = views[tile.queue_id, tile.channel]
        assert (tile.waiting, tile.in_progress, tile.target_s) == (view.waiting, view.in_progress, view.target_s)
        assert tile.service_level == view.today["SERVICE_LEVEL"].value
        if tile.waiting_since is not None:
            assert (now - tile.waiting_since).total_seconds() == view.longest_wait_s
        assert tile.name in {"Sales", "Support", "Billing", "Retention", "Chat", "Back office", "Collections"}
    assert taken.day.service_level == today(state, now)["SERVICE_LEVEL"].value
    assert sum(taken.day.arrivals[28:]) == 0  # nothing after 14:00
    assert taken.day.arrived > 300


def test_every_number_has_its_contacts(afternoon) -> None:
    """The list behind a number has as many contacts as the number says, for each queue and for all together."""
    state, now = afternoon
    numbers = today(state, now)
    for metric in LIVE_METRICS:
        found = behind(state, now, metric.name, None, None, 10_000)
        if metric.shape == "count":
            assert found.counted == numbers[metric.name].value
        elif metric.shape == "rate" and found.count:
            assert found.counted * 100 / found.count == pytest.approx(numbers[metric.name].value)
    taken = snapshot_of(state, now)
    for tile in taken.queues:
        for what, value in (
            ("waiting", tile.waiting),
            ("in_progress", tile.in_progress),
            ("CONTACTS_HANDLED", tile.handled),
        ):
            assert behind(state, now, what, tile.queue_id, tile.channel, 10_000).count == value
    assert behind(state, now, "arrived", None, None, 10_000).count == taken.day.arrived
    with pytest.raises(UsageError, match="SERVICE_LEVEL"):
        behind(state, now, "nonsense", None, None, 10)


def test_no_customer_number_is_on_the_board(afternoon) -> None:
    """Neither the parts nor the lists contain a telephone number, which the events and records do."""
    state, now = afternoon
    taken = snapshot_of(state, now)
    shown = "".join(parts_of(taken, find_alerts(taken, StreamHealth({}, {}, True), BoardOptions()), ZONE).values())
    listed = "".join(msgspec.json.encode(behind(state, now, what, None, None, 500)).decode() for what in whats())
    sent = live_events.texts_of(live_events.simulated(60, 3), kinds=frozenset((EventKind.CONTACT_RECORD,)))
    assert any(PHONE.search(text.decode()) for _, _, text in sent)
    assert PHONE.findall(shown + listed) == []


def test_parts_are_well_formed_and_unique(afternoon) -> None:
    """Each part is one element that has the part's id."""
    state, now = afternoon
    taken = snapshot_of(state, now, before=[2] * 48)
    parts = parts_of(taken, find_alerts(taken, StreamHealth({}, {}, True), BoardOptions()), ZONE)
    assert len(parts) > 30
    for name, part in parts.items():
        assert parse(part).all(part[1:].split()[0])[0].attributes["id"] == name


def test_a_time_that_runs_changes_no_part(afternoon) -> None:
    """A second later, without events, at most a passed threshold or half hour changes: the browser counts the seconds."""
    state, now = afternoon
    first = parts_of(snapshot_of(state, now), [], ZONE)
    second = parts_of(snapshot_of(state, now + timedelta(seconds=1)), [], ZONE)
    assert [name for name in first if first[name] != second.get(name)] == []


@pytest.mark.parametrize(
    ("value", "is_low_bad", "level"),
    [(None, False, 0), (2, False, 0), (3, False, 1), (8, False, 2), (80, True, 0), (7.9, True, 1), (2, True, 2)],
)
def test_levels(value: float | None, is_low_bad: bool, level: int) -> None:
    """At a threshold counts as beyond it, where high is bad; below it, where low is."""
    watch, alarm = (8, 3) if is_low_bad else (3, 8)
    assert judge(value, watch, alarm, is_low_bad=is_low_bad) is Level(level)


def test_thresholds_of_one_queue() -> None:
    """A queue's own thresholds, by id or name, win over those of all."""
    state = folded(queued("c-1"), agent_event(1, snapshot()))
    strict = Thresholds(waiting_watch=1, waiting_alarm=1)
    for key in ("q-1", "Sales"):
        tile = snapshot_of(state, after(5), BoardOptions(queue_thresholds={key: strict})).queues[0]
        assert (tile.level, tile.waiting_level) == (Level.ALARM, Level.ALARM)
    assert snapshot_of(state, after(5)).queues[0].level is Level.GOOD
    assert snapshot_of(state, after(5), BoardOptions(hidden_queues=("Sales",))).queues == ()


@pytest.mark.parametrize(
    ("channel", "waited_s", "count", "levels"),
    [
        ("VOICE", 59, 3, ("watch", "good")),
        ("VOICE", 60, 1, ("good", "watch")),
        ("VOICE", 180, 1, ("good", "alarm")),
        ("EMAIL", 3_600, 9, ("good", "good")),
        ("EMAIL", 4 * 3_600, 1, ("good", "watch")),
        ("EMAIL", 4 * 3_600, 8, ("alarm", "watch")),
        ("EMAIL", 8 * 3_600, 1, ("good", "alarm")),
        ("TASK", 3_600, 9, ("good", "good")),
    ],
)
def test_a_wait_is_judged_by_its_channels_target(
    channel: str, waited_s: int, count: int, levels: tuple[str, str]
) -> None:
    """A call is late within minutes, an e-mail after hours; of e-mails the late ones are counted."""
    rules = LiveRules(x_by_channel={"EMAIL": 14_400, "TASK": 14_400})
    events = [
        contact_event(
            "QUEUED", f"c-{n}", channel=channel, queueInfo={"queueArn": QUEUE, "enqueueTimestamp": stamp(NOON)}
        )
        for n in range(count)
    ]
    taken = snapshot_of(folded(*events, rules=rules), after(waited_s))
    (tile,) = taken.queues
    assert (tile.waiting_level.word, tile.wait_level.word) == levels
    alerts = find_alerts(taken, StreamHealth({}, {}, False), BoardOptions())
    assert len(alerts) == (levels != ("good", "good"))
    if channel == "EMAIL" and levels[0] == "alarm":
        assert alerts[0].text.startswith("8 contacts waiting for longer than 4 hours")
    own = BoardOptions(queue_thresholds={"q-1": Thresholds()})
    (strict,) = snapshot_of(folded(*events, rules=rules), after(waited_s), own).queues
    assert strict.wait_level is judge(waited_s, 60, 180)


@pytest.mark.parametrize(
    ("at", "keys"),
    [
        ("2026-03-06T21:30:00+00:00", ["queue/q-1/CHAT", "stream/quiet"]),  # Friday 16:30 in New York
        ("2026-03-07T03:00:00+00:00", []),  # at night
        ("2026-03-07T15:00:00+00:00", []),  # Saturday
        ("2026-03-09T12:59:00+00:00", []),  # Monday 8:59, after the change to daylight saving time
        ("2026-03-09T13:04:00+00:00", ["queue/q-1/CHAT"]),  # open for 4 minutes
        ("2026-03-09T13:07:00+00:00", ["queue/q-1/CHAT", "stream/quiet"]),
        ("2026-03-10T15:00:00+00:00", []),  # a holiday
    ],
)
def test_alerts_are_silent_while_closed(at: str, keys: list[str], tmp_path: Path) -> None:
    """Hours and holidays that are set on the page: no queue alarms and no freshness alarms at night or on a holiday."""
    now = live_events.NOON.fromisoformat(at)
    entered = {"queueArn": QUEUE, "enqueueTimestamp": "2026-03-06T21:00:00Z"}
    board = Board(LiveState(LiveRules(zone=ZONE)), tmp_path / "wallboard.json", BoardClock(lambda: now), True)
    hours = {"opening_hours": "Mon-Fri 09:00-17:00", "holidays": ("2026-03-10",)}
    board.change_options(BoardOptions(**hours))  # type: ignore[arg-type]
    board.apply([contact_event("QUEUED", "c-1", channel="CHAT", queueInfo=entered)], now)
    board.tick()
    assert sorted(alert.key for alert in board.alerts.open) == sorted(keys)
    assert (board.quiet_s() >= 300) is ("stream/quiet" in keys)


def test_arrivals_against_last_week() -> None:
    """Of the half hour that has begun, last week's share of it counts."""
    state = folded(*(queued(f"c-{n}", n) for n in range(5)))
    before = [0] * 48
    before[23], before[24] = 10, 6
    day = snapshot_of(state, after(600), before=before).day  # 12:10
    assert (day.arrived, day.arrivals[24], day.so_far_before) == (5, 5, 12)
    assert snapshot_of(state, after(600)).day.so_far_before is None


HEALTHY = {"agent_event": after(0), "contact_event": after(0), "contact_record": after(0)}


@pytest.mark.parametrize(
    ("newest_s", "lag_s", "is_connected", "keys"),
    [
        ({}, {}, True, []),
        (dict.fromkeys(HEALTHY, 0), {}, True, ["stream/quiet"]),
        (dict.fromkeys(HEALTHY, 0), {}, False, []),
        ({"agent_event": 100}, {}, True, ["stream/agent_event/quiet"]),
        ({"contact_record": -3_200}, {}, True, ["stream/contact_record/quiet"]),
        ({}, {"s": 59.0}, True, []),
        ({}, {"s": 61.0}, True, ["stream/s/lag"]),
    ],
)
def test_freshness_alarms(newest_s: dict, lag_s: dict, is_connected: bool, keys: list[str]) -> None:
    """Nothing at all, one kind alone, or a reader that is behind: each is an alarm of its own."""
    state = folded(queued("c-1"), agent_event(1, snapshot()))
    now = after(590)
    newest = {kind: after(newest_s.get(kind, 580)) for kind in HEALTHY}
    taken = replace(snapshot_of(state, now), newest=max(newest.values()))
    alerts = find_alerts(taken, StreamHealth(newest, lag_s, is_connected), BoardOptions())
    assert [alert.key for alert in alerts if alert.key.startswith("stream/")] == keys


def test_an_alert_lasts_from_its_beginning() -> None:
    """It is news when it begins, when it gets worse, and when it ends; its beginning stays."""
    state = folded(*(queued(f"c-{n}") for n in range(4)), agent_event(1, snapshot()))
    log, health = AlertLog(), StreamHealth(HEALTHY, {}, True)
    first = find_alerts(snapshot_of(state, after(10)), health, BoardOptions())
    assert [alert.level.word for alert in log.update(first, after(10))] == ["watch"]
    again = find_alerts(snapshot_of(state, after(20)), health, BoardOptions())
    assert log.update(again, after(20)) == []
    assert log.open[0].since == after(10)
    worse = find_alerts(snapshot_of(state, after(200)), health, BoardOptions())
    (news,) = log.update(worse, after(200))
    assert (news.level, news.since, news.text) == (Level.ALARM, after(10), "4 contacts waiting; longest wait over 3:00")
    ended = log.update([], after(300))
    assert [(alert.since, alert.ended) for alert in ended] == [(after(10), after(300))]
    assert (log.open, log.closed) == ([], ended)
    body = webhook_body(ended[0], "http://127.0.0.1/")
    assert body["state"] == "closed"
    assert "Sales" in str(body["text"])


def test_options_are_kept_whole(tmp_path: Path) -> None:
    """What is saved is read again; a mistake saves nothing and names itself; a damaged file names its place."""
    path = tmp_path / "home" / "wallboard.json"
    options = BoardOptions(targets_s={"Sales": 30}, sections=("queues", "alerts"), webhook="https://example.org/hook")
    save_options(path, options)
    assert load_options(path) == options
    for wrong, words in (
        (BoardOptions(thresholds=Thresholds(waiting_watch=9, waiting_alarm=2)), "waiting contacts"),
        (BoardOptions(sections=("queues", "queues")), "once"),
        (BoardOptions(webhook="javascript:alert(1)"), "webhook"),
    ):
        with pytest.raises(UsageError, match=words):
            save_options(path, wrong)
    assert load_options(path) == options
    path.write_text('{"thresholds": {"waiting_watch": "many"}}')
    with pytest.raises(UsageError, match=r"wallboard\.json.*waiting_watch"):
        load_options(path)
    assert load_options(tmp_path / "none.json") == BoardOptions()


def test_targets_as_people_write_them() -> None:
    """`Sales=30, Chat=60`; anything else is refused with what is wrong."""
    assert numbers_of(" Sales=30, Back office=90 ,") == {"Sales": 30, "Back office": 90}
    for wrong in ("Sales", "Sales=", "=30", "Sales=fast"):
        with pytest.raises(UsageError, match="QUEUE=SECONDS"):
            numbers_of(wrong)


# --- frames ---


def board_at(tmp_path: Path, now_s: float = 30) -> Board:
    return Board(LiveState(LiveRules()), tmp_path / "wallboard.json", BoardClock(lambda: after(now_s)))


def frame(data: bytes) -> dict[str, Any]:
    return json.loads(data.split(b"data: ", 1)[1])


def test_a_frame_has_what_changed(tmp_path: Path) -> None:
    """The first frame of a browser is whole; then a contact that enters a queue changes the parts that show it."""
    board = board_at(tmp_path)
    board.tick()

    async def read() -> list[dict[str, Any]]:
        stream = board.frames(lambda: True)
        await anext(stream)
        frames = [frame(await anext(stream))]
        board.apply([queued("c-1"), queued("c-2")])
        board.tick()
        frames.append(frame(await anext(stream)))
        board.apply([contact_record("c-1", Queue={"ARN": QUEUE, "EnqueueTimestamp": stamp(after(0)), "Duration": 9})])
        board.tick()
        frames.append(frame(await anext(stream)))
        await stream.aclose()
        return frames

    first, second, third = asyncio.run(read())
    assert first["full"] is True
    assert "waiting-none" in first["parts"]
    assert second["removed"] == ["queues-none", "waiting-none"]
    assert second["order"]["waiting"] == ["waiting-c-1", "waiting-c-2"]
    assert "agents-none" not in second["parts"]
    assert "waiting-c-1" in third["removed"]
    assert board.readers == set()


def test_a_slow_browser_gets_the_newest_board(tmp_path: Path) -> None:
    """A browser that does not read gets no backlog: its frames are dropped, and the whole board follows."""
    board = board_at(tmp_path)
    board.tick()

    async def read() -> list[dict[str, Any]]:
        stream = board.frames(lambda: True)
        await anext(stream)
        await anext(stream)
        for number in range(100):
            board.apply([queued(f"c-{number}", number / 10)])
            board.tick()
            assert all(len(reader.frames) <= 8 for reader in board.readers)
        frames = [frame(await anext(stream))]
        while not frames[-1].get("full"):
            frames.append(frame(await anext(stream)))
        await stream.aclose()
        return frames

    frames = asyncio.run(read())
    assert len(frames) <= 9
    assert any("100" in part for name, part in frames[-1]["parts"].items() if name.startswith("queues-"))


def test_targets_of_the_board_count_again(tmp_path: Path) -> None:
    """A new target changes the service level of the contacts that have ended already."""
    board = board_at(tmp_path, 100)
    record = {"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(after(0)), "Duration": 25}
    board.apply(
        [contact_record("c-1", Queue=record), contact_record("c-2", Queue={**record, "Duration": 5})], after(900)
    )
    assert board.snapshot().queues[0].service_level == 50
    board.change_options(BoardOptions(targets_s={"Sales": 30}))
    assert board.snapshot().queues[0].service_level == 100
    assert board_at(tmp_path, 100).options.targets_s == {"Sales": 30}
