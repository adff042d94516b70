"""Homes that collect from an emulated instance, on its virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from connect import invoke_of
from homes import contacts, opened
from virtual_clock import VirtualClock

from trunkline.lake.store import FolderStore
from trunkline.pipelines.connect.collect import Collector, CollectResult, ConnectService
from trunkline.pipelines.home import Home, LakeState
from trunkline.simulator.centre.centre import INSTANCE_ARN, INSTANCE_ID
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.sources.connect_api.client import Invoke, parse_instance
from trunkline.sources.connect_api.progress import load_schedule_state
from trunkline.sources.connect_api.quota import CallClock

INSTANCE = parse_instance(INSTANCE_ARN, {})


class KilledError(BaseException):
    """The process dies here: nothing catches it."""


def service(
    api: ConnectApi, clock: VirtualClock, deadline_s: float | None = None, skew_s: float = 0.0,
    around: Callable[[Invoke], Invoke] = lambda invoke: invoke,
) -> ConnectService:  # fmt: skip
    """The way to the emulator; `skew_s` is how far the collector's clock is ahead of the service's."""
    return ConnectService(
        CallClock(lambda: clock.now_s() + skew_s, clock.sleep, deadline_s), lambda instance: around(invoke_of(api))
    )


def kill_at(monkeypatch: pytest.MonkeyPatch, part_of_key: str, number: int = 1, method: str = "put_bytes") -> None:
    """Let the process die before it writes (or removes) a lake object with this in its key for the `number`th time."""
    real, seen = getattr(FolderStore, method), [0]

    def deadly(*given: Any, **named: Any) -> None:
        if any(part_of_key in value for value in given if isinstance(value, str)):
            seen[0] += 1
            if seen[0] == number:
                raise KilledError
        real(*given, **named)

    monkeypatch.setattr(FolderStore, method, deadly)


@contextmanager
def centre_home(path: Path, **options: object) -> Iterator[Home]:
    """An open home of that instance, at the whole quota."""
    with opened(path, **({"connect_instances": INSTANCE_ARN, "connect_share": 1.0} | options)) as home:
        yield home


def collector(home: Home, given: ConnectService, **options: Any) -> Collector:
    """As one process has it: a new one is a new process, which finishes what the last left."""
    return Collector(home, contacts(home), given, **options)


def collect(home: Home, given: ConnectService, since: datetime, until: datetime, **options: Any) -> CollectResult:
    """One run by hand."""
    return collector(home, given, **options).collect(INSTANCE, since, until)


def run_due(home: Home, given: ConnectService, **options: Any) -> CollectResult:
    """One run of the schedule."""
    return collector(home, given, **options).run_due(INSTANCE)


def rows(home: Home, columns: str = "contact_id") -> list[tuple[Any, ...]]:
    """Rows of the warehouse, by contact."""
    return home.warehouse.query(f"SELECT {columns} FROM connect.f_calls ORDER BY contact_id")


def watermark(home: Home) -> datetime | None:
    """How far the schedule is."""
    state = load_schedule_state(LakeState(home.store), INSTANCE_ID)
    return None if state is None else state.watermark


def at(second: float) -> datetime:
    """Unix seconds as an aware time."""
    return datetime.fromtimestamp(second, UTC)
