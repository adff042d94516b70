"""What happens after an agent answers: talk, holds, pauses, transfers, consults, conferences, external numbers.

The relations between parent and child contacts are those of Amazon's guide
(https://docs.aws.amazon.com/connect/latest/adminguide/identify-conferences-transfers.html).
"""

from __future__ import annotations

from trunkline.simulator.centre import ending
from trunkline.simulator.centre.arrivals import local_hour
from trunkline.simulator.centre.centre import Agent, Contact, Queue, State, phone
from trunkline.simulator.centre.ending import hang_up, lognormal
from trunkline.simulator.centre.engine import EventLoop

# Mean seconds with the customer, per queue name, then per channel.
_TALK_S = {"Sales": 285.0, "Support": 300.0, "Billing": 235.0, "Retention": 330.0, "Collections": 140.0}
_CHANNEL_TALK_S = {"VOICE": 280.0, "CHAT": 370.0, "TASK": 300.0, "EMAIL": 290.0}


def connected(sim: EventLoop, contact: Contact, agent: Agent) -> None:
    """An agent has answered: decide how the contact continues."""
    if contact.method == "CALLBACK" and ending.is_unanswered(sim, contact, agent):
        return
    contact.agent = agent
    contact.agent_at = sim.now
    if contact.system_at is None and contact.method in ("API", "CAMPAIGN_PREVIEW"):
        contact.system_at = sim.now
    if contact.method == "CALLBACK":
        contact.system_at = sim.now + sim.rng.randrange(0, 4)
        sim.note_contact(agent, contact, "CONNECTING")
    sim.note_contact(agent, contact, "CONNECTED", contact.system_at if contact.method == "CALLBACK" else None)
    talk_s = lognormal(sim, _talk_mean(contact), 0.6)
    talk_s = max(5, round(talk_s * agent.skill))
    if contact.warm_parent is not None:
        warm_answered(sim, contact)
        sim.at(sim.now + talk_s + 30, hang_up, sim, contact)
    elif contact.channel == "VOICE" and contact.hops < 3 and plan_next_leg(sim, contact, talk_s):
        return
    elif contact.channel == "CHAT" and contact.hops < 2 and sim.rng.random() < 0.04:
        sim.at(sim.now + talk_s // 2, transfer_cold, sim, contact, sim.centre.queues["Chat"])
    elif contact.channel == "TASK":
        _task(sim, contact, talk_s)
    else:
        end = sim.now + talk_s + (_holds(sim, contact, talk_s) if contact.channel == "VOICE" else 0)
        sim.at(end, hang_up, sim, contact)


def _talk_mean(contact: Contact) -> float:
    if contact.channel == "VOICE" and contact.queue is not None:
        return _TALK_S.get(contact.queue.name, 280.0)
    return _CHANNEL_TALK_S[contact.channel]


def _holds(sim: EventLoop, contact: Contact, talk_s: int) -> int:
    """Put one voice contact in five on hold, once or more. Returns the seconds on hold."""
    if talk_s < 45 or sim.rng.random() > 0.2:
        return 0
    lengths = []
    for _ in range(1 + int(sim.rng.expovariate(1.6))):
        lengths.append(lognormal(sim, 55.0, 0.7))
        contact.hold(lengths[-1])
    talk_part_s = talk_s // (len(lengths) + 1)
    start = sim.now
    for length_s in lengths:
        start += talk_part_s
        _note_interruption(sim, contact, "CONNECTED_ONHOLD", start, start + length_s)
        start += length_s
    return contact.hold_s


def _note_interruption(sim: EventLoop, contact: Contact, state: str, start: int, end: int) -> None:
    """Record that the contact is on hold or paused for that time."""
    assert contact.agent is not None
    sim.note_contact(contact.agent, contact, state, start)
    sim.note_contact(contact.agent, contact, "CONNECTED", end)


def _task(sim: EventLoop, contact: Contact, work_s: int) -> None:
    """One task in five is paused. It stays assigned to the agent meanwhile, as in Connect."""
    pause_s = 0
    if sim.rng.random() < 0.2:
        contact.pauses = 1 + (sim.rng.random() < 0.2)
        pause_s = lognormal(sim, 240.0, 0.5)
        contact.paused_at = sim.now + work_s // 3
        contact.resumed_at = contact.paused_at + pause_s // contact.pauses
        _note_interruption(sim, contact, "PAUSED", contact.paused_at, contact.resumed_at)
        if contact.pauses > 1:
            again_at = contact.resumed_at + work_s // 3
            _note_interruption(sim, contact, "PAUSED", again_at, again_at + pause_s - pause_s // contact.pauses)
    contact.pause_s = pause_s
    sim.at(sim.now + work_s + pause_s, hang_up, sim, contact)


PATIENCE_S = 270.0
_HASTY_SHARE = 0.15
_PARTNERS = 40  # external numbers that agents dial


def plan_next_leg(sim: EventLoop, contact: Contact, talk_s: int) -> bool:
    """Decide whether this call leads to another leg. False: it stays an ordinary call."""
    point = sim.rng.random()
    rest_s = talk_s - talk_s // 2
    middle = sim.now + max(10, talk_s // 2)
    if point < 0.065:
        target = _target(sim, contact)
        if target is None:
            return False
        if point < 0.045:
            sim.at(middle, transfer_cold, sim, contact, target)
        else:
            sim.at(middle, _transfer_warm, sim, contact, target, rest_s)
    elif point < 0.085:
        sim.at(middle, _consult, sim, contact, rest_s)
    elif point < 0.095:
        sim.at(middle, _external_transfer, sim, contact)
    elif point < 0.105:
        sim.at(middle, _external_consult, sim, contact, rest_s)
    else:
        return False
    return True


def _target(sim: EventLoop, contact: Contact) -> Queue | None:
    """Another voice queue that is open for at least half an hour more, or None."""
    hour = local_hour(sim.now)
    queues = [sim.centre.queues[name] for name in ("Retention", "Billing", "Support", "Sales")]
    open_now = [queue for queue in queues if queue is not contact.queue and queue.opens <= hour < queue.closes - 0.5]
    if not open_now:
        return None
    return open_now[0] if sim.rng.random() < 0.3 else sim.rng.choice(open_now)


def patience(sim: EventLoop, mean_s: float) -> int:
    """Whole seconds until a customer hangs up: a few at once (exponential), most later (log-normal)."""
    if sim.rng.random() < _HASTY_SHARE:
        return 2 + int(sim.rng.expovariate(1 / 20.0))
    return 10 + lognormal(sim, mean_s, 0.8)


def transfer_cold(sim: EventLoop, contact: Contact, target: Queue) -> None:
    """Cold transfer to a queue: this agent disconnects before the next agent answers."""
    child = sim.contact(contact.channel, "TRANSFER", contact)
    child.system_at = sim.now
    contact.transfer_completed_at = sim.now
    hang_up(sim, contact, None)
    sim.at(sim.now + sim.rng.randrange(0, 3), sim.enqueue, child, target, patience(sim, PATIENCE_S))


# --- warm transfer: the first agent keeps the customer on hold until a colleague answers ---


def _transfer_warm(sim: EventLoop, contact: Contact, target: Queue, rest_s: int) -> None:
    child = sim.contact(contact.channel, "TRANSFER", contact)
    child.system_at = sim.now
    child.warm_parent = contact
    child.warm_rest_s = rest_s
    contact.holding_since = sim.now
    sim.enqueue(child, target, sim.rng.randrange(60, 180))


def warm_answered(sim: EventLoop, child: Contact) -> None:
    """The colleague has answered: the first agent hands over and leaves. No TransferCompletedTimestamp."""
    contact = child.warm_parent
    assert contact is not None
    sim.at(sim.now + sim.rng.randrange(8, 30), _warm_done, sim, contact)


def _warm_done(sim: EventLoop, contact: Contact) -> None:
    _end_hold(sim, contact)
    hang_up(sim, contact, None)


def warm_unanswered(sim: EventLoop, child: Contact) -> None:
    """No colleague answered: the first agent returns to the customer."""
    contact = child.warm_parent
    assert contact is not None
    _end_hold(sim, contact)
    sim.at(sim.now + child.warm_rest_s, hang_up, sim, contact)


def _end_hold(sim: EventLoop, contact: Contact) -> None:
    assert contact.holding_since is not None
    contact.hold(sim.now - contact.holding_since)
    _note_interruption(sim, contact, "CONNECTED_ONHOLD", contact.holding_since, sim.now)
    contact.holding_since = None


# --- consult and conference with a colleague, through an agent quick connect ---


def _consult(sim: EventLoop, contact: Contact, rest_s: int) -> None:
    """Consult an idle colleague through the colleague's personal queue; three in ten become a conference."""
    names = ("Support", "Billing", "Sales")
    colleague = next((a for name in names if (a := sim.idle_agent(sim.centre.queues[name])) is not None), None)
    if colleague is None:
        sim.at(sim.now + rest_s, hang_up, sim, contact)
        return
    child = sim.contact("VOICE", "TRANSFER", contact)
    child.system_at = sim.now
    child.personal_queue_of = colleague
    child.enqueued_at = sim.now
    child.attempts = 1
    sim.seize(colleague, child, "CONNECTING")
    ring_s = sim.rng.randrange(2, 9)
    is_conference = sim.rng.random() < 0.3
    contact.holding_since = sim.now
    sim.at(sim.now + ring_s, _consult_answered, sim, child, colleague)
    end = sim.now + ring_s + sim.rng.randrange(20, 120)
    together_s = sim.rng.randrange(15, 90) if is_conference else 0
    sim.at(end, _end_hold, sim, contact)
    sim.at(end + together_s, _consult_done, sim, child, together_s)
    sim.at(end + together_s + max(12, rest_s), hang_up, sim, contact)


def _consult_answered(sim: EventLoop, child: Contact, colleague: Agent) -> None:
    child.state = State.CONNECTED
    child.dequeued_at = sim.now
    child.agent = colleague
    child.agent_at = sim.now
    sim.note_contact(colleague, child, "CONNECTED")


def _consult_done(sim: EventLoop, child: Contact, together_s: int) -> None:
    """The colleague disconnects before the first agent. The customer was on hold except for `together_s`."""
    assert child.agent_at is not None
    child.hold(sim.now - child.agent_at - together_s)
    hang_up(sim, child, "AGENT_DISCONNECT")


# --- external numbers ---


def _external_leg(sim: EventLoop, contact: Contact) -> Contact:
    child = sim.contact("VOICE", "EXTERNAL_OUTBOUND", contact)
    child.external_number = phone(700_000 + sim.rng.randrange(_PARTNERS))
    child.state = State.DONE
    child.pre_disconnect_state = "CONNECTED"
    child.reason = sim.rng.choice(("THIRD_PARTY_DISCONNECT", "CUSTOMER_DISCONNECT"))
    return child


def _external_transfer(sim: EventLoop, contact: Contact) -> None:
    """Transfer the customer to an external number. That leg ends after this contact's transfer is complete."""
    child = _external_leg(sim, contact)
    child.system_at = sim.now + sim.rng.randrange(2, 15)
    child.external_s = sim.rng.randrange(30, 600)
    child.disconnected_at = child.completed_at = child.system_at + child.external_s
    contact.transferred_to = child.external_number
    contact.transfer_completed_at = sim.now
    hang_up(sim, contact, None)


def _external_consult(sim: EventLoop, contact: Contact, rest_s: int) -> None:
    """Call an external number: a consult holds the customer longer than the call lasts, a conference less long."""
    child = _external_leg(sim, contact)
    dial_s = sim.rng.randrange(3, 15)
    child.system_at = sim.now + dial_s
    child.external_s = sim.rng.randrange(20, 150)
    child.disconnected_at = child.completed_at = child.system_at + child.external_s
    is_conference = sim.rng.random() < 0.4
    hold_s = dial_s + (0 if is_conference else child.external_s + 1)
    contact.hold(hold_s)
    _note_interruption(sim, contact, "CONNECTED_ONHOLD", sim.now, sim.now + hold_s)
    sim.at(child.disconnected_at + max(5, rest_s), hang_up, sim, contact)
