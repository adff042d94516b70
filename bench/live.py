"""Live folds: events of a simulated day out of their JSON texts into the state, CPU per event on one core.

Rival: `live_dicts.py`, which decodes by `json.loads` and keeps dictionaries; both must end with the same contacts. The
bound is the fold of events that are decoded already. Restoring a saved state is measured against folding it.
"""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import live_dicts
import msgspec
from measure import Line, cpu_in_turns, scratch, show

from trunkline.live.events import decode
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.live.saved import load_state, save_state
from trunkline.live.views import queue_views
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.spec import Spec

Arrived = list[tuple[bytes, datetime]]


def _arrived(contacts: int) -> Arrived:
    day = simulate_day(Spec(contacts=contacts))
    return [
        (msgspec.json.encode(arrival.event), datetime.fromtimestamp(arrival.at_s, UTC))
        for arrival in arrivals(day, kinds=frozenset(EventKind))
    ]


def _ours(arrived: Arrived) -> LiveState:
    state = LiveState(LiveRules())
    for text, now in arrived:
        state.apply(text, now)
    return state


def _dicts(arrived: Arrived) -> live_dicts.DictState:
    state = live_dicts.DictState()
    for text, now in arrived:
        state.apply(text, now)
    return state


def _fold_only(events: list) -> None:
    state = LiveState(LiveRules())
    for event in events:
        state.fold(event)


def _check_equal(ours: LiveState, dicts: live_dicts.DictState) -> None:
    """The rival folds the same rules: a difference would make the ratio worthless."""
    assert ours.contacts.keys() == dicts.contacts.keys()
    for contact_id, contact in ours.contacts.items():
        other = dicts.contacts[contact_id]
        names = [*live_dicts.LATER, "seen", "version"]
        assert {name: getattr(contact, name) for name in names} == {name: other.get(name) for name in names}, contact_id
        assert (contact.queue_arn, contact.enqueued_at) == other.get("queue", (None, None))
        assert (contact.agent_arn, contact.agent_at) == other.get("agent", (None, None))
        assert set(contact.changes) == other.get("changes", set())
        assert contact.record is None or contact.record.queue_duration_ms == other["record"]["queue_ms"]
    assert {contact.contact_id for contact in ours.open_contacts()} == dicts.open.keys()
    assert {arn: agent.at for arn, agent in ours.agents.items()} == {arn: a["at"] for arn, a in dicts.agents.items()}


def _restore(path: Path, now: datetime) -> None:
    loaded = load_state(path, LiveRules())
    assert loaded is not None
    queue_views(loaded[0], now)


def run(quick: bool) -> None:
    arrived = _arrived(300 if quick else 3_000)
    ours = _ours(arrived)
    _check_equal(ours, _dicts(arrived))
    events = [decode(text) for text, _ in arrived]
    gc.collect()
    gc.freeze()  # the input, which no collector would see in a process that reads a stream
    with scratch() as folder:
        save_state(folder / "live", ours, {})
        jobs = {
            "ours": partial(_ours, arrived),
            "dicts": partial(_dicts, arrived),
            "fold": partial(_fold_only, events),
            "restore": partial(_restore, folder / "live", arrived[-1][1]),
        }
        seconds = cpu_in_turns(jobs, 3 if quick else 5)
        size = (folder / "live").stat().st_size
    us = {name: 1e6 * s / len(arrived) for name, s in seconds.items()}
    show(
        f"live: {len(arrived):,} events of {sum(len(t) for t, _ in arrived) // len(arrived):,} bytes, decoded and folded",
        [
            Line("dictionary-style Python, the same rules", us["dicts"], "us/event", 1.0),
            Line("ours", us["ours"], "us/event", us["dicts"] / us["ours"], "2.5x"),
            Line("ours without decoding (bound)", us["fold"], "us/event", us["dicts"] / us["fold"]),
        ],
    )
    show(
        f"live: a saved state of {len(ours.contacts):,} contacts, {size / 1e6:.1f} MB",
        [
            Line("folding it", 1000 * seconds["ours"], "ms", 1.0),
            Line(
                "restoring it, the day's sums made",
                1000 * seconds["restore"],
                "ms",
                seconds["ours"] / seconds["restore"],
                "10x",
            ),
        ],
    )
