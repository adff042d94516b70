"""Identifiers, numbers and names that look real and follow from the seed alone."""

from __future__ import annotations

import random
import time

ACCOUNT_ID = "111122223333"
REGION = "us-east-1"
INSTANCE_ID = "9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa"
INSTANCE_ARN = f"arn:aws:connect:{REGION}:{ACCOUNT_ID}:instance/{INSTANCE_ID}"
_STAMPS: dict[int, str] = {}
_STAMPS_MAX = 200_000


def uuid_of(rng: random.Random) -> str:
    """A version 4 UUID drawn from `rng` (never from the machine)."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"


def arn(kind: str, identifier: str) -> str:
    """An ARN inside the simulated instance, such as `.../queue/<id>`."""
    return f"{INSTANCE_ARN}/{kind}/{identifier}"


def stamp(second: int) -> str:
    """Unix second -> `yyyy-mm-ddThh:mm:ssZ`, as contact records have it."""
    text = _STAMPS.get(second)
    if text is None:
        if len(_STAMPS) > _STAMPS_MAX:
            _STAMPS.clear()
        text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        _STAMPS[second] = text
    return text


def phone(number: int) -> str:
    """An E.164 number of the range reserved for fiction (+1 NPA 555 0100 to 0199)."""
    area = 201 + (number * 7919) % 779
    return f"+1{area}55501{(number // 779) % 100:02d}"
