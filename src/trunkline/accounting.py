"""What became of the records of a batch: counts that add up, and drift. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Drift:
    """How the records of a batch differ from what the catalogue expects. Counts are in records.

    `keys` counts known keys by dotted path; `unknown` keys the catalogue lacks; `case_clash` unknown keys that
    differ from another only in case; `type_changes` values of another JSON type, by path and the type seen.
    """

    records: int = 0
    keys: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    case_clash: Mapping[str, int] = field(default_factory=dict)
    type_changes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """The accounting of a batch, in source records.

    read = accepted + filtered + dead_letter, and for a target
    accepted = inserted + updated + deleted + superseded + duplicate + rejected.
    """

    read: int = 0
    filtered: int = 0
    dead_letter: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    superseded: int = 0
    duplicate: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def accepted(self) -> int:
        """Records that reached the lake."""
        return self.read - self.filtered - self.dead_letter

    @property
    def is_balanced(self) -> bool:
        """Whether every record is accounted for."""
        return self.accepted == (
            self.inserted + self.updated + self.deleted + self.superseded + self.duplicate + self.rejected
        )

    def sentence(self) -> str:
        """The accounting line: `12,431 records read = 10,000 inserted + 1,902 updated + ...`.

        Inserted is always named; other terms only when above zero.
        """
        shown = [
            (self.inserted, "inserted"),
            (self.updated, "updated"),
            (self.deleted, "deleted"),
            (self.duplicate, "duplicate" if self.duplicate == 1 else "duplicates"),
            (self.superseded, "superseded"),
            (self.rejected, "rejected"),
            (self.filtered, "filtered"),
            (self.dead_letter, "set aside"),
        ]
        terms = [f"{n:,} {word}" for n, word in shown if n or word == "inserted"]
        noun = "record" if self.read == 1 else "records"
        return f"{self.read:,} {noun} read = " + " + ".join(terms)


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of many batches' counts."""
    result = Counts()
    for one in counts:
        result = result + one
    return result
