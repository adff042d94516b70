"""Contacts that the centre starts: campaign calls with answering machine detection, agents' own calls, monitoring."""

from __future__ import annotations

from trunkline.simulator.centre.centre import Agent, Contact, Queue, State
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
    """Dial the next number of a campaign, when an agent is likely to be free for it."""
    if paces < _PACES_MAX and sim.idle_count(queue) <= queue.dialing:
        sim.at(sim.now + _PACE_S, campaign, sim, queue, paces + 1)
        return
    is_preview = sim.rng.random() < 0.06
    one = sim.contact("VOICE", "CAMPAIGN_PREVIEW" if is_preview else "API")
    one.campaign = 1 + (sim.rng.random() < 0.35)
    if is_preview:
        one.is_preview = True
        sim.enqueue(one, queue, sim.rng.randrange(60, 240))
        return
    status, seconds, reason = _detect(sim)
    one.amd = status
    ring_s = sim.rng.randrange(*seconds)
    queue.dialing += 1
    sim.at(sim.now + ring_s + 2, _dialled, queue)
    if status in _ANSWERED:
        one.system_at = sim.now + ring_s
    if status == "HUMAN_ANSWERED":
        sim.at(sim.now + ring_s + 2, sim.enqueue, one, queue, sim.rng.randrange(*_HUMAN_PATIENCE_S))
    else:
        rest_s = sim.rng.randrange(4, 25) if status in _ANSWERED else 0
        sim.at(sim.now + ring_s + rest_s, _end, sim, one, reason)


def _dialled(queue: Queue) -> None:
    queue.dialing -= 1


def _detect(sim: EventLoop) -> tuple[str, tuple[int, int], str | None]:
    point = sim.rng.random()
    for status, share, seconds, reason in _AMD:
        point -= share
        if point < 0.0:
            return status, seconds, reason
    return _AMD[0][0], _AMD[0][2], _AMD[0][3]


def _end(sim: EventLoop, one: Contact, reason: str | None) -> None:
    one.state = State.DONE
    one.disconnected_at = one.completed_at = sim.now
    one.reason = reason
    one.pre_disconnect_state = "IN_FLOW"


def dial(sim: EventLoop, queue: Queue) -> None:
    """An agent who is free dials out. The record names the outbound queue although nobody ever waited in it."""
    agent = _free(sim)
    if agent is None:
        return
    one = sim.contact("VOICE", "OUTBOUND")
    one.queue = queue
    one.agent = agent
    one.agent_at = sim.now
    one.state = State.CONNECTED
    sim.seize(agent)
    ring_s = sim.rng.randrange(5, 25)
    if sim.rng.random() < 0.62:
        one.system_at = sim.now + ring_s
        sim.at(sim.now + ring_s + lognormal(sim, 170.0, 0.7), hang_up, sim, one)
    else:
        reason = sim.rng.choice(("TELECOM_UNANSWERED", "TELECOM_UNANSWERED", "TELECOM_BUSY", "AGENT_DISCONNECT"))
        sim.at(sim.now + ring_s + 10, hang_up, sim, one, reason)


def monitor(sim: EventLoop) -> None:
    """Someone who is idle acts as supervisor: listens in, and now and then barges."""
    supervisor = next((a for a in sim.centre.agents if a.is_on_shift and a.load == 0 and not a.is_away), None)
    if supervisor is None:
        return
    one = sim.contact("VOICE", "MONITOR")
    one.agent = supervisor
    one.agent_at = one.system_at = sim.now
    one.state = State.CONNECTED
    one.has_barged = sim.rng.random() < 0.2
    sim.seize(supervisor)
    sim.at(sim.now + sim.rng.randrange(30, 240), hang_up, sim, one, "BARGED" if one.has_barged else "AGENT_DISCONNECT")


def _free(sim: EventLoop) -> Agent | None:
    names = ("Sales", "Support", "Billing")
    return next((a for name in names if (a := sim.idle_agent(sim.centre.queues[name])) is not None), None)
