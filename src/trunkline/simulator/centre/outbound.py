"""Contacts that the centre starts: campaign calls with answering machine detection, manual calls, monitoring."""

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
