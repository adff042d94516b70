"""Homes that collect from an emulated instance, on its virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connect import invoke_of
from homes import contacts, opened
from virtual_clock import VirtualClock

from trunkline.pipelines import collect_state
from trunkline.pipelines.collect import Collected, Collector, Service
from trunkline.pipelines.home import Home
from trunkline.simulator.centre.centre import INSTANCE_ARN, INSTANCE_ID
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.sources.connect_api.client import CallClock, Invoke, parse_instance

INSTANCE = parse_instance(INSTANCE_ARN, {})


class KilledError(BaseException):
    """The process dies here: nothing catches it."""


def service(
    api: ConnectApi, clock: VirtualClock, deadline_s: float | None = None, skew_s: float = 0.0,
    around: Callable[[Invoke], Invoke] = lambda invoke: invoke,
) -> Service:  # fmt: skip
    """The way to the emulator; `skew_s` is how far the collector's clock is ahead of the service's."""
    return Service(
        CallClock(lambda: clock.now_s() + skew_s, clock.sleep, deadline_s), lambda instance: around(invoke_of(api))
    )


@contextmanager
def centre_home(path: Path, **options: object) -> Iterator[Home]:
    """An open home of that instance, at the whole quota."""
    with opened(path, **({"connect_instances": INSTANCE_ARN, "connect_share": 1.0} | options)) as home:
        yield home


def collector(home: Home, given: Service, **options: Any) -> Collector:
    """As one process has it: a new one is a new process, which finishes what the last left."""
    return Collector(home, contacts(home), given, **options)


def collect(home: Home, given: Service, since: datetime, until: datetime, **options: Any) -> Collected:
    """One run by hand."""
    return collector(home, given, **options).collect(INSTANCE, since, until)


def run_due(home: Home, given: Service, **options: Any) -> Collected:
    """One run of the schedule."""
    return collector(home, given, **options).run_due(INSTANCE)


def rows(home: Home, columns: str = "contact_id") -> list[tuple[Any, ...]]:
    """Rows of the warehouse, by contact."""
    return home.warehouse.query(f"SELECT {columns} FROM connect.f_calls ORDER BY contact_id")


def watermark(home: Home) -> datetime | None:
    """How far the schedule is."""
    state = collect_state.load_state(home.store, INSTANCE_ID)
    return None if state is None else state.watermark


def at(second: float) -> datetime:
    """Unix seconds as an aware time."""
    return datetime.fromtimestamp(second, UTC)
