"""The specification of a simulation; it determines every byte of the output."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.limits import EVENT_YEAR_MIN
from trunkline.schedules.schedule import zone_names

# A Tuesday, so that the day before is a working day too and a report can compare the two.
DEFAULT_DATE = date(2026, 3, 3)
CENTRE_ZONE = "America/New_York"
DAY_S = 86_400
_YEAR_MAX = 9000


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each fault occurs: a share (0 to 0.5) of the good deliveries, exact copies excluded.

    Each of `poison`, `truncation`, `implausible_time`, `missing_contact_id` and `wrong_type` adds a broken copy of
    a record that is also delivered intact, so that no contact is lost to a fault. `unknown_fields` and `case_clash`
    change records that stay valid. `reorder` swaps neighbours and delays deliveries by up to an hour. Raises
    UsageError for a rate out of range.
    """

    poison: float = 0.0
    truncation: float = 0.0
    implausible_time: float = 0.0
    missing_contact_id: float = 0.0
    wrong_type: float = 0.0
    unknown_fields: float = 0.0
    case_clash: float = 0.0
    reorder: float = 0.0

    def __post_init__(self) -> None:
        for fault in fields(self):
            rate = getattr(self, fault.name)
            if not 0.0 <= rate <= 0.5:
                raise UsageError(f"fault rate {fault.name} is {rate}; give a share from 0 to 0.5")

    @classmethod
    def every(cls, rate: float) -> Faults:
        """Every fault at the same rate (at most 0.2, since the five broken kinds exclude each other)."""
        return cls(**{fault.name: rate for fault in fields(cls)})

    @property
    def broken(self) -> dict[str, float]:
        """The kinds of fault that add an unusable record, with their rates."""
        names = ("poison", "truncation", "implausible_time", "missing_contact_id", "wrong_type")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class StreamFaults:
    """How often an event is lost, repeated, late (by half a minute to a quarter of an hour), or overtaken by others.

    Each is a share from 0 to 1. Raises UsageError for a share out of range.
    """

    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.0
    reordering: float = 0.0

    def __post_init__(self) -> None:
        for fault in fields(self):
            rate = getattr(self, fault.name)
            if not 0.0 <= rate <= 1.0:
                raise UsageError(f"{fault.name} is {rate}; give a share from 0 to 1")


@dataclass(frozen=True, slots=True)
class Spec:
    """The options of a simulation. The same spec gives the same bytes on every machine.

    `contacts` is the exact number of distinct ContactIds, over all days and legs: slightly more arrivals than needed
    are simulated, then whole customer journeys are removed. Contacts arrive in `days` days of `zone`, of which `date`
    is the last; deliveries continue for days after that.
    `events` are the faults of agent events and contact events; None: their files are not written. `salesforce`: the
    records of a Salesforce that fits the contacts are written too.
    Shares (0 to 1): `redelivered` of the contacts are delivered again with changed content, `duplicated` of the
    deliveries are repeated unchanged, `redacted` of the contacts lose their customer endpoint later.
    Raises UsageError for an option out of range.
    """

    contacts: int = 10_000
    seed: int = 1
    date: date = DEFAULT_DATE
    days: int = 1
    zone: str = "UTC"
    faults: Faults = field(default_factory=Faults)
    events: StreamFaults | None = None
    salesforce: bool = False
    redelivered: float = 0.15
    duplicated: float = 0.04
    same_second: float = 0.005
    redacted: float = 0.005
    is_gzip: bool = False
    prefix: str = "contact-records"
    stream: str = "connect-contact-records"
    file_bytes_max: int = 5 * 1024 * 1024  # Firehose BufferingHints.SizeInMBs, default 5
    file_age_s_max: int = 300  # Firehose BufferingHints.IntervalInSeconds, default 300

    def __post_init__(self) -> None:
        if self.contacts < 0:
            raise UsageError(f"contacts is {self.contacts}; give 0 or more")
        if not EVENT_YEAR_MIN <= self.date.year <= _YEAR_MAX:
            raise UsageError(f"date is {self.date}; give a date from {EVENT_YEAR_MIN} to {_YEAR_MAX}")
        if self.zone not in zone_names():
            raise UsageError(f"zone is {self.zone!r}; give an IANA name such as America/New_York")
        if not 1 <= self.days <= 366:
            raise UsageError(f"days is {self.days}; give 1 to 366")
        if sum(self.faults.broken.values()) > 1.0:
            raise UsageError("the rates of the broken kinds add up to more than 1; give lower rates")
        for name in ("redelivered", "duplicated", "same_second", "redacted"):
            rate = getattr(self, name)
            if not 0.0 <= rate <= 1.0:
                raise UsageError(f"{name} is {rate}; give a share from 0 to 1")

    @property
    def start_s(self) -> int:
        """The first arrival's earliest second, Unix time."""
        return _midnight(self.date - timedelta(days=self.days - 1), self.zone)

    @property
    def end_s(self) -> int:
        """The end (exclusive) of arrivals, Unix time."""
        return _midnight(self.date + timedelta(days=1), self.zone)


def _midnight(day: date, zone: str) -> int:
    """When a local day begins, Unix time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())
