"""How each kind of demand comes in, and what the flows do with it until an agent answers."""

from __future__ import annotations

from trunkline.simulator.centre import ending, handling, outbound
from trunkline.simulator.centre.arrivals import DEMAND, local_hour
from trunkline.simulator.centre.centre import Contact, Queue, State, phone
from trunkline.simulator.centre.ending import lognormal
from trunkline.simulator.centre.engine import EventLoop

_IVR_LOST = 0.06
_IVR_SERVED = 0.045
_CHAT_PATIENCE_S = 260.0
_WORK_PATIENCE_S = 4 * 3600


def arrive(sim: EventLoop, index: int) -> None:
    """One arrival of `DEMAND[index]`."""
    demand = DEMAND[index]
    queue = sim.centre.queues[demand.queue]
    if demand.kind == "call":
        _call(sim, queue)
    elif demand.kind == "chat":
        _chat(sim, queue)
    elif demand.kind == "task":
        _task(sim, queue)
    elif demand.kind == "email":
        _email(sim, queue)
    elif demand.kind == "campaign":
        outbound.campaign(sim, queue, 0)
    elif demand.kind == "dial":
        outbound.dial(sim, queue)
    else:
        outbound.monitor(sim)


def finish(sim: EventLoop, one: Contact, reason: str | None, state: str) -> None:
    """The contact ends now without an agent."""
    one.state = State.DONE
    one.disconnected_at = one.completed_at = sim.now
    one.reason = reason
    one.pre_disconnect_state = one.pre_disconnect_state or state


def leave(sim: EventLoop, one: Contact) -> None:
    """Patience (or the time the flow allows) is over for a waiting contact."""
    sim.leave_queue(one)
    if one.warm_parent is not None:
        handling.warm_lost(sim, one)
        finish(sim, one, "AGENT_DISCONNECT", "IN_QUEUE")
    elif one.channel in ("TASK", "EMAIL"):
        finish(sim, one, "EXPIRED", "IN_QUEUE")
    elif one.method == "CALLBACK":
        finish(sim, one, None, "IN_QUEUE")
    else:
        finish(sim, one, "CUSTOMER_DISCONNECT", "IN_QUEUE")


# --- calls ---


def _call(sim: EventLoop, queue: Queue) -> None:
    is_web = sim.rng.random() < 0.015
    one = sim.contact("VOICE", "WEBRTC_API" if is_web else "INBOUND")
    one.subtype = "connect:WebRTC" if is_web else "connect:Telephony"
    one.system_at = sim.now
    hour = local_hour(sim.now)
    if not queue.opens <= hour < queue.closes - 0.25:
        sim.at(sim.now + sim.rng.randrange(8, 25), finish, sim, one, "CONTACT_FLOW_DISCONNECT", "IN_FLOW")
        return
    point = sim.rng.random()
    if point < _IVR_LOST:
        sim.at(sim.now + lognormal(sim, 20.0, 0.8), finish, sim, one, "CUSTOMER_DISCONNECT", "IN_FLOW")
    elif point < _IVR_LOST + _IVR_SERVED:
        sim.at(sim.now + lognormal(sim, 75.0, 0.4), finish, sim, one, "CONTACT_FLOW_DISCONNECT", "IN_FLOW")
    else:
        sim.at(sim.now + lognormal(sim, 38.0, 0.4), _queue_call, sim, one, queue)


def _queue_call(sim: EventLoop, one: Contact, queue: Queue) -> None:
    sim.enqueue(one, queue, handling.patience(sim, handling.PATIENCE_S))
    if one.state is State.QUEUED:
        sim.at(sim.now + sim.rng.randrange(45, 110), _comfort, sim, one)


def _comfort(sim: EventLoop, one: Contact) -> None:
    """The queue flow's turn: offer a callback, move to another queue, or send to a partner outside."""
    queue = one.queue
    if one.state not in (State.QUEUED, State.RINGING) or queue is None:
        return
    point = sim.rng.random()
    if point < 0.22 and one.state is State.QUEUED:
        ending.accept(sim, one)
    elif point < 0.32 and one.state is State.QUEUED:
        others = {"Sales": "Support", "Billing": "Support", "Retention": "Sales", "Support": "Billing"}
        _overflow(sim, one, sim.centre.queues[others.get(queue.name, "Support")])
    elif point < 0.36:
        _partner(sim, one)


def _overflow(sim: EventLoop, one: Contact, target: Queue) -> None:
    """Queue to queue: a new contact, and the old one is complete."""
    if not target.opens <= local_hour(sim.now) < target.closes - 0.25:
        return
    sim.leave_queue(one)
    child = sim.contact("VOICE", "QUEUE_TRANSFER", one)
    child.system_at = sim.now
    one.transfer_completed_at = sim.now
    finish(sim, one, None, "IN_QUEUE")
    sim.enqueue(child, target, handling.patience(sim, handling.PATIENCE_S))


def _partner(sim: EventLoop, one: Contact) -> None:
    """From the queue to an outside number: no successor, and no agent of ours.

    Where an agent was just being offered the contact, Amazon's own count (which tests PreDisconnectState) and
    what the export allows to count differ.
    """
    sim.leave_queue(one)
    one.transfer_completed_at = sim.now
    one.transferred_to = phone(710_001)
    one.state = State.DONE
    one.disconnected_at = one.completed_at = sim.now + sim.rng.randrange(20, 600)
    one.reason = "CUSTOMER_DISCONNECT"


# --- chats, tasks, e-mails ---


def _chat(sim: EventLoop, queue: Queue) -> None:
    """Inbound chats are API contacts, never INBOUND."""
    one = sim.contact("CHAT", "API")
    one.subtype = "connect:Chat" if sim.rng.random() < 0.9 else "connect:SMS"
    one.system_at = sim.now
    if not queue.opens <= local_hour(sim.now) < queue.closes - 0.25:
        sim.at(sim.now + sim.rng.randrange(4, 20), finish, sim, one, "CONTACT_FLOW_DISCONNECT", "IN_FLOW")
    elif sim.rng.random() < 0.05:
        sim.at(sim.now + lognormal(sim, 60.0, 0.6), finish, sim, one, "CUSTOMER_DISCONNECT", "IN_FLOW")
    else:
        wait_s = handling.patience(sim, _CHAT_PATIENCE_S)
        sim.at(sim.now + lognormal(sim, 25.0, 0.5), sim.enqueue, one, queue, wait_s)


def _task(sim: EventLoop, queue: Queue) -> None:
    """Tasks are created through the API, some of them for later."""
    one = sim.contact("TASK", "API")
    one.subtype = "connect:Task"
    one.system_at = sim.now
    delay_s = 1
    if sim.rng.random() < 0.15 and local_hour(sim.now) < queue.closes - 2:
        delay_s = sim.rng.randrange(5, 60) * 60
        one.scheduled_at = sim.now + delay_s
    sim.at(sim.now + delay_s, sim.enqueue, one, queue, _WORK_PATIENCE_S)


def _email(sim: EventLoop, queue: Queue) -> None:
    one = sim.contact("EMAIL", "INBOUND")
    one.subtype = "connect:Email"
    one.system_at = sim.now
    one.association_id = one.contact_id
    sim.at(sim.now + 2, sim.enqueue, one, queue, _WORK_PATIENCE_S)
