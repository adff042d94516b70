"""How a contact ends for its agent: reason, after contact work, follow-ups, and queued callbacks."""

from __future__ import annotations

import math

from trunkline.simulator.centre.centre import Agent, Contact, State
from trunkline.simulator.centre.engine import EventLoop

# Mean seconds of after contact work.
_ACW_S = {"VOICE": 42.0, "CHAT": 22.0, "TASK": 12.0, "EMAIL": 8.0}


def lognormal(sim: EventLoop, mean: float, sigma: float) -> int:
    """Whole seconds, at least 1, log-normal with that mean."""
    return max(1, round(sim.rng.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)))


_REASONS = {
    "VOICE": (("CUSTOMER_DISCONNECT", 0.63), ("AGENT_DISCONNECT", 0.34), ("TELECOM_PROBLEM", 0.015), (None, 0.015)),
    "CHAT": (("CUSTOMER_DISCONNECT", 0.5), ("AGENT_DISCONNECT", 0.4), ("IDLE_DISCONNECT", 0.07), (None, 0.03)),
    "TASK": (("AGENT_COMPLETED", 0.9), ("AGENT_DISCONNECT", 0.07), ("API", 0.03)),
    "EMAIL": (("AGENT_DISCONNECT", 0.95), ("DISCARDED", 0.05)),
}


def pick_reason(sim: EventLoop, channel: str) -> str | None:
    """A disconnect reason that suits the channel; Connect leaves some empty."""
    point = sim.rng.random()
    for reason, share in _REASONS[channel]:
        point -= share
        if point < 0.0:
            return reason
    return _REASONS[channel][0][0]


def hang_up(sim: EventLoop, one: Contact, reason: str | None = "") -> None:
    """The contact ends for this agent, and after contact work begins. An empty reason means: pick one."""
    if one.state is State.DONE:
        return
    agent = one.agent
    assert agent is not None
    assert one.agent_at is not None
    one.state = State.DONE
    one.disconnected_at = sim.now
    one.reason = pick_reason(sim, one.channel) if reason == "" else reason
    if one.pre_disconnect_state is None:
        one.pre_disconnect_state = "CONNECTED"
    if one.interaction_s is None:
        one.interaction_s = max(0, sim.now - one.agent_at - one.hold_s - (one.pause_s or 0))
    mean = _ACW_S[one.channel]
    one.completed_at = sim.now
    if one.method != "MONITOR":
        one.acw_s = min(600, lognormal(sim, mean, 0.7)) if sim.rng.random() < 0.92 else 0
        one.acw_at = sim.now
        one.acw_end_at = one.completed_at = sim.now + one.acw_s
    sim.at(one.completed_at, sim.release, agent)
    _aftermath(sim, one, agent)


def _aftermath(sim: EventLoop, one: Contact, agent: Agent) -> None:
    """Contacts that an ended one gives rise to: a survey by the disconnect flow, the reply to an e-mail."""
    if one.channel == "EMAIL" and one.method == "INBOUND" and one.reason == "AGENT_DISCONNECT":
        _reply(sim, one, agent)
    elif (
        one.channel == "VOICE"
        and one.method == "INBOUND"
        and one.next_id is None
        and one.reason == "AGENT_DISCONNECT"
        and sim.rng.random() < 0.08
    ):
        survey = sim.contact("VOICE", "DISCONNECT", one)
        survey.system_at = sim.now
        survey.disconnected_at = survey.completed_at = sim.now + sim.rng.randrange(8, 60)
        survey.reason = sim.rng.choice(("CUSTOMER_DISCONNECT", "CONTACT_FLOW_DISCONNECT"))
        survey.pre_disconnect_state = "IN_FLOW"
        survey.state = State.DONE


def _reply(sim: EventLoop, one: Contact, agent: Agent) -> None:
    """The agent's answer is a contact of its own, linked but not a leg of the customer's."""
    reply = sim.contact("EMAIL", "AGENT_REPLY")
    reply.call_key = one.call_key
    reply.subtype = one.subtype
    reply.related_id = one.contact_id
    reply.association_id = one.association_id
    assert one.agent_at is not None
    reply.initiated_at = one.agent_at + (sim.now - one.agent_at) // 2
    reply.agent = agent
    reply.agent_at = reply.initiated_at
    reply.disconnected_at = reply.completed_at = sim.now
    reply.interaction_s = sim.now - reply.initiated_at
    reply.reason = "AGENT_DISCONNECT"
    reply.pre_disconnect_state = "CONNECTED"
    reply.state = State.DONE


_ATTEMPTS_MAX = 2
_RETRY_S = 600
_WAIT_S_MAX = 3 * 3600
_UNANSWERED = 0.2


def accept(sim: EventLoop, one: Contact) -> None:
    """A waiting customer takes the offer of a callback: the call ends, its successor waits instead."""
    queue = one.queue
    assert queue is not None
    sim.leave_queue(one)
    child = sim.contact("VOICE", "CALLBACK", one)
    one.state = State.DONE
    one.disconnected_at = one.completed_at = sim.now + sim.rng.randrange(3, 25)
    one.reason = sim.rng.choice(("CONTACT_FLOW_DISCONNECT", "CUSTOMER_DISCONNECT"))
    sim.at(sim.now + sim.rng.choice((0, 30, 60)), sim.enqueue, child, queue, _WAIT_S_MAX)


def is_unanswered(sim: EventLoop, one: Contact, agent: Agent) -> bool:
    """Dial the customer of a callback that an agent has accepted; True when nobody answers.

    Such an attempt has no agent on its record, and a retry is its successor.
    """
    if sim.rng.random() >= _UNANSWERED:
        return False
    ring_s = sim.rng.randrange(18, 40)
    one.state = State.DONE
    one.disconnected_at = one.completed_at = sim.now + ring_s
    one.reason = sim.rng.choice(("TELECOM_UNANSWERED", "TELECOM_UNANSWERED", "TELECOM_BUSY"))
    one.pre_disconnect_state = "CONNECTING"
    sim.at(sim.now + ring_s, sim.release, agent)
    if one.hops < _ATTEMPTS_MAX:
        sim.at(sim.now + ring_s, _retry, sim, one)
    return True


def _retry(sim: EventLoop, one: Contact) -> None:
    child = sim.contact("VOICE", "CALLBACK", one)
    assert one.queue is not None
    sim.at(sim.now + _RETRY_S, sim.enqueue, child, one.queue, _WAIT_S_MAX)
