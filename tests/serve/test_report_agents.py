"""Agents in the report: statuses, occupancy, names and teams, from events and users of a simulated day."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from homes import load_into, opened, settings_of

from trunkline.metrics.question import Threshold
from trunkline.pipelines.jobs.measuring import write_report
from trunkline.pipelines.reading import open_reader
from trunkline.serve.report.data import ReportData, read
from trunkline.serve.report.period import Period, day_period
from trunkline.simulator.oracle.agent_metrics import agent_answers
from trunkline.simulator.oracle.agent_statistics import AgentStatistics, agent_statistics
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec, StreamFaults

SPEC = Spec(contacts=250, seed=8, zone="America/New_York", events=StreamFaults())
OBJECTS = {
    "contact_record": "contact-records", "agent_event": "agent-events", "users": "users",
    "routing_profiles": "routing-profiles", "agent_hierarchy_groups": "agent-hierarchy-groups",
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AgentStatistics, dict[str, str]]:
    """A home, the agents' statistics from the raw events, and routing profiles' names by agent id."""
    folder = tmp_path_factory.mktemp("report")
    simulate(SPEC, folder / "out", others=tuple(OBJECTS))
    with opened(folder / "home") as home:
        for name, place in OBJECTS.items():
            load_into(home, folder / "out" / place, obj=home.objects[name])
    decoder = json.JSONDecoder()
    events = []
    for path in sorted((folder / "out/agent-events").rglob("*"), key=str):
        text = path.read_text() if path.is_file() else ""
        while text:
            event, end = decoder.raw_decode(text)
            events.append(event)
            text = text[end:].lstrip()
    profiles = {
        event["AgentARN"].rpartition("/")[2]: event["CurrentAgentSnapshot"]["Configuration"]["RoutingProfile"]["Name"]
        for event in events
    }
    return folder / "home", agent_statistics(events, {}), profiles


def _read(home: Path, period: Period) -> ReportData:
    with open_reader(settings_of(home)) as reader:
        return read(reader.warehouse, period, Threshold(20))


def test_statuses_and_occupancy_equal_the_oracle(loaded: tuple[Path, AgentStatistics, dict[str, str]]) -> None:
    """Each agent's time online and away in the time line is that of the events; so is the occupancy."""
    home, statistics, profiles = loaded
    period = day_period(SPEC.date, SPEC.zone)
    since, until = (round((at - type(at)(1970, 1, 1)).total_seconds() * 1000) for at in (period.since, period.until))
    online = agent_answers(statistics, "SUM_ONLINE_TIME_AGENT", ("agent",), None, "UTC", since, until)
    away = agent_answers(statistics, "SUM_NON_PRODUCTIVE_TIME_AGENT", ("agent",), None, "UTC", since, until)
    occupancy = agent_answers(statistics, "AGENT_OCCUPANCY", ("agent",), None, "UTC", since, until)
    data = _read(home, period)
    assert len(data.agents) > 5
    for row in data.agents:
        assert row.agent_id is not None
        spans: dict[str, timedelta] = defaultdict(timedelta)
        for segment in row.segments:
            assert period.since <= segment.since < segment.until <= period.until
            spans[segment.kind] += segment.until - segment.since
        key = (row.agent_id,)
        assert (spans["online"] + spans["away"]).total_seconds() == pytest.approx(online[key], abs=0.001)
        assert spans["away"].total_seconds() == pytest.approx(away[key], abs=0.001)
        assert row.occupancy == occupancy[key]
        assert row.team.split(" · ")[0] == profiles[row.agent_id]
        assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", row.name or "")
    assert any(" · " in row.team for row in data.agents)


def test_the_page_says_what_statuses_mean(loaded: tuple[Path, AgentStatistics, dict[str, str]], tmp_path: Path) -> None:
    """The legend has them, and gaps are no longer unknown; names and teams are escaped text beside each other."""
    home, _, _ = loaded
    with open_reader(settings_of(home)) as reader:
        write_report(reader, day_period(SPEC.date, SPEC.zone), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "break or another own status" in page
    assert "Gaps are unknown" not in page
    assert 'class="online"' in page
    assert 'class="team"' in page
