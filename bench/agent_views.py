"""A week of agent events in the lake: what a question about one day reads of them, through the views and without.

The views read every event (`objects/agents/activity.py` says why); the events of the day and of the days beside it are
what a view with a bound on time would read.
"""

from __future__ import annotations

import re
import statistics
import time
from datetime import date
from pathlib import Path

from measure import scratch

from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.reading import Reader, open_reader, query
from trunkline.settings.installation import Settings
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec, StreamFaults

_DAY = "{time} >= TIMESTAMP '2026-03-05 00:00:00' AND {time} < TIMESTAMP '2026-03-06 00:00:00'"
_DATE = "year || '-' || month || '-' || day"
QUESTIONS = {
    "events of three days, by partition": "SELECT MAX(event_timestamp), COUNT(*) FROM lake.agent_event "
    f"WHERE {_DATE} BETWEEN '2026-03-04' AND '2026-03-06'",
    **{
        f"{view}, {span}": f"SELECT COUNT(*), MAX({at}) FROM lake.{view} WHERE {condition.format(time=at)}"
        for view, at in (
            ("agent_activity", "interval_start_time"),
            ("agent_statistic_record", "interval_start_time"),
            ("agent_contact_state", "state_start_timestamp"),
            ("agent_queue_statistic_record", "interval_start_time"),
        )
        for span, condition in (("one day", _DAY), ("the week", "true"))
    },
}


def _reads(reader: Reader, sql: str) -> tuple[int, int, int]:
    """How often a query scans the events, and the files and rows that all of these scans read."""
    ((_, plan),) = reader.con_with_lake().execute(f"EXPLAIN ANALYZE {sql}").fetchall()
    scans = [scan for scan in plan.split("Table Scan")[1:] if "/agent_event/" in scan]
    files = [int(re.findall(r"Total Files Read:\s+(\d+)", scan)[0]) for scan in scans]
    rows = [int(re.findall(r"([\d,]+) rows", scan)[0].replace(",", "")) for scan in scans]
    return len(scans), sum(files), sum(rows)


def _load(folder: Path, contacts: int) -> Settings:
    spec = Spec(contacts=contacts, days=7, date=date(2026, 3, 8), events=StreamFaults())
    data = simulate(spec, folder / "made", others=("agent_event",))
    settings = Settings.load(folder / "home", {})
    with open_home(settings) as home:
        load(home, OBJECTS["agent_event"], [str(folder / "made" / "agent-events")])
        load(home, OBJECTS["contact_record"], [str(data.folder)])
    return settings


def _measure(reader: Reader, sql: str, repeats: int) -> tuple[float, float]:
    """Median seconds of a query by the clock, and of CPU."""
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        query(reader, sql, "duckdb")
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def run(quick: bool) -> None:
    with scratch() as folder, open_reader(_load(folder, 100 if quick else 2_100)) as reader:
        print("\nagent events of a week in the lake")
        print(f"  {'question':<44}{'scans':>6}{'files':>7}{'rows':>10}{'wall s':>9}{'CPU s':>8}")
        for name, sql in QUESTIONS.items():
            scans, files, rows = _reads(reader, sql)
            wall, cpu = _measure(reader, sql, 1 if quick else 3)
            print(f"  {name:<44}{scans:>6}{files:>7}{rows:>10,}{wall:>9.2f}{cpu:>8.2f}")
