"""State and positions on disk: killed at any point, restored, caught up; nothing jumps and nothing counts twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from datetime import timedelta
from pathlib import Path

import live_events
import msgspec
import pytest
from live_events import NOON, Arrived, after, contact_record, folded, stamp

from trunkline.errors import TerminalError
from trunkline.live import fold
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.live.saved import SavedState, load_state, save_state
from trunkline.live.terms import live_terms
from trunkline.live.views import agent_views, contact_views, queue_views, today

RULES = LiveRules(x_by_queue={"Sales": 30})


def shown(state: LiveState, now) -> tuple:
    """All that a board shows."""
    return agent_views(state, now), contact_views(state, now), queue_views(state, now)


def restarted(arrived: list[Arrived], path: Path, seed: int) -> list[tuple]:
    """Follow a stream with two shards, killed at random: between events, after a save, and inside of one.

    Gives what was shown after each restart, with the arrival that it was caught up to.
    """
    rng = random.Random(seed)
    result, end = [], 0
    while end < len(arrived):
        state, positions = load_state(path, RULES) or (LiveState(RULES), {"even": "-1", "odd": "-1"})
        end = min(len(arrived), end + rng.randrange(1, len(arrived) // 3))
        for number, (now, _, text) in enumerate(arrived[:end]):
            shard = ("even", "odd")[number % 2]
            if number > int(positions[shard]):
                state.apply(text, now)
                positions[shard] = str(number)
                if rng.random() < 0.004:
                    save_state(path, state, positions)
        result.append((end, shown(state, arrived[end - 1][0])))
    return result


@pytest.mark.parametrize("seed", range(3))
def test_killed_and_restarted_at_random(tmp_path: Path, seed: int) -> None:
    """Each time the state catches up with what a process that never stopped shows."""
    arrived = live_events.texts_of(live_events.simulated(80, seed))
    steady, place = LiveState(RULES), 0
    for end, after_restart in restarted(arrived, tmp_path / "live", seed):
        for now, _, text in arrived[place:end]:
            steady.apply(text, now)
        place = end
        assert shown(steady, arrived[end - 1][0]) == after_restart


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(200))
def test_killed_and_restarted_many_times(tmp_path: Path, seed: int) -> None:
    """Hundreds of seeds."""
    test_killed_and_restarted_at_random(tmp_path, seed)


def _save_for_ever(path: Path, arrived: list[Arrived]) -> None:
    state = LiveState(RULES)
    for number, (now, _, text) in enumerate(arrived):
        state.apply(text, now)
        save_state(path, state, {"shard": str(number)})


def test_killed_while_saving(tmp_path: Path) -> None:
    """SIGKILL at any instant leaves a whole file: the state is that of its own position."""
    path, arrived = tmp_path / "live", live_events.texts_of(live_events.simulated(80, 0))
    rng = random.Random(4)
    for _ in range(5):
        path.unlink(missing_ok=True)
        process = multiprocessing.get_context("fork").Process(target=_save_for_ever, args=(path, arrived))
        process.start()
        while not path.exists():
            time.sleep(0.001)
        time.sleep(rng.random() * 0.2)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        loaded = load_state(path, RULES)
        assert loaded is not None
        state, positions = loaded
        steady, place = LiveState(RULES), int(positions["shard"])
        for now, _, text in arrived[: place + 1]:
            steady.apply(text, now)
        assert shown(state, arrived[place][0]) == shown(steady, arrived[place][0])


def test_settled_contacts_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of contacts that were dropped for memory are saved, and their copies are still recognised."""
    monkeypatch.setattr(fold, "LIVE_CONTACTS_MAX", 5)
    records = [contact_record(f"c-{n}", DisconnectTimestamp=stamp(after(n))) for n in range(20)]
    state = folded(*records)
    state.sweep(after(60))
    save_state(tmp_path / "live", state, {})
    loaded = load_state(tmp_path / "live", LiveRules())
    assert loaded is not None
    state, _ = loaded
    assert len(state.contacts) == 5
    state.apply_all(records, after(70))
    assert today(state, after(70))["CONTACTS_CREATED"].value == 20


def test_new_rules_apply_to_an_old_state(tmp_path: Path) -> None:
    """A changed target counts again what the state has."""
    queue = {"ARN": live_events.QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(NOON), "Duration": 25}
    save_state(tmp_path / "live", folded(contact_record(Queue=queue)), {})
    for x_s, level in ((20, 0.0), (30, 100.0)):
        loaded = load_state(tmp_path / "live", LiveRules(x_s=x_s))
        assert loaded is not None
        assert today(loaded[0], after(100))["SERVICE_LEVEL"].value == level


def test_no_file_another_version_damage(tmp_path: Path) -> None:
    """Nothing to load is None; a damaged file says what to do."""
    path = tmp_path / "live"
    assert load_state(path, RULES) is None
    save_state(path, LiveState(RULES), {"s": "1"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["live"]
    saved = msgspec.msgpack.decode(path.read_bytes(), type=SavedState)
    other = SavedState([99], saved.positions, saved.contents)
    (tmp_path / "other").write_bytes(msgspec.msgpack.encode(other))
    assert load_state(tmp_path / "other", RULES) is None
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(TerminalError, match="delete it"):
        load_state(path, RULES)


def test_restoring_costs_a_tenth_of_folding(tmp_path: Path) -> None:
    """Load, and count the day's sums again, against folding the day's events: CPU time in one process."""
    live_terms()
    arrived = live_events.texts_of(live_events.simulated(600, 1))
    started = time.process_time()
    state = LiveState(RULES)
    for now, _, text in arrived:
        state.apply(text, now)
    end = arrived[-1][0] - timedelta(hours=1)
    queue_views(state, end)
    folding_s = time.process_time() - started
    save_state(tmp_path / "live", state, {})
    restoring_s = []
    for _ in range(3):
        started = time.process_time()
        loaded = load_state(tmp_path / "live", RULES)
        assert loaded is not None
        queue_views(loaded[0], end)
        restoring_s.append(time.process_time() - started)
    assert min(restoring_s) < folding_s / 10, (min(restoring_s), folding_s)
