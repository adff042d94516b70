"""What happens once an agent has a contact: talk, holds, pauses, transfers, consults, conferences, outside numbers.

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


def connected(sim: EventLoop, one: Contact, agent: Agent) -> None:
    """An agent has answered: decide how the contact goes on."""
    if one.method == "CALLBACK" and ending.is_unanswered(sim, one, agent):
        return
    one.agent = agent
    one.agent_at = sim.now
    if one.system_at is None and one.method in ("API", "CAMPAIGN_PREVIEW"):
        one.system_at = sim.now
    if one.method == "CALLBACK":
        one.system_at = sim.now + sim.rng.randrange(0, 4)
    talk_s = lognormal(sim, _talk_mean(one), 0.6)
    talk_s = max(5, round(talk_s * agent.skill))
    if one.warm_parent is not None:
        warm_answered(sim, one)
        sim.at(sim.now + talk_s + 30, hang_up, sim, one)
    elif one.channel == "VOICE" and one.hops < 3 and begin(sim, one, talk_s):
        return
    elif one.channel == "CHAT" and one.hops < 2 and sim.rng.random() < 0.04:
        sim.at(sim.now + talk_s // 2, cold, sim, one, sim.centre.queues["Chat"])
    elif one.channel == "TASK":
        _task(sim, one, talk_s)
    else:
        end = sim.now + talk_s + (_holds(sim, one, talk_s) if one.channel == "VOICE" else 0)
        sim.at(end, hang_up, sim, one)


def _talk_mean(one: Contact) -> float:
    if one.channel == "VOICE" and one.queue is not None:
        return _TALK_S.get(one.queue.name, 280.0)
    return _CHANNEL_TALK_S[one.channel]


def _holds(sim: EventLoop, one: Contact, talk_s: int) -> int:
    """Put one voice contact in five on hold, once or more; the seconds on hold."""
    if talk_s < 45 or sim.rng.random() > 0.2:
        return 0
    for _ in range(1 + int(sim.rng.expovariate(1.6))):
        one.hold(lognormal(sim, 55.0, 0.7))
    return one.hold_s


def _task(sim: EventLoop, one: Contact, work_s: int) -> None:
    """Tasks: one in five is paused. The agent keeps it meanwhile, as Connect counts it."""
    pause_s = 0
    if sim.rng.random() < 0.2:
        one.pauses = 1 + (sim.rng.random() < 0.2)
        pause_s = lognormal(sim, 240.0, 0.5)
        one.paused_at = sim.now + work_s // 3
        one.resumed_at = one.paused_at + pause_s // one.pauses
    one.pause_s = pause_s
    sim.at(sim.now + work_s + pause_s, hang_up, sim, one)


PATIENCE_S = 270.0
_HASTY = 0.15
_PARTNERS = 40  # outside numbers that agents dial


def begin(sim: EventLoop, one: Contact, talk_s: int) -> bool:
    """Decide whether this call leads to another leg; False leaves it an ordinary call."""
    point = sim.rng.random()
    rest_s = talk_s - talk_s // 2
    middle = sim.now + max(10, talk_s // 2)
    if point < 0.065:
        target = _target(sim, one)
        if target is None:
            return False
        if point < 0.045:
            sim.at(middle, cold, sim, one, target)
        else:
            sim.at(middle, _warm, sim, one, target, rest_s)
    elif point < 0.085:
        sim.at(middle, _consult, sim, one, rest_s)
    elif point < 0.095:
        sim.at(middle, _external_transfer, sim, one)
    elif point < 0.105:
        sim.at(middle, _external_consult, sim, one, rest_s)
    else:
        return False
    return True


def _target(sim: EventLoop, one: Contact) -> Queue | None:
    """Another voice queue that is open and will be for a while."""
    hour = local_hour(sim.now)
    queues = [sim.centre.queues[name] for name in ("Retention", "Billing", "Support", "Sales")]
    open_now = [queue for queue in queues if queue is not one.queue and queue.opens <= hour < queue.closes - 0.5]
    if not open_now:
        return None
    return open_now[0] if sim.rng.random() < 0.3 else sim.rng.choice(open_now)


def patience(sim: EventLoop, mean_s: float) -> int:
    """Whole seconds until a customer hangs up: a few at once (exponential), most later (log-normal)."""
    if sim.rng.random() < _HASTY:
        return 2 + int(sim.rng.expovariate(1 / 20.0))
    return 10 + lognormal(sim, mean_s, 0.8)


def cold(sim: EventLoop, one: Contact, target: Queue) -> None:
    """Transfer to a queue; this agent is gone before the next one answers."""
    child = sim.contact(one.channel, "TRANSFER", one)
    child.system_at = sim.now
    one.transfer_completed_at = sim.now
    hang_up(sim, one, None)
    sim.at(sim.now + sim.rng.randrange(0, 3), sim.enqueue, child, target, patience(sim, PATIENCE_S))


# --- warm transfer: the first agent stays, with the customer on hold, until a colleague answers ---


def _warm(sim: EventLoop, one: Contact, target: Queue, rest_s: int) -> None:
    child = sim.contact(one.channel, "TRANSFER", one)
    child.system_at = sim.now
    child.warm_parent = one
    child.warm_rest_s = rest_s
    one.holding_since = sim.now
    sim.enqueue(child, target, sim.rng.randrange(60, 180))


def warm_answered(sim: EventLoop, child: Contact) -> None:
    """The colleague has answered: the first agent hands over and leaves. No TransferCompletedTimestamp."""
    one = child.warm_parent
    assert one is not None
    sim.at(sim.now + sim.rng.randrange(8, 30), _warm_done, sim, one)


def _warm_done(sim: EventLoop, one: Contact) -> None:
    _end_hold(sim, one)
    hang_up(sim, one, None)


def warm_lost(sim: EventLoop, child: Contact) -> None:
    """Nobody answered the first agent, who goes back to the customer."""
    one = child.warm_parent
    assert one is not None
    _end_hold(sim, one)
    sim.at(sim.now + child.warm_rest_s, hang_up, sim, one)


def _end_hold(sim: EventLoop, one: Contact) -> None:
    assert one.holding_since is not None
    one.hold(sim.now - one.holding_since)
    one.holding_since = None


# --- consult and conference with a colleague, through an agent quick connect ---


def _consult(sim: EventLoop, one: Contact, rest_s: int) -> None:
    """Ask a colleague who is idle, through the colleague's personal queue; now and then all three talk."""
    names = ("Support", "Billing", "Sales")
    colleague = next((a for name in names if (a := sim.idle_agent(sim.centre.queues[name])) is not None), None)
    if colleague is None:
        sim.at(sim.now + rest_s, hang_up, sim, one)
        return
    child = sim.contact("VOICE", "TRANSFER", one)
    child.system_at = sim.now
    child.personal_queue_of = colleague
    child.enqueued_at = sim.now
    child.attempts = 1
    sim.seize(colleague)
    ring_s = sim.rng.randrange(2, 9)
    is_conference = sim.rng.random() < 0.3
    one.holding_since = sim.now
    sim.at(sim.now + ring_s, _consult_answered, sim, child, colleague)
    end = sim.now + ring_s + sim.rng.randrange(20, 120)
    together_s = sim.rng.randrange(15, 90) if is_conference else 0
    sim.at(end, _end_hold, sim, one)
    sim.at(end + together_s, _consult_done, sim, child, together_s)
    sim.at(end + together_s + max(12, rest_s), hang_up, sim, one)


def _consult_answered(sim: EventLoop, child: Contact, colleague: Agent) -> None:
    child.state = State.CONNECTED
    child.dequeued_at = sim.now
    child.agent = colleague
    child.agent_at = sim.now


def _consult_done(sim: EventLoop, child: Contact, together_s: int) -> None:
    """The colleague leaves before the first agent does; the customer was on hold but for `together_s`."""
    assert child.agent_at is not None
    child.hold(sim.now - child.agent_at - together_s)
    hang_up(sim, child, "AGENT_DISCONNECT")


# --- outside numbers ---


def _outside(sim: EventLoop, one: Contact) -> Contact:
    child = sim.contact("VOICE", "EXTERNAL_OUTBOUND", one)
    child.outside_number = phone(700_000 + sim.rng.randrange(_PARTNERS))
    child.state = State.DONE
    child.pre_disconnect_state = "CONNECTED"
    child.reason = sim.rng.choice(("THIRD_PARTY_DISCONNECT", "CUSTOMER_DISCONNECT"))
    return child


def _external_transfer(sim: EventLoop, one: Contact) -> None:
    """The customer goes on with an outside number; that leg ends after this contact's transfer is complete."""
    child = _outside(sim, one)
    child.system_at = sim.now + sim.rng.randrange(2, 15)
    child.external_s = sim.rng.randrange(30, 600)
    child.disconnected_at = child.completed_at = child.system_at + child.external_s
    one.transferred_to = child.outside_number
    one.transfer_completed_at = sim.now
    hang_up(sim, one, None)


def _external_consult(sim: EventLoop, one: Contact, rest_s: int) -> None:
    """Ask outside: in a consult the customer is on hold longer than the call lasts, in a conference less long."""
    child = _outside(sim, one)
    dial_s = sim.rng.randrange(3, 15)
    child.system_at = sim.now + dial_s
    child.external_s = sim.rng.randrange(20, 150)
    child.disconnected_at = child.completed_at = child.system_at + child.external_s
    is_conference = sim.rng.random() < 0.4
    one.hold(dial_s + (0 if is_conference else child.external_s + 1))
    sim.at(child.disconnected_at + max(5, rest_s), hang_up, sim, one)
