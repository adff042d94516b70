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


def hang_up(sim: EventLoop, contact: Contact, reason: str | None = "") -> None:
    """End the contact for its agent and start after contact work. An empty `reason` means a random one."""
    if contact.state is State.DONE:
        return
    agent = contact.agent
    assert agent is not None
    assert contact.agent_at is not None
    contact.state = State.DONE
    contact.disconnected_at = sim.now
    contact.reason = pick_reason(sim, contact.channel) if reason == "" else reason
    if contact.pre_disconnect_state is None:
        contact.pre_disconnect_state = "CONNECTED"
    if contact.interaction_s is None:
        contact.interaction_s = max(0, sim.now - contact.agent_at - contact.hold_s - (contact.pause_s or 0))
    mean = _ACW_S[contact.channel]
    contact.completed_at = sim.now
    if contact.method != "MONITOR":
        contact.acw_s = min(600, lognormal(sim, mean, 0.7)) if sim.rng.random() < 0.92 else 0
        contact.acw_at = sim.now
        contact.acw_end_at = contact.completed_at = sim.now + contact.acw_s
    if contact.acw_s is not None:
        sim.note_contact(agent, contact, "ENDED")
    sim.at(contact.completed_at, sim.release, agent, contact)
    _aftermath(sim, contact, agent)


def _aftermath(sim: EventLoop, contact: Contact, agent: Agent) -> None:
    """Create the contacts that follow: a survey by the disconnect flow, or the reply to an e-mail."""
    if contact.channel == "EMAIL" and contact.method == "INBOUND" and contact.reason == "AGENT_DISCONNECT":
        _reply(sim, contact, agent)
    elif (
        contact.channel == "VOICE"
        and contact.method == "INBOUND"
        and contact.next_id is None
        and contact.reason == "AGENT_DISCONNECT"
        and sim.rng.random() < 0.08
    ):
        survey = sim.contact("VOICE", "DISCONNECT", contact)
        survey.system_at = sim.now
        survey.disconnected_at = survey.completed_at = sim.now + sim.rng.randrange(8, 60)
        survey.reason = sim.rng.choice(("CUSTOMER_DISCONNECT", "CONTACT_FLOW_DISCONNECT"))
        survey.pre_disconnect_state = "IN_FLOW"
        survey.state = State.DONE


def _reply(sim: EventLoop, contact: Contact, agent: Agent) -> None:
    """The agent's reply is a separate contact, related to the customer's e-mail but not a leg of it."""
    reply = sim.contact("EMAIL", "AGENT_REPLY")
    reply.call_key = contact.call_key
    reply.subtype = contact.subtype
    reply.related_id = contact.contact_id
    reply.association_id = contact.association_id
    assert contact.agent_at is not None
    reply.initiated_at = contact.agent_at + (sim.now - contact.agent_at) // 2
    reply.agent = agent
    reply.agent_at = reply.initiated_at
    reply.disconnected_at = reply.completed_at = sim.now
    reply.interaction_s = sim.now - reply.initiated_at
    reply.reason = "AGENT_DISCONNECT"
    reply.pre_disconnect_state = "CONNECTED"
    reply.state = State.DONE
    sim.note_contact(agent, reply, "CONNECTED", reply.initiated_at)
    sim.note_contact(agent, reply, None)


_ATTEMPTS_MAX = 2
_RETRY_S = 600
_WAIT_S_MAX = 3 * 3600
_UNANSWERED = 0.2


def accept_callback(sim: EventLoop, contact: Contact) -> None:
    """A waiting customer accepts a callback: the call ends, and a callback contact queues instead."""
    queue = contact.queue
    assert queue is not None
    sim.leave_queue(contact)
    child = sim.contact("VOICE", "CALLBACK", contact)
    contact.state = State.DONE
    contact.disconnected_at = contact.completed_at = sim.now + sim.rng.randrange(3, 25)
    contact.reason = sim.rng.choice(("CONTACT_FLOW_DISCONNECT", "CUSTOMER_DISCONNECT"))
    sim.at(sim.now + sim.rng.choice((0, 30, 60)), sim.enqueue, child, queue, _WAIT_S_MAX)


def is_unanswered(sim: EventLoop, contact: Contact, agent: Agent) -> bool:
    """Dial the customer of a callback that an agent has accepted; True when the customer does not answer.

    The record of an unanswered attempt has no agent. The retry is its next contact.
    """
    if sim.rng.random() >= _UNANSWERED:
        return False
    ring_s = sim.rng.randrange(18, 40)
    contact.state = State.DONE
    contact.disconnected_at = contact.completed_at = sim.now + ring_s
    contact.reason = sim.rng.choice(("TELECOM_UNANSWERED", "TELECOM_UNANSWERED", "TELECOM_BUSY"))
    contact.pre_disconnect_state = "CONNECTING"
    sim.note_contact(agent, contact, "CONNECTING")
    sim.at(sim.now + ring_s, sim.release, agent, contact)
    if contact.hops < _ATTEMPTS_MAX:
        sim.at(sim.now + ring_s, _retry, sim, contact)
    return True


def _retry(sim: EventLoop, contact: Contact) -> None:
    child = sim.contact("VOICE", "CALLBACK", contact)
    assert contact.queue is not None
    sim.at(sim.now + _RETRY_S, sim.enqueue, child, contact.queue, _WAIT_S_MAX)
