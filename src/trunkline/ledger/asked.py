"""Calls whose transcript was looked up and not found, so that each run repeats only the lookups that are due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from trunkline.limits import ASK_AGAIN_S, ASK_AGAIN_S_MAX, ASK_DAYS_MAX


class Asked(msgspec.Struct, frozen=True):
    """How often a call's transcript was not found, and when last (naive UTC)."""

    tries: int
    at: datetime


def is_due(asked: Asked | None, call_at: datetime | None, now: datetime) -> bool:
    """Whether to look up a call now: at once the first time, then less and less often, and finally not at all."""
    if asked is None:
        return True
    if call_at is not None and asked.at - call_at > timedelta(days=ASK_DAYS_MAX):
        return False
    wait_s = min(ASK_AGAIN_S * 2 ** min(asked.tries - 1, 30), ASK_AGAIN_S_MAX)
    return now - asked.at >= timedelta(seconds=wait_s)


def missed(asked: Asked | None, now: datetime) -> Asked:
    """The state after one more failed lookup."""
    return Asked((asked.tries if asked else 0) + 1, now)


def encode(asked: Mapping[str, Asked]) -> bytes:
    """The calls of one day as they are stored."""
    return msgspec.json.encode(asked, order="sorted")


def decode(data: bytes | None) -> dict[str, Asked]:
    """The calls of one day; empty where nothing is stored."""
    return msgspec.json.decode(data, type=dict[str, Asked]) if data else {}
