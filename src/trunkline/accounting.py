"""Counts that add up for the records of a batch, and drift: how they differ from what the catalogue expects. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    for batch in counts:
        result = result + batch
    return result


def sum_drifts(drifts: Sequence[Drift]) -> Drift:
    """The drift of all batches together."""
    return Drift(
        sum(drift.records for drift in drifts),
        _sum([drift.keys for drift in drifts]),
        _sum([drift.unknown for drift in drifts]),
        _sum([drift.case_clash for drift in drifts]),
        _sum([drift.type_changes for drift in drifts]),
    )


_SHOWN_MAX = 8
# A field that one record in twenty has is missing from this many by chance once in 28,000 times.
_VANISHED_RECORDS_MIN = 200


def findings(drifts: Sequence[Drift], vanished: Sequence[str] = (), known: Collection[str] = ()) -> list[str]:
    """Sentences for people: unknown fields, case clashes, type changes of all these batches, and `vanished` fields.

    Fields in `known` are no longer unknown: the catalogue has them now.
    """
    records = sum(drift.records for drift in drifts)
    if not records:
        return []
    unknown, clashes = _sum([drift.unknown for drift in drifts]), _sum([drift.case_clash for drift in drifts])
    for key in known:
        del unknown[key], clashes[key]
    lines = [
        _line("Unknown fields, kept in record_unmapped", unknown, records),
        _line("Keys that differ only in case, both kept", clashes, records),
        _line("Values of another type than the catalogue's", _sum([drift.type_changes for drift in drifts]), records),
    ]
    if vanished:
        lines.append(f"Fields that vanished: {', '.join(vanished[:_SHOWN_MAX])}{_more(len(vanished))}")
    return [line for line in lines if line]


def vanished_keys(latest: Sequence[Drift], before: Sequence[Drift]) -> list[str]:
    """Known keys that vanished.

    At least one in twenty of the records before had them, and none of the latest, of which there are enough for it to
    be no chance.
    """
    if sum(drift.records for drift in latest) < _VANISHED_RECORDS_MIN:
        return []
    now = _sum([drift.keys for drift in latest])
    then = _sum([drift.keys for drift in before])
    usual = sum(drift.records for drift in before) / 20
    return sorted(key for key, count in then.items() if count > usual and not now.get(key))


def _sum(counts: Sequence[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counted in counts:
        total.update(counted)
    return total


def _line(title: str, counts: Counter[str], records: int) -> str:
    if not counts:
        return ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{key} ({count:,})" for key, count in ordered[:_SHOWN_MAX])
    return f"{title}: {shown}{_more(len(counts))} of {records:,} records"


def _more(count: int) -> str:
    return f" and {count - _SHOWN_MAX} more" if count > _SHOWN_MAX else ""
