"""The state of a period as the lake keeps it, one small JSON object each."""

from __future__ import annotations

from datetime import datetime

import msgspec

from trunkline.completeness.census import Counts
from trunkline.completeness.periods import State, name_of
from trunkline.errors import TerminalError
from trunkline.schedules.windows import Window


class PeriodRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One period of one object and source. Times are aware UTC.

    `why` counts open findings by why. `pairs`, `sha256` and `closed_at` are those in force, None while it is not
    closed. `gone` counts contacts that were certified and that nothing explains the loss of.
    """

    object: str
    source: str
    start: datetime
    end: datetime
    state: State
    counts: Counts
    why: dict[str, int]
    examined_at: datetime
    listed_as_of: datetime | None = None
    closed_at: datetime | None = None
    pairs: int | None = None
    sha256: str | None = None
    amendments: int = 0
    gone: int = 0

    @property
    def period(self) -> Window:
        """The period as a window."""
        return Window(self.start, self.end)

    @property
    def name(self) -> str:
        """What it is called: its UTC date."""
        return name_of(self.period)

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing and nothing is gone."""
        return self.counts.is_complete and not self.gone


def encode(record: PeriodRecord) -> bytes:
    """JSON text that people can read."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def decode(data: bytes) -> PeriodRecord:
    """Its inverse. Raises TerminalError for text that is none."""
    try:
        return msgspec.json.decode(data, type=PeriodRecord)
    except msgspec.DecodeError as error:
        raise TerminalError(
            f"the state of a period below _ledger/period/ in the lake cannot be read ({error}): it was changed or cut "
            "short. Remove it: the next trunkline reconcile writes it anew"
        ) from error
