"""Drift: what the source sends that the catalogue does not expect, and what it no longer sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from trunkline.accounting import Drift

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
