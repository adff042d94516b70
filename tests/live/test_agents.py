"""Agents out of events: the newest snapshot in any order, activity by precedence, log-off, silence, totals."""

from __future__ import annotations

import itertools
from datetime import timedelta

import live_events as make
import pytest
from live_events import AGENT, NOON, after, agent_event, folded, offered, snapshot

from trunkline.limits import AGENT_SILENT_S
from trunkline.live.agents import Activity, AgentView, total_agents
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.live.views import agent_views


def view(state: LiveState, at_s: float) -> AgentView:
    (agent,) = agent_views(state, after(at_s))
    return agent


@pytest.mark.parametrize(
    ("states", "activity"),
    [
        (["ERROR", "MISSED", "CONNECTED"], Activity.ERROR),
        (["MISSED", "REJECTED", "CONNECTED"], Activity.MISSED),
        (["REJECTED", "CONNECTED"], Activity.REJECTED),
        (["CONNECTED_ONHOLD", "ENDED"], Activity.ON_CONTACT),
        (["PAUSED"], Activity.ON_CONTACT),
        (["ENDED", "CONNECTING"], Activity.AFTER_CONTACT_WORK),
        (["CONNECTING"], Activity.INCOMING),
        (["PENDING"], Activity.INCOMING),
        (["SOMETHING_NEW"], Activity.ON_CONTACT),
        ([], Activity.AVAILABLE),
    ],
)
def test_activity_by_precedence(states: list[str], activity: Activity) -> None:
    """Of several contacts the one that Amazon's order puts first."""
    for order in itertools.permutations(states):
        contacts = [offered(f"c-{i}", state, 1, 1) for i, state in enumerate(order)]
        assert view(folded(agent_event(1, snapshot(contacts=contacts))), 2).activity is activity


@pytest.mark.parametrize("method", ["OUTBOUND", "CALLBACK"])
def test_a_dialed_call_is_a_contact_while_it_rings(method: str) -> None:
    """Amazon counts an agent whose outbound call rings as on contact."""
    contact = offered("c", "CONNECTING", 1, InitiationMethod=method)
    assert view(folded(agent_event(1, snapshot(contacts=[contact]))), 2).activity is Activity.ON_CONTACT


def test_status_without_contacts() -> None:
    """A custom status is shown by its own name, fifty of them too; without a type the name decides."""
    for status in [f"Status {n}" for n in range(50)] + ["Break"]:
        agent = view(folded(agent_event(1, snapshot(status))), 2)
        assert (agent.activity, agent.label, agent.is_online) == (Activity.CUSTOM, status, True)
    for status, activity in (
        ("Available", Activity.AVAILABLE),
        ("Offline", Activity.OFFLINE),
        ("Tea", Activity.CUSTOM),
    ):
        old = {"AgentStatus": {"ARN": "s", "Name": status, "StartTimestamp": make.stamp(NOON)}}
        assert view(folded(agent_event(1, snapshot() | old)), 2).activity is activity
    assert view(folded(agent_event(1, snapshot("Error"))), 2).activity is Activity.ERROR


def test_an_agent_on_break_can_be_on_contact() -> None:
    """Status and activity differ: Amazon's example has an agent on Break who handles a call."""
    agent = view(folded(agent_event(5, snapshot("Break", 0, [offered("c", "CONNECTED", 5, 5)]))), 9)
    totals = total_agents([agent])
    assert (agent.status, agent.activity) == ("Break", Activity.ON_CONTACT)
    assert (totals.online, totals.on_contact, totals.non_productive, totals.available) == (1, 1, 1, 0)


def test_time_in_activity() -> None:
    """Since the status or the contact's state began; neither heartbeats nor repeated events change it."""
    state = folded(
        agent_event(30, snapshot(since_s=10)),
        agent_event(150, snapshot(since_s=10), snapshot(since_s=10), "HEART_BEAT"),
    )
    assert view(state, 160).time_in_activity_s == 150
    assert view(state, 160).age_s == 10
    state = folded(
        agent_event(40, snapshot(contacts=[offered("a", "CONNECTED", 40, 40), offered("b", "CONNECTED", 20, 20)]))
    )
    assert view(state, 50).time_in_activity_s == 30


def test_events_in_any_order_and_repeated() -> None:
    """The newest snapshot wins; of one millisecond the one whose contacts began last."""
    first = agent_event(10, snapshot(), kind="LOGIN")
    second = agent_event(20, snapshot(contacts=[offered("c", "CONNECTING", 19.9)]))
    third = agent_event(20, snapshot(contacts=[offered("c", "CONNECTED", 20, 20)]), EventId="a")
    beat = agent_event(140, snapshot("Break", 130), snapshot("Break", 130), "HEART_BEAT")
    for order in itertools.permutations([first, second, third, third]):
        assert view(folded(*order), 21).activity is Activity.ON_CONTACT
    for order in itertools.permutations([first, second, third, beat, beat]):
        assert view(folded(*order), 141).label == "Break"


def test_heartbeats_after_logout_do_not_bring_the_agent_back() -> None:
    """They go on for an hour, and their snapshot may still say Available."""
    out = agent_event(100, snapshot(since_s=10), snapshot(since_s=10), "LOGOUT")
    beat = agent_event(220, snapshot(since_s=10), snapshot(since_s=10), "HEART_BEAT")
    for order in itertools.permutations([agent_event(10, snapshot(since_s=10), kind="LOGIN"), out, beat]):
        agent = view(folded(*order), 230)
        assert (agent.activity, agent.is_online, agent.since) == (Activity.OFFLINE, False, after(100))
    again = folded(out, beat, agent_event(400, snapshot(since_s=400), kind="LOGIN"))
    assert view(again, 401).is_online
    assert view(folded(out, beat, agent_event(400, snapshot(since_s=400))), 401).is_online, "the log-in was lost"


def test_a_silent_agent_counts_nowhere() -> None:
    """Without heartbeats nobody knows; the agent stays in the list with the last known state."""
    state = folded(agent_event(0, snapshot()))
    assert not view(state, AGENT_SILENT_S).is_silent
    agent = view(state, AGENT_SILENT_S + 1)
    assert (agent.is_silent, agent.is_online, agent.activity) == (True, False, Activity.AVAILABLE)
    totals = total_agents([agent])
    assert (totals.silent, totals.online, totals.available) == (1, 0, 0)


def test_totals_and_slots() -> None:
    """A chat agent with one of three chats is staffed, not available, and has slots."""
    slots = [{"Channel": "CHAT", "AvailableSlots": 2, "MaximumSlots": 3}]
    profile = {"Configuration": {"RoutingProfile": {"ARN": "p", "Concurrency": slots}}}
    chats = [offered("c", "CONNECTED", 5, 5, Channel="CHAT"), offered("d", "ENDED", 5, 5, Channel="TASKS")]
    totals = total_agents([view(folded(agent_event(5, snapshot(contacts=chats, **profile))), 6)])
    assert (totals.staffed, totals.available, totals.on_contact, totals.after_contact_work) == (1, 0, 1, 1)
    assert totals.slots == {"CHAT": (1, 2)}
    assert totals.contacts == {"CHAT": 1, "TASK": 1}


def test_next_status_rename_and_move() -> None:
    """The next status shows that routing is paused; a renamed agent in another team is the same agent."""
    levels = {"Level1": {"ARN": "x", "Name": "EMEA"}, "Level2": {"ARN": "y", "Name": "Team 1"}}
    after_move = snapshot(
        Configuration={"Username": "ana.new", "FirstName": "Ana", "LastName": "Diaz", "AgentHierarchyGroups": levels},
        NextAgentStatus={"Name": "Lunch", "ARN": "n", "EnqueuedTimestamp": make.stamp(after(9))},
    )
    agent = view(folded(agent_event(1, snapshot()), agent_event(10, after_move)), 11)
    assert (agent.username, agent.name, agent.levels, agent.next_status) == (
        "ana.new",
        "Ana Diaz",
        ("EMEA", "Team 1"),
        "Lunch",
    )


def test_two_instances_in_one_stream() -> None:
    """Agents are told apart by their ARN."""
    other = agent_event(1, snapshot("Break"), AgentARN=AGENT.replace("inst-1", "inst-2"))
    views = agent_views(folded(agent_event(1, snapshot()), other), after(2))
    assert sorted(agent.label for agent in views) == ["Available", "Break"]


def test_who_left_is_forgotten() -> None:
    """A day after the last event."""
    state = folded(agent_event(0, snapshot()))
    state.sweep(NOON + timedelta(hours=23))
    assert state.agents
    state.sweep(NOON + timedelta(hours=25))
    assert not state.agents


def test_an_empty_snapshot_is_offline() -> None:
    """Null snapshots are no error."""
    agent = view(folded(agent_event(0, None)), 1)
    assert (agent.activity, agent.is_online, agent.username) == (Activity.OFFLINE, False, None)
    assert LiveState(LiveRules()).agents == {}
