"""Reference results: every contact metric, computed in plain Python from the winning record of each contact.

Written from Amazon's definitions (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html)
and independent of any SQL. There are two results: exported and true. They differ where a formula uses
PreDisconnectState, which is not exported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.simulator.oracle.terms import METRICS, Aggregate, OracleOptions, OracleTerm, TrueContact

T = TypeVar("T")
Answer = int | float | None
DIMENSIONS: dict[str, Callable[[TrueContact], str | None]] = {
    "queue": lambda c: "agent_queues" if c.is_agent_queue else c.queue_id,
    "single_queue": lambda c: c.queue_id,
    "agent": lambda c: c.agent_id,
    "routing_profile": lambda c: c.routing_profile_id,
    "channel": lambda c: c.channel,
    "initiation_method": lambda c: c.initiation_method,
}
INTERVALS_S = {"15min": 900, "30min": 1800, "hour": 3600, "day": 86_400}
DEFAULT_X = "default"
_EPOCH = datetime(1970, 1, 1)


def answer(
    contacts: Sequence[TrueContact],
    metric: str,
    by: Sequence[str] = (),
    interval: str | None = None,
    zone: str = "UTC",
    x_s: float | Mapping[str, float] = 20,
    truth: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[tuple[Any, ...], Answer]:
    """One metric per group; see `answers`. Raises UsageError as `answers` does."""
    values_by_group = answers(contacts, (metric,), by, interval, zone, x_s, truth, since, until)
    return {key: value for key, (value,) in values_by_group.items()}


def answers(
    contacts: Sequence[TrueContact],
    metrics: Sequence[str],
    by: Sequence[str] = (),
    interval: str | None = None,
    zone: str = "UTC",
    x_s: float | Mapping[str, float] = 20,
    truth: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[tuple[Any, ...], tuple[Answer, ...]]:
    """Metrics per group. A key has the values of `by` in order, then the interval if there is one.

    Population: contacts with a disconnect time in [since, until) (naive means UTC). Times are seconds, rates 0 to
    100, counts integers; None where the divisor or the set of values is empty. Groups without contacts are absent,
    but without `by` and `interval` there is always the group `()`. None is a separate group.
    Interval keys are naive UTC times, for `day` local dates. `x_s` is a number of seconds, or a mapping from queue
    name, queue id or channel to seconds (the queue wins), with `default` (20 if omitted) for the others. Raises
    UsageError for an unknown metric, dimension or interval.
    """
    chosen = [_lookup(METRICS, metric, "metric") for metric in metrics]
    readers = [_lookup(DIMENSIONS, name, "dimension") for name in by]
    width_s = None if interval is None else _lookup(INTERVALS_S, interval, "interval")
    options = OracleOptions(truth, _threshold(x_s))
    first, last = _second(since), _second(until)
    groups: dict[tuple[Any, ...], list[TrueContact]] = {}
    for contact in contacts:
        at = contact.disconnected_at
        if at is None or (first is not None and at < first) or (last is not None and at >= last):
            continue
        key: tuple[Any, ...] = tuple([reader(contact) for reader in readers])
        if width_s is not None:
            key += (interval_key(at, width_s, zone),)
        groups.setdefault(key, []).append(contact)
    if not by and interval is None:
        groups.setdefault((), [])
    return {key: tuple(evaluate(metric, members, options) for metric in chosen) for key, members in groups.items()}


def evaluate(metric: OracleTerm, contacts: Sequence[TrueContact], options: OracleOptions) -> Answer:
    """One metric over one group. Sums are exact integers of milliseconds; division comes last."""
    if metric.how is Aggregate.COUNT:
        return sum(1 for contact in contacts if metric.value(contact, options))
    if metric.how is Aggregate.RATE:
        assert metric.base is not None
        base = metric.base
        below = sum(1 for contact in contacts if base(contact, options))
        return float(sum(1 for contact in contacts if metric.value(contact, options))) * 100 / below if below else None
    values = [value for contact in contacts if (value := metric.value(contact, options)) is not None]
    if not values:
        return None
    if metric.how is Aggregate.AVERAGE:
        return float(sum(values)) / len(values)
    if metric.how is Aggregate.AVERAGE_TIME:
        return float(sum(values) * 1000) / (len(values) * 1000.0)
    if metric.how is Aggregate.SUM_TIME:
        return float(sum(values) * 1000) / 1000.0
    if metric.how is Aggregate.MAX_TIME:
        return float(max(values) * 1000) / 1000.0
    # Nearest rank: the ceil(p * n)-th smallest value, with p in whole percent to avoid rounding errors.
    values.sort()
    rank = -(-metric.percent * len(values) // 100)
    return float(values[max(rank, 1) - 1] * 1000) / 1000.0


def interval_key(at: int, width_s: int, zone: str) -> datetime | date:
    """The start of the interval that contains a Unix second; for a day, its local date.

    An interval starts where the local time is a multiple of the width, or at a later clock change.
    """
    quarter = at // 900
    local = at + _offset_s(zone, quarter)
    if width_s == 86_400:
        return (_EPOCH + timedelta(seconds=local)).date()
    start = at - local % width_s
    while quarter * 900 > start and _offset_s(zone, quarter - 1) == _offset_s(zone, quarter):
        quarter -= 1
    return _EPOCH + timedelta(seconds=max(start, quarter * 900))


@lru_cache(maxsize=200_000)
def _offset_s(zone: str, quarter: int) -> int:
    """A zone's UTC offset in a quarter of an hour. No simulated zone changes its offset within one."""
    offset = datetime.fromtimestamp(quarter * 900, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _threshold(x_s: float | Mapping[str, float]) -> Callable[[TrueContact], float]:
    if not isinstance(x_s, Mapping):
        return lambda _: x_s
    default = x_s.get(DEFAULT_X, 20)

    def look_up(contact: TrueContact) -> float:
        for name in (contact.queue_id, contact.queue_name, contact.channel):
            if name is not None and name in x_s:
                return x_s[name]
        return default

    return look_up


def _second(when: datetime | None) -> float | None:
    if when is None:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _lookup(table: Mapping[str, T], name: str, noun: str) -> T:
    if name not in table:
        raise UsageError(f"unknown {noun} {name!r}; valid: {', '.join(sorted(table))}")
    return table[name]
