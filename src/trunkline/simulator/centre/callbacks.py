"""Queued callbacks: the customer hangs up and keeps the place; the system dials when an agent is free."""

from __future__ import annotations

from trunkline.simulator.centre.centre import Agent
from trunkline.simulator.centre.contact import Contact, State
from trunkline.simulator.centre.engine import Engine

_ATTEMPTS_MAX = 2
_RETRY_S = 600
_WAIT_S_MAX = 3 * 3600
_UNANSWERED = 0.2


def accept(sim: Engine, one: Contact) -> None:
    """A waiting customer takes the offer of a callback: the call ends, its successor waits instead."""
    queue = one.queue
    assert queue is not None
    sim.leave_queue(one)
    child = sim.contact("VOICE", "CALLBACK", one)
    one.state = State.DONE
    one.disconnected_at = one.completed_at = sim.now + sim.rng.randrange(3, 25)
    one.reason = sim.rng.choice(("CONTACT_FLOW_DISCONNECT", "CUSTOMER_DISCONNECT"))
    sim.at(sim.now + sim.rng.choice((0, 30, 60)), sim.enqueue, child, queue, _WAIT_S_MAX)


def is_unanswered(sim: Engine, one: Contact, agent: Agent) -> bool:
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


def _retry(sim: Engine, one: Contact) -> None:
    child = sim.contact("VOICE", "CALLBACK", one)
    assert one.queue is not None
    sim.at(sim.now + _RETRY_S, sim.enqueue, child, one.queue, _WAIT_S_MAX)
