"""How each kind of demand arrives, and what the flows do with it until an agent answers; and what the centre starts.

It starts campaign calls with answering-machine detection, manual calls, and monitoring.
"""

from __future__ import annotations

from trunkline.simulator.centre import ending, handling
from trunkline.simulator.centre.arrivals import DEMAND, local_hour
from trunkline.simulator.centre.centre import Agent, Contact, Queue, State, phone
from trunkline.simulator.centre.ending import hang_up, lognormal
from trunkline.simulator.centre.engine import EventLoop

_PACE_S = 20
_PACES_MAX = 90
_HUMAN_PATIENCE_S = (25, 90)
# Answering machine detection: status, share, seconds of ringing and message, reason.
_AMD: tuple[tuple[str, float, tuple[int, int], str | None], ...] = (
    ("HUMAN_ANSWERED", 0.46, (6, 22), None),
    ("VOICEMAIL_BEEP", 0.17, (20, 55), "CONTACT_FLOW_DISCONNECT"),
    ("VOICEMAIL_NO_BEEP", 0.07, (18, 40), "CONTACT_FLOW_DISCONNECT"),
    ("AMD_UNANSWERED", 0.17, (30, 61), "TELECOM_UNANSWERED"),
    ("AMD_UNRESOLVED", 0.03, (10, 30), "CUSTOMER_DISCONNECT"),
    ("AMD_UNRESOLVED_SILENCE", 0.02, (10, 30), "CUSTOMER_DISCONNECT"),
    ("SIT_TONE_BUSY", 0.03, (3, 9), "TELECOM_BUSY"),
    ("SIT_TONE_INVALID_NUMBER", 0.02, (2, 8), "TELECOM_NUMBER_INVALID"),
    ("SIT_TONE_DETECTED", 0.01, (2, 8), "OUTBOUND_DESTINATION_ENDPOINT_ERROR"),
    ("FAX_MACHINE_DETECTED", 0.01, (5, 20), "CONTACT_FLOW_DISCONNECT"),
    ("AMD_ERROR", 0.01, (2, 10), "OUTBOUND_ATTEMPT_FAILED"),
)
_ANSWERED = ("HUMAN_ANSWERED", "VOICEMAIL_BEEP", "VOICEMAIL_NO_BEEP", "AMD_UNRESOLVED", "AMD_UNRESOLVED_SILENCE")


def campaign(sim: EventLoop, queue: Queue, paces: int) -> None:
    """Dial the next number of a campaign when an agent is likely to be free for the call."""
    if paces < _PACES_MAX and sim.idle_count(queue) <= queue.dialing:
        sim.at(sim.now + _PACE_S, campaign, sim, queue, paces + 1)
        return
    is_preview = sim.rng.random() < 0.06
    contact = sim.contact("VOICE", "CAMPAIGN_PREVIEW" if is_preview else "API")
    contact.campaign = 1 + (sim.rng.random() < 0.35)
    if is_preview:
        contact.is_preview = True
        sim.enqueue(contact, queue, sim.rng.randrange(60, 240))
        return
    status, seconds, reason = _detect(sim)
    contact.amd = status
    ring_s = sim.rng.randrange(*seconds)
    queue.dialing += 1
    sim.at(sim.now + ring_s + 2, _dialled, queue)
    if status in _ANSWERED:
        contact.system_at = sim.now + ring_s
    if status == "HUMAN_ANSWERED":
        sim.at(sim.now + ring_s + 2, sim.enqueue, contact, queue, sim.rng.randrange(*_HUMAN_PATIENCE_S))
    else:
        rest_s = sim.rng.randrange(4, 25) if status in _ANSWERED else 0
        sim.at(sim.now + ring_s + rest_s, _end, sim, contact, reason)


def _dialled(queue: Queue) -> None:
    queue.dialing -= 1


def _detect(sim: EventLoop) -> tuple[str, tuple[int, int], str | None]:
    point = sim.rng.random()
    for status, share, seconds, reason in _AMD:
        point -= share
        if point < 0.0:
            return status, seconds, reason
    return _AMD[0][0], _AMD[0][2], _AMD[0][3]


def _end(sim: EventLoop, contact: Contact, reason: str | None) -> None:
    contact.state = State.DONE
    contact.disconnected_at = contact.completed_at = sim.now
    contact.reason = reason
    contact.pre_disconnect_state = "IN_FLOW"


def dial(sim: EventLoop, queue: Queue) -> None:
    """A free agent dials out. The record names the outbound queue although the contact never waited in it."""
    agent = _free(sim)
    if agent is None:
        return
    contact = sim.contact("VOICE", "OUTBOUND")
    contact.queue = queue
    contact.agent = agent
    contact.agent_at = sim.now
    contact.state = State.CONNECTED
    sim.seize(agent, contact, "CONNECTING")
    ring_s = sim.rng.randrange(5, 25)
    if sim.rng.random() < 0.62:
        contact.system_at = sim.now + ring_s
        sim.note_contact(agent, contact, "CONNECTED", contact.system_at)
        sim.at(sim.now + ring_s + lognormal(sim, 170.0, 0.7), hang_up, sim, contact)
    else:
        reason = sim.rng.choice(("TELECOM_UNANSWERED", "TELECOM_UNANSWERED", "TELECOM_BUSY", "AGENT_DISCONNECT"))
        sim.at(sim.now + ring_s + 10, hang_up, sim, contact, reason)


def monitor(sim: EventLoop) -> None:
    """An idle agent acts as supervisor: monitors a call, and barges into one in five."""
    supervisor = next((a for a in sim.centre.agents if a.is_on_shift and a.load == 0 and not a.is_away), None)
    if supervisor is None:
        return
    contact = sim.contact("VOICE", "MONITOR")
    contact.agent = supervisor
    contact.agent_at = contact.system_at = sim.now
    contact.state = State.CONNECTED
    contact.has_barged = sim.rng.random() < 0.2
    sim.seize(supervisor, contact, "CONNECTED")
    sim.at(
        sim.now + sim.rng.randrange(30, 240),
        hang_up,
        sim,
        contact,
        "BARGED" if contact.has_barged else "AGENT_DISCONNECT",
    )


def _free(sim: EventLoop) -> Agent | None:
    names = ("Sales", "Support", "Billing")
    return next((a for name in names if (a := sim.idle_agent(sim.centre.queues[name])) is not None), None)


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
        campaign(sim, queue, 0)
    elif demand.kind == "dial":
        dial(sim, queue)
    else:
        monitor(sim)


def finish(sim: EventLoop, contact: Contact, reason: str | None, state: str) -> None:
    """End the contact now, without an agent."""
    contact.state = State.DONE
    contact.disconnected_at = contact.completed_at = sim.now
    contact.reason = reason
    contact.pre_disconnect_state = contact.pre_disconnect_state or state


def leave(sim: EventLoop, contact: Contact) -> None:
    """A waiting contact leaves its queue: the customer's patience or the flow's time limit is exhausted."""
    sim.leave_queue(contact)
    if contact.warm_parent is not None:
        handling.warm_unanswered(sim, contact)
        finish(sim, contact, "AGENT_DISCONNECT", "IN_QUEUE")
    elif contact.channel in ("TASK", "EMAIL"):
        finish(sim, contact, "EXPIRED", "IN_QUEUE")
    elif contact.method == "CALLBACK":
        finish(sim, contact, None, "IN_QUEUE")
    else:
        finish(sim, contact, "CUSTOMER_DISCONNECT", "IN_QUEUE")


# --- calls ---


def _call(sim: EventLoop, queue: Queue) -> None:
    is_web = sim.rng.random() < 0.015
    contact = sim.contact("VOICE", "WEBRTC_API" if is_web else "INBOUND")
    contact.subtype = "connect:WebRTC" if is_web else "connect:Telephony"
    contact.system_at = sim.now
    hour = local_hour(sim.now)
    if not queue.opens <= hour < queue.closes - 0.25:
        sim.at(sim.now + sim.rng.randrange(8, 25), finish, sim, contact, "CONTACT_FLOW_DISCONNECT", "IN_FLOW")
        return
    point = sim.rng.random()
    if point < _IVR_LOST:
        sim.at(sim.now + lognormal(sim, 20.0, 0.8), finish, sim, contact, "CUSTOMER_DISCONNECT", "IN_FLOW")
    elif point < _IVR_LOST + _IVR_SERVED:
        sim.at(sim.now + lognormal(sim, 75.0, 0.4), finish, sim, contact, "CONTACT_FLOW_DISCONNECT", "IN_FLOW")
    else:
        sim.at(sim.now + lognormal(sim, 38.0, 0.4), _queue_call, sim, contact, queue)


def _queue_call(sim: EventLoop, contact: Contact, queue: Queue) -> None:
    sim.enqueue(contact, queue, handling.patience(sim, handling.PATIENCE_S))
    if contact.state is State.QUEUED:
        sim.at(sim.now + sim.rng.randrange(45, 110), _queue_flow, sim, contact)


def _queue_flow(sim: EventLoop, contact: Contact) -> None:
    """Run the queue flow: offer a callback, transfer to another queue, or to an external partner."""
    queue = contact.queue
    if contact.state not in (State.QUEUED, State.RINGING) or queue is None:
        return
    point = sim.rng.random()
    if point < 0.22 and contact.state is State.QUEUED:
        ending.accept_callback(sim, contact)
    elif point < 0.32 and contact.state is State.QUEUED:
        others = {"Sales": "Support", "Billing": "Support", "Retention": "Sales", "Support": "Billing"}
        _overflow(sim, contact, sim.centre.queues[others.get(queue.name, "Support")])
    elif point < 0.36:
        _transfer_to_partner(sim, contact)


def _overflow(sim: EventLoop, contact: Contact, target: Queue) -> None:
    """Transfer from queue to queue: a new contact is created, and the old one ends."""
    if not target.opens <= local_hour(sim.now) < target.closes - 0.25:
        return
    sim.leave_queue(contact)
    child = sim.contact("VOICE", "QUEUE_TRANSFER", contact)
    child.system_at = sim.now
    contact.transfer_completed_at = sim.now
    finish(sim, contact, None, "IN_QUEUE")
    sim.enqueue(child, target, handling.patience(sim, handling.PATIENCE_S))


def _transfer_to_partner(sim: EventLoop, contact: Contact) -> None:
    """Transfer from the queue to an external number: no next contact, and no agent.

    If the contact was ringing at an agent, Amazon's count (which tests PreDisconnectState) differs from what the
    exported record allows to count.
    """
    sim.leave_queue(contact)
    contact.transfer_completed_at = sim.now
    contact.transferred_to = phone(710_001)
    contact.state = State.DONE
    contact.disconnected_at = contact.completed_at = sim.now + sim.rng.randrange(20, 600)
    contact.reason = "CUSTOMER_DISCONNECT"


# --- chats, tasks, e-mails ---


def _chat(sim: EventLoop, queue: Queue) -> None:
    """Inbound chats are API contacts, never INBOUND."""
    contact = sim.contact("CHAT", "API")
    contact.subtype = "connect:Chat" if sim.rng.random() < 0.9 else "connect:SMS"
    contact.system_at = sim.now
    if not queue.opens <= local_hour(sim.now) < queue.closes - 0.25:
        sim.at(sim.now + sim.rng.randrange(4, 20), finish, sim, contact, "CONTACT_FLOW_DISCONNECT", "IN_FLOW")
    elif sim.rng.random() < 0.05:
        sim.at(sim.now + lognormal(sim, 60.0, 0.6), finish, sim, contact, "CUSTOMER_DISCONNECT", "IN_FLOW")
    else:
        wait_s = handling.patience(sim, _CHAT_PATIENCE_S)
        sim.at(sim.now + lognormal(sim, 25.0, 0.5), sim.enqueue, contact, queue, wait_s)


def _task(sim: EventLoop, queue: Queue) -> None:
    """Tasks are created through the API, some of them for later."""
    contact = sim.contact("TASK", "API")
    contact.subtype = "connect:Task"
    contact.system_at = sim.now
    delay_s = 1
    if sim.rng.random() < 0.15 and local_hour(sim.now) < queue.closes - 2:
        delay_s = sim.rng.randrange(5, 60) * 60
        contact.scheduled_at = sim.now + delay_s
    sim.at(sim.now + delay_s, sim.enqueue, contact, queue, _WORK_PATIENCE_S)


def _email(sim: EventLoop, queue: Queue) -> None:
    contact = sim.contact("EMAIL", "INBOUND")
    contact.subtype = "connect:Email"
    contact.system_at = sim.now
    contact.association_id = contact.contact_id
    sim.at(sim.now + 2, sim.enqueue, contact, queue, _WORK_PATIENCE_S)
