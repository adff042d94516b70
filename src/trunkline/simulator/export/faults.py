"""Faults: broken copies of records, and valid records with unexpected fields.

Every broken piece is one span for a reader that resumes at the next record: no piece contains a newline or a nested
object with its own ContactId.
"""

from __future__ import annotations

import copy
import random
import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.simulator.spec import Faults

Record = dict[str, Any]
_encode = msgspec.json.encode


def pick(faults: Faults, rng: random.Random) -> str | None:
    """The kind of broken copy that follows a delivery, or None."""
    point = rng.random()
    for kind, rate in faults.broken.items():
        point -= rate
        if point < 0.0:
            return kind
    return None


def broken(kind: str, record: Record, rng: random.Random) -> bytes:
    """Bytes made from `record` that no reader can parse into a contact."""
    return _KINDS[kind](copy.deepcopy(record), rng)


def _poison(record: Record, rng: random.Random) -> bytes:
    text = _encode(record)
    # Different for every version, so that no two pieces are equal.
    name = f"{record['ContactId']}/{zlib.crc32(text):08x}"
    pieces: tuple[Callable[[], bytes], ...] = (
        lambda: text[:-1] + b",}",
        lambda: text[:-1] + b',"Score":NaN}',
        lambda: text[:-1] + b',"Note":"\xff\xfe"}',
        lambda: text[:-1] + b',"Channel":"VOICE"}',
        lambda: text[:-1] + b',"Deep":' + b"[" * 300 + b"]" * 300 + b"}",
        lambda: text.replace(b'"ContactId":', b"'ContactId':", 1),
        f"<html>502 Bad Gateway, request {name}</html>".encode,
        lambda: b"\x00\x00\x00" + name.encode() + b"\x00",
        f'"record {name} was too large"'.encode,
    )
    return pieces[rng.randrange(len(pieces))]()


def _truncation(record: Record, rng: random.Random) -> bytes:
    """Cut the record anywhere: in a string, between tokens, or within a multi-byte character."""
    text = _encode(record)
    return text[: rng.randrange(60, len(text) - 2)]


def _implausible_time(record: Record, rng: random.Random) -> bytes:
    name, value = rng.choice(
        (
            ("LastUpdateTimestamp", "9999-12-31T23:59:59Z"),
            ("LastUpdateTimestamp", "2031-01-01T00:00:00Z"),
            ("InitiationTimestamp", "0001-01-01T00:00:00Z"),
            ("InitiationTimestamp", "1970-01-01T00:00:00Z"),
            ("InitiationTimestamp", "2038-01-19T03:14:08Z"),
        )
    )
    record[name] = value
    return _encode(record)


def _missing_contact_id(record: Record, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        del record["ContactId"]
    else:
        record["ContactId"] = None
    return _encode(record)


def _wrong_type(record: Record, rng: random.Random) -> bytes:
    name, value = rng.choice(
        (
            ("LastUpdateTimestamp", 17),
            ("LastUpdateTimestamp", "just now"),
            ("LastUpdateTimestamp", ["2026"]),
            ("InitiationTimestamp", "yesterday"),
            ("InitiationTimestamp", {"Seconds": 1}),
            ("InitiationTimestamp", False),
        )
    )
    record[name] = value
    return _encode(record)


_KINDS: dict[str, Callable[[Record, random.Random], bytes]] = {
    "poison": _poison,
    "truncation": _truncation,
    "implausible_time": _implausible_time,
    "missing_contact_id": _missing_contact_id,
    "wrong_type": _wrong_type,
}


def add_drift(record: Record, faults: Faults, rng: random.Random) -> list[str]:
    """Add unexpected fields to a record that stays valid. Returns the kinds applied.

    The same version must get an `rng` of the same state.
    """
    applied = []
    if rng.random() < faults.unknown_fields:
        applied.append("unknown_fields")
        if rng.random() < 0.5:
            record["ConversationSummary"] = {"Text": "Neues Feld", "Tokens": [1, 2.5, None]}
        else:
            record["ForecastGroup"] = "north"
        for name in ("Agent", "Queue"):
            if record[name] is not None:
                record[name]["WorkloadScore"] = 3
    if rng.random() < faults.case_clash:
        applied.append("case_clash")
        record["channel"] = "voice"
        record["Attributes"]["customertier"] = "other"
        if record["Queue"] is not None:
            record["Queue"]["name"] = "shadow"
    return applied
