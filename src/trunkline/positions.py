"""Where records come from: ranges of a source, the plan of a batch, and how far a source was read. No I/O."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

API_SOURCE = "connect_api"
"""Source of batches that the Connect API gave. A plan of it cannot be read again; the collector asks anew."""
REPLAY_SOURCE = "dead_letter"
"""Source of batches that run dead letters again. The `uri` of their ranges is the dead letter's position."""
REFUSED_SOURCE = "refused"
"""Source of batches that merge rows again which the warehouse refused; their ranges are written alike."""


@dataclass(frozen=True, slots=True)
class Range:
    """A half-open span of decoded bytes of one version of one file.

    `version` changes whenever the file's content may have (ETag and version id, or size and modification time).
    `is_last` means that `end` is the end of the file. `arrived_at` is the file's arrival (naive UTC).
    """

    uri: str
    version: str
    start: int
    end: int
    is_last: bool
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What one batch covers. Recorded before the batch's first put; a retry re-uses it.

    `batch_id` is a function of object, source and ranges alone, never of the clock, so that a retry overwrites
    what the first try put.
    """

    object_name: str
    source: str
    ranges: tuple[Range, ...]

    @property
    def batch_id(self) -> str:
        """32 hexadecimal digits."""
        text = json.dumps(
            [self.object_name, self.source, [[r.uri, r.version, r.start, r.end] for r in self.ranges]],
            separators=(",", ":"),
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, order=True)
class Progress:
    """How far one version of one file has been read: everything before `offset` is planned or done. More is greater."""

    offset: int = 0
    is_complete: bool = False
