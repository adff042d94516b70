"""When each version reaches the stream, and the files in which Firehose leaves them.

Firehose writes records back to back with no separator, by default under `YYYY/MM/DD/HH/` of the UTC arrival of the
oldest record in its buffer (https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html).
"""

from __future__ import annotations

import gzip
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from trunkline.simulator.centre.contact import Contact
from trunkline.simulator.centre.ids import uuid_of
from trunkline.simulator.export.versions import Version, versions, winner
from trunkline.simulator.spec import Spec


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record on the stream. `is_copy`: these bytes were delivered before. `is_winner`: a table ends with it."""

    arrives_at: int
    contact: Contact
    version: Version
    is_copy: bool
    is_winner: bool


def schedule(contacts: list[Contact], spec: Spec) -> list[Delivery]:
    """All deliveries in the order in which they reach the stream. A copy may overtake a newer version."""
    rng = random.Random(f"delivery {spec.seed}")
    reorder = spec.faults.reorder
    result: list[Delivery] = []
    for one in contacts:
        all_of_one = versions(one, spec, rng)
        best = winner(all_of_one)
        arrives_at = 0
        for version in all_of_one:
            arrives_at = max(arrives_at, version.written_at + rng.randrange(5, 45))
            late_s = rng.randrange(60, 3600) if rng.random() < reorder else 0
            result.append(Delivery(arrives_at + late_s, one, version, False, version is best))
            if rng.random() < spec.duplicated:
                again_s = rng.randrange(1, 120) if rng.random() < 0.7 else rng.randrange(120, 10_800)
                result.append(Delivery(arrives_at + late_s + again_s, one, version, True, False))
    # Stable: what arrives in the same second keeps its order.
    result.sort(key=lambda delivery: delivery.arrives_at)
    _swap(result, reorder, rng)
    return result


def _swap(deliveries: list[Delivery], rate: float, rng: random.Random) -> None:
    """Swap neighbours, which mostly stay in one file."""
    if rate:
        for position in range(len(deliveries) - 1):
            if rng.random() < rate:
                pair = deliveries[position : position + 2]
                deliveries[position : position + 2] = pair[::-1]


class Firehose:
    """Buffers records and writes files, cut by size or age, whichever comes first."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.files: list[Path] = []
        self.bytes_out = 0
        self._folder = folder
        self._spec = spec
        self._rng = random.Random(f"firehose {spec.seed}")
        self._parts: list[bytes] = []
        self._size = 0
        self._opened_at = 0
        self._clock = 0

    def put(self, second: int, text: bytes) -> None:
        """Take one record (or one broken piece) that arrives at that Unix second."""
        self._clock = max(self._clock, second)
        if self._parts and self._clock >= self._opened_at + self._spec.file_age_s_max:
            self._flush(self._opened_at + self._spec.file_age_s_max)
        if not self._parts:
            self._opened_at = self._clock
        self._parts.append(text)
        self._size += len(text)
        if self._size >= self._spec.file_bytes_max:
            self._flush(self._clock)

    def close(self) -> None:
        """Write what is left."""
        if self._parts:
            self._flush(self._opened_at + self._spec.file_age_s_max)

    def _flush(self, second: int) -> None:
        """Write the buffer to a file whose modification time is `second`, the arrival."""
        text = b"".join(self._parts)
        self._parts, self._size = [], 0
        opened = time.gmtime(self._opened_at)
        name = f"{self._spec.stream}-1-{time.strftime('%Y-%m-%d-%H-%M-%S', opened)}-{uuid_of(self._rng)}"
        folder = self._folder / time.strftime("%Y/%m/%d/%H", opened)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (name + ".gz" if self._spec.is_gzip else name)
        # No time of our own in the gzip header: the same spec gives the same bytes.
        path.write_bytes(gzip.compress(text, 6, mtime=0) if self._spec.is_gzip else text)
        os.utime(path, (second, second))
        self.files.append(path)
        self.bytes_out += len(text)
