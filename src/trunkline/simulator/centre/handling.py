"""What happens once an agent has a contact: talk, holds, pauses, or another leg."""

from __future__ import annotations

from trunkline.simulator.centre import callbacks, transfers
from trunkline.simulator.centre.centre import Agent
from trunkline.simulator.centre.contact import Contact
from trunkline.simulator.centre.ending import hang_up, lognormal
from trunkline.simulator.centre.engine import Engine

# Mean seconds with the customer, per queue name, then per channel.
_TALK_S = {"Sales": 285.0, "Support": 300.0, "Billing": 235.0, "Retention": 330.0, "Collections": 140.0}
_CHANNEL_TALK_S = {"VOICE": 280.0, "CHAT": 370.0, "TASK": 300.0, "EMAIL": 290.0}


def connected(sim: Engine, one: Contact, agent: Agent) -> None:
    """An agent has answered: decide how the contact goes on."""
    if one.method == "CALLBACK" and callbacks.is_unanswered(sim, one, agent):
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
        transfers.warm_answered(sim, one)
        sim.at(sim.now + talk_s + 30, hang_up, sim, one)
    elif one.channel == "VOICE" and one.hops < 3 and transfers.begin(sim, one, talk_s):
        return
    elif one.channel == "CHAT" and one.hops < 2 and sim.rng.random() < 0.04:
        sim.at(sim.now + talk_s // 2, transfers.cold, sim, one, sim.centre.queues["Chat"])
    elif one.channel == "TASK":
        _task(sim, one, talk_s)
    else:
        end = sim.now + talk_s + (_holds(sim, one, talk_s) if one.channel == "VOICE" else 0)
        sim.at(end, hang_up, sim, one)


def _talk_mean(one: Contact) -> float:
    if one.channel == "VOICE" and one.queue is not None:
        return _TALK_S.get(one.queue.name, 280.0)
    return _CHANNEL_TALK_S[one.channel]


def _holds(sim: Engine, one: Contact, talk_s: int) -> int:
    """Put one voice contact in five on hold, once or more; the seconds on hold."""
    if talk_s < 45 or sim.rng.random() > 0.2:
        return 0
    for _ in range(1 + int(sim.rng.expovariate(1.6))):
        one.hold(lognormal(sim, 55.0, 0.7))
    return one.hold_s


def _task(sim: Engine, one: Contact, work_s: int) -> None:
    """Tasks: one in five is paused. The agent keeps it meanwhile, as Connect counts it."""
    pause_s = 0
    if sim.rng.random() < 0.2:
        one.pauses = 1 + (sim.rng.random() < 0.2)
        pause_s = lognormal(sim, 240.0, 0.5)
        one.paused_at = sim.now + work_s // 3
        one.resumed_at = one.paused_at + pause_s // one.pauses
    one.pause_s = pause_s
    sim.at(sim.now + work_s + pause_s, hang_up, sim, one)
