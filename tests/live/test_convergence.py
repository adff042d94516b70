"""The comparison of early numbers with those of records: by contact, with the reason."""

from __future__ import annotations

import random

import live_events
import pytest
from live_events import AGENT, NOON, QUEUE, after, contact_event, contact_record, folded, stamp

from trunkline.live import convergence
from trunkline.live.convergence import LiveReconciliation, reconcile_live
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.live.views import live_numbers
from trunkline.simulator.events.day import EventKind

QUEUED = {"queueInfo": {"queueArn": QUEUE, "enqueueTimestamp": stamp(after(0))}}
CONNECTED = QUEUED | {"agentInfo": {"agentArn": AGENT, "connectedToAgentTimestamp": stamp(after(10))}}
ENDED = CONNECTED | {"disconnectTimestamp": stamp(after(60))}
RECORD = {
    "Queue": {"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(after(0)), "Duration": 10},
    "Agent": {"ARN": AGENT, "ConnectedToAgentTimestamp": stamp(after(10)), "AgentInteractionDuration": 50},
}


def compared(*texts: bytes) -> LiveReconciliation:
    return reconcile_live(folded(*texts), NOON.date())


def test_what_agrees_is_not_listed() -> None:
    """A contact whose events said what the record says."""
    result = compared(contact_event("DISCONNECTED", **ENDED), contact_record(**RECORD))
    assert (result.compared, result.equal, result.pending, result.differences) == (1, 1, 0, [])


def test_what_has_no_record_is_pending() -> None:
    """It cannot be compared yet; what has not ended is not of the day."""
    result = compared(contact_event("DISCONNECTED", **ENDED), contact_event("QUEUED", "c-2", **QUEUED))
    assert (result.compared, result.pending) == (0, 1)


@pytest.mark.parametrize(
    ("events", "record", "metric", "early", "final", "reason"),
    [
        ([], {}, "CONTACTS_CREATED", None, 1, convergence.NO_EVENTS),
        ([contact_event("QUEUED", **QUEUED)], {}, "SERVICE_LEVEL", None, 100.0, convergence.NO_END),
        ([contact_event("DISCONNECTED", **ENDED)], {"DisconnectTimestamp": stamp(after(-86_400))}, "CONTACTS_CREATED", 1, 1, convergence.OTHER_DAY),
        ([contact_event("DISCONNECTED", **ENDED)], {"Channel": "CHAT"}, "CONTACTS_HANDLED", 1, 1, convergence.OTHER_QUEUE),
        ([contact_event("DISCONNECTED", disconnectTimestamp=stamp(after(60)))], {}, "CONTACTS_QUEUED", 0, 1, convergence.NO_QUEUE_EVENT),
        ([contact_event("DISCONNECTED", **QUEUED, disconnectTimestamp=stamp(after(60)))], {}, "CONTACTS_ABANDONED", 1, 0, convergence.NO_AGENT_EVENT),
        ([contact_event("DISCONNECTED", **QUEUED, disconnectTimestamp=stamp(after(60)))], {"Agent": None, "NextContactId": "c-2"}, "CONTACTS_ABANDONED", 1, 0, convergence.NEXT_CONTACT),
        ([contact_event("DISCONNECTED", **ENDED)], {"TransferCompletedTimestamp": stamp(after(60))}, "CONTACTS_TRANSFERRED_OUT", 0, 1, convergence.TRANSFER),
        ([contact_event("DISCONNECTED", **ENDED)], {"Agent": RECORD["Agent"] | {"AgentInteractionDuration": 51}}, "AVG_HANDLE_TIME", 50.0, 51.0, convergence.SECONDS),
        ([contact_event("DISCONNECTED", **ENDED)], {"Agent": RECORD["Agent"] | {"NumberOfHolds": 2}}, "CONTACTS_PUT_ON_HOLD", 0, 1, convergence.RECORD_ONLY),
        ([contact_event("DISCONNECTED", **ENDED)], {"Queue": RECORD["Queue"] | {"Duration": None}}, "SERVICE_LEVEL", 100.0, 0.0, convergence.INCOMPLETE_RECORD),
    ],
)  # fmt: skip
def test_reasons(events, record, metric: str, early, final, reason: str) -> None:
    """Each way in which an early number can be wrong, with its name."""
    state = folded(*events, contact_record(**RECORD | record))
    day = NOON.date() if reason != convergence.OTHER_DAY else after(-86_400).date()
    result = reconcile_live(state, day)
    difference = next(d for d in result.differences if d.metric == metric)
    assert (difference.contact_id, difference.early, difference.final, difference.reason) == (
        "c-1",
        early,
        final,
        reason,
    )
    assert result.reasons[reason] == 1
    assert (result.compared, result.equal) == (1, 0)


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_the_differences_explain_every_number(loss: float) -> None:
    """Early counts, corrected by the differences listed, are the final counts: nothing differs that is not listed."""
    day, rng = live_events.simulated(300, 3), random.Random(1)
    arrived = live_events.texts_of(day)
    early, final = LiveState(LiveRules()), LiveState(LiveRules())
    for now, kind, text in arrived:
        if kind is EventKind.CONTACT_RECORD:
            final.apply(text, now)
        elif rng.random() >= loss:
            early.apply(text, now)
            final.apply(text, now)
    local_day, now = day.spec.date, arrived[-1][0]
    result = reconcile_live(final, local_day)
    assert result.compared > 250
    assert 0 < result.equal < result.compared
    before, after_records = (live_numbers(s, s.day_sums(local_day).values(), now) for s in (early, final))
    for metric in ("CONTACTS_CREATED", "CONTACTS_HANDLED", "CONTACTS_ABANDONED", "CONTACTS_REMOVED_FROM_QUEUE_IN_X"):
        change = sum((d.final or 0) - (d.early or 0) for d in result.differences if d.metric == metric)
        assert before[metric].value + change == after_records[metric].value
