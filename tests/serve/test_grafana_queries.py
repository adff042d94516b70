"""Every panel's query, with its macros expanded, on an engine that speaks it: the numbers are the simulator's.

HistoryQuery runs on a real PostgreSQL, and as Athena's SQL on the lake. LiveQuery series run as InfluxQL on a real InfluxDB where
one is installed; Timestream's SQL runs on DuckDB as a stand-in, which has `max_by` and stands in for `bin` and
`from_milliseconds` by macros of the test: it proves the statement's logic, not Timestream's parser.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import series_servers
from homes import load_into, opened, placed
from servers import Databases

from tools.servers import missing, program_path
from trunkline.live.agents import total_agents
from trunkline.live.fold import LiveState
from trunkline.live.points import SERIES, Point, board_points
from trunkline.live.rules import LiveRules
from trunkline.live.views import agent_views, queue_views
from trunkline.metrics.catalogue import select
from trunkline.metrics.question import Threshold
from trunkline.pipelines.reading import Reader, open_reader, query
from trunkline.serve.grafana.boards import boards
from trunkline.serve.grafana.model import STACKS, Dashboard, HistoryQuery, LiveQuery, Panel, QualityQuery, StorePair
from trunkline.serve.grafana.queries import query_text, queue_ids, queue_names, variable_threshold
from trunkline.simulator.events.day import StreamFaults
from trunkline.simulator.oracle.oracle import answers
from trunkline.simulator.oracle.terms import TrueContact
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec

SPEC = Spec(contacts=300, seed=3, events=StreamFaults())
NOW = datetime(2026, 3, 3, 16, 0)
SINCE, UNTIL = NOW - timedelta(hours=4), NOW
QUEUE = "Support"
X = variable_threshold(Threshold(20, {}, {"TASK": 14_400, "EMAIL": 14_400}))
X_ORACLE = {"default": 20, "CHAT": 45, "TASK": 14_400, "EMAIL": 14_400}
BOARDS = boards()
ATHENA, _, POSTGRES = STACKS
HISTORY = [
    pytest.param(board, panel, stack, id=f"{stack.engine}-{board.name}-{panel.title}")
    for stack in (ATHENA, POSTGRES)
    for board in BOARDS
    for panel in board.panels
    if isinstance(panel.query, HistoryQuery)
]
LIVE = [
    pytest.param(board, panel, id=f"{board.name}-{panel.title}")
    for board in BOARDS
    for panel in board.panels
    if isinstance(panel.query, LiveQuery)
]


@dataclass(frozen=True)
class Loaded:
    reader: Reader
    contacts: list[TrueContact]
    queue_id: str
    states: list[tuple[datetime, LiveState]]

    def run(self, sql: str, stack: StorePair) -> list[dict[str, Any]]:
        answer = query(self.reader, sql, "athena" if stack.engine == "athena" else None)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


@pytest.fixture(scope="module")
def loaded(postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """A simulated day in a lake and in PostgreSQL, and the live state at each of the last minutes before NOW."""
    folder = tmp_path_factory.mktemp("grafana")
    simulated = simulate(SPEC, folder / "sim")
    with placed(postgres_databases):
        with opened(folder / "home") as home:
            for name, files in (("contact_record", simulated.folder), ("agent_event", folder / "sim" / "agent-events"),
                                ("contact_event", folder / "sim" / "contact-events")):  # fmt: skip
                load_into(home, files, obj=home.objects[name])
            settings = home.settings
        queue_id = next(c.queue_id for c in simulated.contacts if c.queue_name == QUEUE)
        with open_reader(settings) as reader:
            yield Loaded(reader, simulated.contacts, str(queue_id), _states(folder / "sim"))


def _states(folder: Path) -> list[tuple[datetime, LiveState]]:
    """The fold of the events that happened before each minute."""
    texts = []
    for path in sorted((*folder.glob("agent-events/**/*"), *folder.glob("contact-events/**/*"))):
        if path.is_file():
            texts += [text.encode() for text in path.read_text().replace("}{", "}\n{").splitlines()]
    dated = sorted(((_happened(json.loads(text)), text) for text in texts), key=lambda pair: pair[0])
    states = []
    for minute in range(5, -1, -1):
        at = (NOW - timedelta(minutes=minute)).replace(tzinfo=UTC)
        state = LiveState(LiveRules())
        assert state.apply_all([text for happened, text in dated if happened <= at], at) == []
        states.append((at, state))
    return states


def _happened(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event.get("EventTimestamp") or event["time"])


def expanded(text: str, stack: StorePair, queue_id: str = "") -> str:
    """The macros and variables as the plugins replace them, from their sources."""
    if stack.engine == "athena":
        times = [f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}'" for at in (SINCE, UNTIL)]
    else:
        times = [f"'{at:%Y-%m-%dT%H:%M:%SZ}'" for at in (SINCE, UNTIL)]
    for macro, value in {
        "$__timeFrom()": times[0],
        "$__timeTo()": times[1],
        "$open_days": "7",
        "${queue:sqlstring}": f"'{QUEUE}'",
        "$queue_id": queue_id,
        "$__interval_ms": "60000",
        "${x}": "20",
        "${x_chat}": "45",
        "${x_task}": "14400",
        "${x_email}": "14400",
        "${goal}": "75.5",
    }.items():
        text = text.replace(macro, value)
    assert "$" not in text
    return text


def by_oracle(
    contacts: list[TrueContact], asked: HistoryQuery, of_queue: bool
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    chosen = [contact for contact in contacts if contact.queue_name == QUEUE] if of_queue else contacts
    return answers(chosen, asked.metrics, asked.by, asked.interval, "UTC", X_ORACLE, since=SINCE, until=UNTIL)


@pytest.mark.parametrize(("board", "panel", "stack"), HISTORY)
def test_history_equals_the_oracle(loaded: Loaded, board: Dashboard, panel: Panel, stack: StorePair) -> None:
    """Each metric of each group and interval is the oracle's."""
    asked = panel.query
    assert isinstance(asked, HistoryQuery)
    rows = loaded.run(expanded(query_text(panel, stack, X, board.of_queue), stack), stack)
    keys = [d.key for d in select(asked.metrics)[0].of.obj.dimensions if d.name in asked.by]
    keys += ["time"] if asked.interval else []
    found = {tuple(_time(row[key]) for key in keys): tuple(row[name.lower()] for name in asked.metrics) for row in rows}
    expected = by_oracle(loaded.contacts, asked, board.of_queue)
    assert found == expected
    assert found
    if asked.interval:
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    if panel.has_goal:
        assert {float(row["goal"]) for row in rows} == {75.5}


def _time(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d \d", value) else value


@pytest.mark.parametrize("stack", [ATHENA, POSTGRES], ids=lambda stack: stack.engine)
def test_checks_of_the_data_count_every_contact(loaded: Loaded, stack: StorePair) -> None:
    """Each check counts the contacts that ended in the time range, once each, whatever was delivered again."""
    ended = [c for c in loaded.contacts if c.disconnected_at and SINCE <= _naive(c.disconnected_at) < UNTIL]
    panels = [panel for board in BOARDS for panel in board.panels if isinstance(panel.query, QualityQuery)]
    assert len(panels) == 3
    for panel in panels:
        rows = loaded.run(expanded(query_text(panel, stack, X, of_queue=False), stack), stack)
        assert sum(row["contacts"] for row in rows) == len(ended)
        assert set(panel.units) <= rows[0].keys()
        if "arrived_after_avg" in rows[0]:
            assert all(0 <= row["arrived_after_avg"] <= row["arrived_after_max"] for row in rows)
            hours = {
                _naive(c.disconnected_at).replace(minute=0, second=0, microsecond=0) for c in ended if c.disconnected_at
            }
            assert {_time(row["time"]) for row in rows} == hours


def _naive(at: Any) -> datetime:
    at = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else at
    return at.replace(tzinfo=None)


@pytest.mark.parametrize("stack", [ATHENA, POSTGRES], ids=lambda stack: stack.engine)
def test_the_queue_is_chosen_by_its_name(loaded: Loaded, stack: StorePair) -> None:
    """One variable lists the names, the other finds the id of the chosen name."""
    names = {row["queue_name"] for row in loaded.run(expanded(queue_names(stack), stack), stack)}
    ended = [c for c in loaded.contacts if c.disconnected_at and SINCE <= _naive(c.disconnected_at) < UNTIL]
    assert names == {c.queue_name for c in ended if c.queue_name}
    assert loaded.run(expanded(queue_ids(stack), stack), stack) == [{"queue_id": loaded.queue_id}]


def test_athena_reads_only_the_partitions_of_the_time_range(loaded: Loaded) -> None:
    """Every query of Athena has bounds of year and of the whole date; without the files of other days it is the same."""
    for board in BOARDS:
        for panel in board.panels:
            if not isinstance(panel.query, LiveQuery):
                text = query_text(panel, ATHENA, X, board.of_queue)
                assert '"year" BETWEEN' in text
                assert '"year" || \'-\' || "month" || \'-\' || "day" BETWEEN' in text
    panel = BOARDS[0].history[1]
    text = expanded(query_text(panel, ATHENA, X, of_queue=False), ATHENA)
    later = text.replace(f"{SINCE:%Y-%m-%d %H}", "2026-03-12 12").replace(f"{UNTIL:%Y-%m-%d %H}", "2026-03-13 16")
    assert loaded.run(text, ATHENA)
    # A span whose partitions hold no contact finds none, even with the times of contacts put in.
    times = later.replace(
        "\"disconnect_timestamp\" >= TIMESTAMP '2026-03-12 12:00:00'", '"disconnect_timestamp" IS NOT NULL'
    )
    assert loaded.run(times, ATHENA) == []


# --- live series ---


def points_of(loaded: Loaded) -> list[Point]:
    return [point for at, state in loaded.states for point in board_points(state, at)]


def expected_now(
    points: list[Point], asked: LiveQuery, queue_id: str | None, at: datetime
) -> dict[Any, dict[str, float]]:
    """The fields of the points at an instant by group: counts summed, times the longest."""
    groups: dict[Any, dict[str, list[float]]] = {}
    for point in points:
        tags = dict(point.tags)
        if point.series == asked.series and point.at == at and (queue_id is None or tags.get("queue") == queue_id):
            values = groups.setdefault(tuple(tags.get(tag, "") for tag in asked.by), {})
            for field in asked.fields:
                if field in point.fields:
                    values.setdefault(field, []).append(point.fields[field])
    units = {field: SERIES[asked.series].fields[field][0] for field in asked.fields}
    return {
        group: {field: max(v) if units[field] in ("seconds", "flag") else sum(v) for field, v in values.items()}
        for group, values in groups.items()
    }


def expected_series(points: list[Point], asked: LiveQuery, queue_id: str | None) -> list[dict[str, float]]:
    times = sorted({point.at for point in points})
    return [now[()] for at in times if (now := expected_now(points, asked, queue_id, at))]


def checked(rows: list[dict[str, Any]], points: list[Point], asked: LiveQuery, queue_id: str | None) -> None:
    """Rows of a store against the points."""
    numbers = [{f: float(row[f]) for f in asked.fields if row[f] is not None} for row in rows]
    if asked.over_time:
        assert numbers == expected_series(points, asked, queue_id)
        return
    found = {tuple(row[tag] or "" for tag in asked.by): n for row, n in zip(rows, numbers, strict=True)}
    expected = expected_now(points, asked, queue_id, NOW.replace(tzinfo=UTC))
    assert found == (expected if asked.by else {(): expected.get((), {})})


@pytest.mark.parametrize(("board", "panel"), LIVE)
def test_timestream_shows_the_live_state(loaded: Loaded, board: Dashboard, panel: Panel) -> None:
    """What is now, and each minute, as the points say. On a stand-in: see above."""
    asked, points = panel.query, points_of(loaded)
    assert isinstance(asked, LiveQuery)
    series = SERIES[asked.series]
    con = duckdb.connect()
    columns = ", ".join([*(f"{tag} VARCHAR" for tag in series.tags), *(f"{field} DOUBLE" for field in series.fields)])
    con.execute(f'CREATE TABLE "live" (measure_name VARCHAR, time TIMESTAMP, {columns})')
    con.execute("CREATE MACRO from_milliseconds(ms) AS make_timestamp(CAST(ms AS BIGINT) * 1000)")
    con.execute("CREATE MACRO bin(instant, width) AS time_bucket(width, instant)")
    for point in points:
        if point.series == asked.series:
            values = {
                "measure_name": point.series,
                "time": point.at.replace(tzinfo=None),
                **dict(point.tags),
                **point.fields,
            }
            marks = ", ".join(f"${n}" for n in range(1, len(values) + 1))
            con.execute(f'INSERT INTO "live" ({", ".join(values)}) VALUES ({marks})', list(values.values()))
    start, end = (int(at.replace(tzinfo=UTC).timestamp() * 1000) for at in (SINCE, UNTIL))
    text = query_text(panel, ATHENA, X, board.of_queue)
    for macro, value in {
        "$__database": "main",
        "$__table": '"live"',
        "$__timeFilter": f"time BETWEEN from_milliseconds({start}) AND from_milliseconds({end})",
        "$__interval_ms": "INTERVAL '60000 milliseconds'",
        "${__to}": str(end),
        "$queue_id": loaded.queue_id,
    }.items():
        text = text.replace(macro, value)
    assert "$" not in text
    answer = con.execute(text)
    names = [column[0] for column in answer.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    checked(rows, points, asked, loaded.queue_id if board.of_queue else None)


@pytest.fixture(scope="module")
def influx(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if program_path("influxd") is None:
        pytest.skip(missing("influxd"))
    servers = series_servers.influxd(tmp_path_factory.mktemp("influx"))
    server = next(servers)
    server.store.write(points_of(loaded), NOW.replace(tzinfo=UTC))
    yield server.store
    server.store.close()
    servers.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("board", "panel"), LIVE)
def test_influxdb_shows_the_live_state(influx: Any, loaded: Loaded, board: Dashboard, panel: Panel) -> None:
    """The same in InfluxQL, on a real InfluxDB."""
    asked, points = panel.query, points_of(loaded)
    assert isinstance(asked, LiveQuery)
    start, end = (int(at.replace(tzinfo=UTC).timestamp() * 1000) for at in (SINCE, UNTIL))
    text = query_text(panel, STACKS[1], X, board.of_queue)
    for macro, value in {
        "$timeFilter": f"time >= {start}ms and time <= {end}ms",
        "$__interval": "60s",
        "${__to}": str(end),
        "$queue_id": loaded.queue_id,
    }.items():
        text = text.replace(macro, value)
    assert "$" not in text
    address = influx._to
    url = f"http://{address.netloc}/query?" + urllib.parse.urlencode({"db": "live", "epoch": "ms", "q": text})
    (result,) = json.loads(series_servers.ask(url))["results"]
    assert "error" not in result
    rows = [
        {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
        for series in result.get("series", [])
        for values in series["values"]
    ]
    if not rows and not asked.by:
        rows = [dict.fromkeys(asked.fields)]
    checked(rows, points, asked, loaded.queue_id if board.of_queue else None)


@pytest.mark.parametrize(("board", "panel"), LIVE)
def test_postgresql_shows_the_live_state(loaded: Loaded, board: Dashboard, panel: Panel) -> None:
    """The same from the events in the warehouse; contacts that ring are in queue there."""
    asked = panel.query
    assert isinstance(asked, LiveQuery)
    rows = loaded.run(expanded(query_text(panel, POSTGRES, X, board.of_queue), POSTGRES, loaded.queue_id), POSTGRES)
    if asked.over_time:
        assert len(rows) == 4 * 60 + 1
        rows = rows[-len(loaded.states) :]
        assert [row["waiting"] for row in rows] == [_present(state, at)["waiting"] for at, state in loaded.states]
        return
    at, state = loaded.states[-1]
    if not asked.by:
        (row,) = rows
        expected = _present(state, at, loaded.queue_id if board.of_queue else None)
        for field in asked.fields:
            assert (float(row[field]) if row[field] is not None else None) == expected[field], field
        return
    for field in (name for name in asked.fields if name in ("waiting", "in_progress", "online", "staffed")):
        assert sum(row[field] or 0 for row in rows) == _present(state, at)[field]


def _present(state: LiveState, at: datetime, queue_id: str | None = None) -> dict[str, float | None]:
    views = [v for v in queue_views(state, at) if queue_id is None or v.group.queue_id == queue_id]
    agents = total_agents(agent_views(state, at))
    return {
        "waiting": sum(view.waiting + view.offered for view in views),
        "longest_wait_s": max((view.longest_wait_s for view in views if view.longest_wait_s is not None), default=None),
        "in_progress": sum(view.in_progress for view in views),
        "online": agents.online,
        "staffed": agents.staffed,
        "non_productive": agents.non_productive,
        "without_record": 0,
    }
