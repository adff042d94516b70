"""The wallboard: from an event that was read to the frame that shows it, at 1,000 events a second.

The server's own part: fold, view, markup, difference, encoding, and the hand-over to each open board; not the network
and not the browser. Events change agents in turn; one that is
replaced before it was shown counts until the later one is shown.
"""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta

import msgspec
from measure import Line, scratch, show

from trunkline import clock
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.serve.wallboard.board import Board
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.spec import Spec

AGENTS = 300
BOARDS = 20
EVENTS_S = 1_000
TARGET_MS = 100
_MARK = re.compile(rb"mark-(\d+)")


def _agent_event(number: int) -> bytes:
    """A new status of one of the agents in turn, whose name is the event's number."""
    now = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    status = {"ARN": "s", "Name": f"mark-{number}", "Type": "CUSTOM", "StartTimestamp": now}
    configuration = {"Username": f"agent-{number % AGENTS}"}
    return msgspec.json.encode(
        {
            "AgentARN": f"arn:aws:connect:eu-west-2:1:instance/i/agent/{number % AGENTS}",
            "EventId": f"e-{number}",
            "EventTimestamp": now,
            "EventType": "STATE_CHANGE",
            "CurrentAgentSnapshot": {"AgentStatus": status, "Configuration": configuration, "Contacts": []},
        }
    )


def _busy_state(contacts: int) -> LiveState:
    """Half a simulated day, moved to end now: queues, contacts that wait, and the day's sums."""
    day = list(arrivals(simulate_day(Spec(contacts=contacts)), kinds=frozenset((EventKind.CONTACT_EVENT,))))
    middle = day[len(day) // 2].at_s
    shift = clock.now() - datetime.fromtimestamp(middle, UTC)
    state = LiveState(LiveRules())
    for arrival in day:
        if arrival.at_s <= middle:
            state.apply(_shifted(msgspec.json.encode(arrival.event), shift), clock.now())
    return state


def _shifted(text: bytes, shift: timedelta) -> bytes:
    def move(match: re.Match[bytes]) -> bytes:
        at = datetime.fromisoformat(match[1].decode()) + shift
        return b'"' + at.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode() + b'"'

    return re.sub(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"', move, text)


def _shown(sent: dict[int, float], mark: int) -> list[float]:
    """When an event and the agent's earlier ones, which it replaces, were read."""
    times = []
    while (at := sent.pop(mark, None)) is not None:
        times.append(at)
        mark -= AGENTS
    return times


async def _measure(board: Board, seconds: float) -> tuple[list[float], float]:
    """Latencies in milliseconds, and the share of a core that was used."""
    sent: dict[int, float] = {}
    latencies: list[float] = []

    def feed() -> None:
        started, number = time.monotonic(), 0
        while (elapsed_s := time.monotonic() - started) < seconds:
            while number < elapsed_s * EVENTS_S:
                text = _agent_event(number)
                sent[number] = time.monotonic()
                board.apply([text])
                number += 1
            time.sleep(0.001)

    async def read(is_measured: bool) -> None:
        async for frame in board.frames(lambda: True):
            if is_measured:
                now = time.monotonic()
                for mark in {int(mark) for mark in _MARK.findall(frame)}:
                    latencies.extend((now - at) * 1000 for at in _shown(sent, mark))

    tasks = [asyncio.create_task(board.run()), *(asyncio.create_task(read(n == 0)) for n in range(BOARDS))]
    await asyncio.sleep(0.5)
    cpu_s, wall_s = time.process_time(), time.monotonic()
    await asyncio.to_thread(feed)
    used = (time.process_time() - cpu_s) / (time.monotonic() - wall_s)
    await asyncio.sleep(0.5)
    board.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(sent) == 0, f"{len(sent)} events were shown by no frame"
    return latencies, used


def run(quick: bool) -> None:
    with scratch() as folder:
        board = Board(_busy_state(500 if quick else 4_000), folder / "wallboard.json", is_connected=True)
        board.tick()  # the metrics are compiled once, before the first page is served
        latencies, used = asyncio.run(_measure(board, 3 if quick else 20))
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    show(
        f"board: {len(latencies):,} events at {EVENTS_S:,} a second, {AGENTS} agents, {BOARDS} boards",
        [
            Line("event read to frame sent, p50", p50, "ms"),
            Line("event read to frame sent, p99", p99, "ms", target=f"under {TARGET_MS} ms"),
            Line("CPU of the process, the generator of events included", used * 100, "% of a core"),
        ],
    )


if __name__ == "__main__":
    run(quick=False)
