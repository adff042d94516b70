"""Schedule adherence equals an independent computation from the raw events and the schedule, on every engine."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from homes import Record, load_into, opened

from trunkline.metrics.adherence import ADHERENCE_METRICS
from trunkline.metrics.catalogue import select
from trunkline.metrics.question import Grouping, Threshold
from trunkline.pipelines.home import Home
from trunkline.pipelines.reading import open_reader, query
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.spec import Spec, StreamFaults
from trunkline.sql.metric_query import compile_metrics

QUARTER, MINUTE = 900_000, 60_000
ARN = "arn:aws:connect:us-east-1:111122223333:instance/i1/shift-activity"
BREAK, TRAINING, LUNCH, LEAVE, UNKNOWN = (f"{ARN}/{name}" for name in ("break", "training", "lunch", "leave", "none"))
TYPES = {
    BREAK: ("Break", "NON_PRODUCTIVE", True),
    TRAINING: ("Training", "PRODUCTIVE", True),
    LUNCH: ("Lunch", "NON_PRODUCTIVE", False),
    LEAVE: ("Leave", "LEAVE", True),
}
MINUTES = ((None, 97), (BREAK, 13), (TRAINING, 30), (LUNCH, 31), (UNKNOWN, 16), (LEAVE, 45), (BREAK, 240), (None, 600))
"""The activities of a shift, one after the other: what, and how long."""
FAULTS = StreamFaults(loss=0.03, duplication=0.05, delay=0.02, reordering=0.05)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _text(ms: int) -> str:
    """As Athena writes it: without an offset."""
    return str(datetime(1970, 1, 1) + timedelta(milliseconds=ms))


def _events(seed: int) -> list[Record]:
    day = simulate_day(Spec(contacts=60, seed=seed))
    return [arrival.event for arrival in arrivals(day, FAULTS, frozenset((EventKind.AGENT_EVENT,)))]


class Schedule:
    """A shift for each agent but the last, beginning some minutes before or after the agent's first event."""

    def __init__(self, events: list[Record]) -> None:
        instance = events[0]["InstanceARN"].rpartition("/")[2]
        self.begin = min(_ms(event["EventTimestamp"]) for event in events)
        first = dict.fromkeys(sorted({event["AgentARN"] for event in events}), 0)
        for event in events:
            at = _ms(event["EventTimestamp"])
            first[event["AgentARN"]] = min(first[event["AgentARN"]] or at, at)
        self.shifts: list[Record] = []
        self.activities: list[Record] = []
        self.valid: list[tuple[str, str, int, int]] = []
        """Agent, what, begin and end of each activity that counts as scheduled."""
        made = {"instance_id": instance, "last_updated_timestamp": _text(self.begin)}
        for number, (arn, at) in enumerate(list(first.items())[:-1]):
            begin = at // MINUTE * MINUTE + (number % 7 - 3) * 11 * MINUTE
            for version in (1, 2):
                self.shifts.append(
                    {**made, "shift_id": f"s{number}", "shift_version": version, "agent_arn": arn,
                     "is_deleted": version == 2 and number == 1}
                )  # fmt: skip
                self._add_activities(made, number, version, arn, begin + (2 - version) * QUARTER)
        self.types: list[Record] = [
            {**made, "shift_activity_arn": arn, "shift_activity_version": version, "shift_activity_name": name,
             "type": type_ if version == 10 else "LEAVE", "is_adherence_tracked": tracked, "is_deleted": False}
            for arn, (name, type_, tracked) in TYPES.items() for version in (9, 10)
        ]  # fmt: skip

    def _add_activities(self, made: Record, number: int, version: int, arn: str, begin: int) -> None:
        for place, (what, minutes) in enumerate(MINUTES):
            end = begin + minutes * MINUTE
            status = "INACTIVE" if number == 2 and place == 0 else None
            is_deleted = number == 3 and place == 1
            self.activities.append(
                {**made, "shift_id": f"s{number}", "shift_version": version, "activity_id": f"a{place}",
                 "activity_start_timestamp": _text(begin), "activity_end_timestamp": _text(end),
                 "shift_activity_arn": what, "activity_status": status, "is_deleted": is_deleted}
            )  # fmt: skip
            if version == 2 and number != 1 and not status and not is_deleted:
                self.valid.append((arn, what or "", begin, end))
            begin = end


def _available(events: list[Record]) -> dict[str, list[tuple[int, int]]]:
    """Spans in which each agent was in a routable status: until the next event, 15 minutes at most."""
    distinct = {event["EventId"]: event for event in events}.values()
    by_agent = defaultdict(list)
    for event in distinct:
        status = (event["CurrentAgentSnapshot"] or {}).get("AgentStatus") or {}
        by_agent[event["AgentARN"]].append((_ms(event["EventTimestamp"]), event["EventId"], status.get("Name")))
    spans = defaultdict(list)
    for arn, states in by_agent.items():
        states.sort()
        for (at, _, name), (following, *_) in pairwise(states):
            if name == "Available":
                spans[arn].append((at, min(following, at + QUARTER)))
    return spans


def _expected(events: list[Record], schedule: Schedule) -> dict[tuple[str, str, int], tuple[int, ...]]:
    """Scheduled, adherent and non-adherent milliseconds by agent, activity and quarter, where they are known."""
    known = [_ms(event["EventTimestamp"]) for event in events]
    spans = _available(events)
    result: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for arn, what, begin, end in schedule.valid:
        name, type_, tracked = TYPES.get(what, ("Work", "PRODUCTIVE", True) if not what else ("", "", False))
        if not tracked or type_ == "LEAVE":
            continue
        at, until = max(begin, min(known)), min(end, max(known))
        while at < until:
            stop = min(until, at // QUARTER * QUARTER + QUARTER)
            available = sum(max(0, min(stop, b) - max(at, a)) for a, b in spans[arn])
            adherent = available if type_ == "PRODUCTIVE" else stop - at - available
            for place, value in enumerate((stop - at, adherent, stop - at - adherent)):
                result[arn, name, at // QUARTER * QUARTER][place] += value
            at = stop
    return {key: tuple(value) for key, value in result.items()}


def _write(path: Path, records: list[Record]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def _loaded(home: Home, folder: Path, events: list[Record], schedule: Schedule) -> None:
    for name, records in (
        ("agent_event", events),
        ("staff_shifts", schedule.shifts),
        ("staff_shift_activities", schedule.activities),
        ("shift_activities", schedule.types),
    ):
        result = load_into(home, _write(folder / f"{name}.json", records), obj=home.objects[name])
        assert result.counts.dead_letter == 0


SUMS = (
    "SELECT agent_arn, shift_activity_name, interval_start_time, SUM(scheduled_ms), SUM(adherent_ms), "
    "SUM(non_adherent_ms) FROM {} WHERE scheduled_ms IS NOT NULL GROUP BY 1, 2, 3"
)


def _sums(rows: list[Any]) -> dict[tuple[str, str, int], tuple[int, ...]]:
    epoch, ms = datetime(1970, 1, 1), timedelta(milliseconds=1)
    return {(row[0], row[1], (row[2] - epoch) // ms): tuple(int(value) for value in row[3:]) for row in rows}


def _measured(home: Home) -> dict[str, tuple[Any, ...]]:
    names = [metric.name for metric in ADHERENCE_METRICS]
    sql = compile_metrics(select(names), Grouping(("agent",)), Threshold(20), None, None, home.warehouse.engine)
    return {row[0]: tuple(row[2:]) for row in home.warehouse.query(sql.numbered, sql.params)}


@pytest.mark.parametrize(
    "each_target", ["duckdb", "postgresql", pytest.param("redshift", marks=pytest.mark.soak)], indirect=True
)
def test_adherence_equals_an_independent_computation(tmp_path: Path, each_target: str) -> None:
    """Every quarter of an hour, and the metrics by agent; lost, repeated and late events included."""
    events = _events(31)
    schedule = Schedule(events)
    expected = _expected(events, schedule)
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for (arn, _, _), values in expected.items():
        for place, value in enumerate(values):
            totals[arn.rpartition("/")[2]][place] += value
    with opened(tmp_path / "home") as home:
        _loaded(home, tmp_path, events, schedule)
        assert _sums(home.warehouse.query(SUMS.format("connect_datalake.agent_adherence"))) == expected
        ((rows, keys),) = home.warehouse.query(
            "SELECT COUNT(*), COUNT(DISTINCT shift_id || activity_id || CAST(interval_start_time AS VARCHAR(30))) "
            "FROM connect_datalake.agent_adherence"
        )
        assert rows == keys > len(expected)
        assert _measured(home) == {
            user: (scheduled / 1000, adherent / 1000, other / 1000, pytest.approx(adherent * 100 / scheduled))
            for user, (scheduled, adherent, other) in totals.items()
        }
        settings = home.settings
    assert all(sum(column) > 0 for column in zip(*totals.values(), strict=True))
    if each_target == "duckdb":
        with open_reader(settings) as reader:
            assert _sums(reader.con_with_lake().execute(SUMS.format("lake.agent_adherence")).fetchall()) == expected
            assert _latest_shifts(reader) == len({shift["shift_id"] for shift in schedule.shifts})


def _latest_shifts(reader: Any) -> int:
    """What the common table expressions of Amazon's query on adherence read."""
    sql = """
        WITH latest_shifts AS (
          SELECT "shift_id", MAX("shift_version") AS "shift_version" FROM "connect_datalake"."staff_shifts"
          WHERE "is_deleted" = false GROUP BY "shift_id"
        )
        SELECT COUNT(DISTINCT ls."shift_id") FROM latest_shifts ls
        INNER JOIN "connect_datalake"."staff_shifts" s
          ON s."shift_id" = ls."shift_id" AND s."shift_version" = ls."shift_version"
        INNER JOIN "connect_datalake"."staff_shift_activities" b
          ON b."shift_id" = s."shift_id" AND b."shift_version" = s."shift_version"
        INNER JOIN "connect_datalake"."shift_activities" t ON t."shift_activity_arn" = b."shift_activity_arn"
        LEFT JOIN "connect_datalake"."agent_statistic_record" r ON r."user_arn" = s."agent_arn"
          AND r."interval_start_time" < b."activity_end_timestamp" AND r."interval_end_time" > b."activity_start_timestamp"
        LEFT JOIN "connect_datalake"."users" u ON u."user_arn" = s."agent_arn"
        WHERE b."is_deleted" = false AND (r."online_time" IS NULL OR DATE_DIFF('second', b."activity_start_timestamp", b."activity_end_timestamp") > 0)
    """  # fmt: skip
    ((count,),) = query(reader, sql, "athena").rows
    return int(count)


def test_without_a_schedule_metrics_are_null(tmp_path: Path) -> None:
    """Not 0 and not 100: nothing was scheduled."""
    events = _events(32)
    with opened(tmp_path / "home") as home:
        load_into(home, _write(tmp_path / "events.json", events), obj=home.objects["agent_event"])
        assert _measured(home) == {}
        names = [metric.name for metric in ADHERENCE_METRICS]
        sql = compile_metrics(select(names), Grouping(), Threshold(20), None, None, home.warehouse.engine)
        assert home.warehouse.query(sql.numbered, sql.params) == [(None,) * len(names)]


def test_schedules_load_from_csv_and_parquet(tmp_path: Path) -> None:
    """The rows of JSON files: times without an offset are UTC, and an empty field is NULL."""
    schedule = Schedule(_events(33))
    columns = list(schedule.activities[0])
    with (tmp_path / "activities.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(schedule.activities)
    read = (
        "SELECT shift_id, shift_version, activity_id, activity_start_timestamp, activity_end_timestamp, "
        "shift_activity_arn, activity_status, is_deleted FROM connect_datalake.staff_shift_activities ORDER BY ALL"
    )
    results = []
    for name in ("json", "csv", "parquet"):
        with opened(tmp_path / name) as home:
            path = tmp_path / f"activities.{name}"
            if name == "json":
                _write(path, schedule.activities)
            if name == "parquet":
                home.con.execute(
                    f"COPY (SELECT * REPLACE (activity_start_timestamp::TIMESTAMP AS activity_start_timestamp) "
                    f"FROM read_json('{tmp_path}/activities.json')) TO '{path}' (FORMAT parquet)"
                )
            load_into(home, path, obj=home.objects["staff_shift_activities"])
            results.append(home.warehouse.query(read))
    assert results[0]
    assert results[1] == results[0]
    assert results[2] == results[0]
