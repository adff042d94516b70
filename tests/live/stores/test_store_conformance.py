"""One suite for every store: the same points, in every one of them, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import live_events
import pytest
from live_events import NOON
from series_servers import MISSING, PROGRAMS_OF, SERVERS, SeriesServer

from tools.servers import missing
from trunkline.live.fold import LiveState
from trunkline.live.points import SERIES, Point, board_points, contact_event_point
from trunkline.live.rules import LiveRules
from trunkline.live.stores.registry import EXAMPLES, STORES, open_store
from trunkline.live.wire import ContactEvent


@pytest.fixture(params=[name for name in SERVERS if PROGRAMS_OF.get(name) not in MISSING])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeriesServer]:
    for opened in SERVERS[request.param](tmp_path):
        yield opened
        opened.store.close()


def point(number: float = 1.0, tag: str = "q-1", at_s: float = 0, version: int = 1, offset_ns: int = 0) -> Point:
    tags = (("channel", "VOICE"), ("queue", tag))
    return Point(
        "trunkline_queue", tags, {"waiting": number, "target_s": 0.1}, live_events.after(at_s), offset_ns, version
    )


def has(server: SeriesServer, *points: Point) -> bool:
    """Whether the store has these points and no others."""
    expected: dict = {}
    for p in points:
        at_ns = 0 if server.is_snapshot else p.time_ns // server.precision_ns * server.precision_ns
        expected.setdefault((p.series, p.tags), {})[at_ns] = dict(p.fields)
    stored = server.read()
    assert stored.keys() == expected.keys()
    for series, times in expected.items():
        assert stored[series].keys() == times.keys()
        for at_ns, fields in times.items():
            assert stored[series][at_ns] == (fields if server.is_exact else pytest.approx(fields, rel=1e-12)), series
    return True


def any_of(server: SeriesServer, *numbers: float) -> bool:
    """Whether the store has one of these numbers in its one point."""
    ((fields,),) = [tuple(times.values()) for times in server.read().values()]
    return fields["waiting"] in numbers


def test_every_store_is_tested() -> None:
    """A kind of store in the registry has a server here, and every example opens."""
    kinds = {scheme.partition("+")[0] for scheme in STORES}
    assert kinds == {name.partition("-")[0].replace("influxd", "influx") for name in SERVERS} - {"victoria"}
    assert {open_store(example).name for example in EXAMPLES} == kinds


def test_real_servers_are_tested() -> None:
    """Where the programs are there, the suite runs against them as well."""
    if MISSING:
        pytest.skip(missing(" and no ".join(MISSING)))
    assert PROGRAMS_OF.keys() <= SERVERS.keys()


def test_points_come_back(server: SeriesServer) -> None:
    """Series, tags, fields and time."""
    points = [point(1.5, at_s=-1), point(-2, "q-2"), point(1e-9, "q-3"), point(123456789012, "q-4")]
    written = server.store.write(points, NOON)
    assert (written.accepted, written.superseded, written.refused) == (4, 0, ())
    assert has(server, *points)


def test_twice_is_once(server: SeriesServer) -> None:
    """The same points again change nothing."""
    points = [point(n, f"q-{n}") for n in range(5)]
    for _ in range(3):
        assert server.store.write(points, NOON).refused == ()
    assert has(server, *points)


@pytest.mark.parametrize("numbers", [(1, 5, 3), (5, 3, 1)])
def test_points_of_one_time(server: SeriesServer, numbers: tuple[float, ...]) -> None:
    """By version or by the last write, as the store says of itself; VictoriaMetrics promises neither."""
    first, second, third = (point(number, version=version) for version, number in enumerate(numbers, start=1))
    for written in (first, third, second):
        assert server.store.write([written], NOON).refused == ()
    if server.keeps == "any":
        assert any_of(server, *numbers)
    else:
        assert has(server, third if server.keeps == "version" else second)


def test_one_call_with_one_time_twice(server: SeriesServer) -> None:
    """The higher version and the last are the same point here."""
    written = server.store.write([point(1, version=1), point(2, version=2)], NOON)
    assert written.accepted + written.superseded == 2
    assert any_of(server, 1, 2) if server.keeps == "any" else has(server, point(2))


def test_many_points(server: SeriesServer) -> None:
    """More than fit into one request of any store."""
    points = [point(n, f"q-{n}") for n in range(251)]
    assert server.store.write(points, NOON).accepted == 251
    assert has(server, *points)
    assert server.store.write([], NOON).accepted == 0


def test_odd_names(server: SeriesServer) -> None:
    """Names of queues and profiles are people's."""
    texts = ["a b", "a,b=c", 'say "hi"', "Équipe Zürich 東京", "{x}", "#1", "a" * 256, "=,", "50 % \u2013 off"]
    odd = [Point("trunkline_queue_info", (("name", text), ("queue", "q-1")), {"info": 1.0}, NOON) for text in texts]
    assert server.store.write(odd, NOON).accepted == len(odd)
    assert has(server, *odd)


def test_bad_points_are_refused_alone(server: SeriesServer) -> None:
    """With a reason; the good ones beside them are stored."""
    good = point(7)
    bad = [
        replace(good, series="cpu"),
        replace(good, fields={}),
        replace(good, fields={"waiting": float("nan")}),
        replace(good, fields={"wait": 1.0}),
        replace(good, tags=(("contact_id", "c-1"),)),
        replace(good, tags=(("queue", ""),)),
        replace(good, tags=(("queue", "a\\"),)),
        replace(good, tags=(("queue", "a\nb"),)),
        replace(good, tags=(("queue", "a" * 257),)),
        replace(good, at=NOON + timedelta(minutes=16)),
    ]
    written = server.store.write([*bad[:5], good, *bad[5:]], NOON)
    assert written.accepted == 1
    assert [refused.point for refused in written.refused] == bad
    assert all(refused.reason for refused in written.refused)
    assert has(server, good)


def test_events_of_one_millisecond_are_two_points(server: SeriesServer) -> None:
    """Where the store's times are finer than a millisecond; a snapshot has the newest alone."""
    events = [ContactEvent(contact_id=f"c-{n}", event_type="INITIATED", initiation_timestamp=NOON) for n in range(2)]
    points = [contact_event_point(event, NOON) for event in events]
    server.store.write(points, NOON)
    times = next(iter(server.read().values()))
    assert len(times) == (1 if server.is_snapshot or server.precision_ns > 1 else 2)


@pytest.fixture(scope="module")
def board() -> list[Point]:
    """All series of a simulated centre in the middle of its day."""
    state = LiveState(LiveRules())
    arrived = live_events.texts_of(live_events.simulated(150, 0))
    for now, _, text in arrived[: len(arrived) // 2]:
        state.apply(text, now)
    return [replace(point, at=NOON) for point in board_points(state, now)]


def test_a_board_in_every_store(server: SeriesServer, board: list[Point]) -> None:
    """What is stored is what was written, tag for tag."""
    assert {p.series for p in board} == SERIES.keys() - {"trunkline_contact_event"}
    written = server.store.write(board, NOON)
    assert (written.accepted, written.refused) == (len(board), ())
    assert has(server, *board)
