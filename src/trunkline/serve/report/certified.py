"""What the ledger says of days, as sentences: certified, or not yet, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trunkline.completeness.period_records import PeriodRecord
from trunkline.serve.report import wording

_HASH_SHOWN = 16


def sentence(record: PeriodRecord) -> str:
    """One period, for people who read the report: what is certified of it, or what is not known yet."""
    day = f"{record.name} (UTC)"
    if record.gone:
        return f"{day}: {wording.plural(record.gone, 'certified contact')} cannot be found any more"
    if record.state != "closed" or record.sha256 is None or record.closed_at is None:
        if record.counts.missing:
            return (
                f"{day}: not certified; {wording.plural(record.counts.missing, 'contact')} missing that Connect lists"
            )
        return f"{day}: nothing is missing so far, and late contacts may still come"
    amended = f", {wording.plural(record.amendments, 'amendment')} since" if record.amendments else ""
    rebuilt = (
        f", {record.counts.at_api_fidelity:,} of them rebuilt from the API" if record.counts.at_api_fidelity else ""
    )
    return (
        f"{day}: certified on {record.closed_at:%Y-%m-%d}: all that Connect lists is held, "
        f"{wording.plural(record.pairs or 0, 'contact')}{rebuilt}{amended}; SHA-256 {record.sha256[:_HASH_SHOWN]}\u2026"
    )


def summary(records: Sequence[PeriodRecord]) -> str:
    """All periods in one line: how many in each state, and what is missing."""
    states = {state: sum(one.state == state for one in records) for state in ("closed", "settling", "open")}
    told = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
    lacking = [one for one in records if one.counts.missing]
    if not lacking:
        return f"{told}; nothing is missing"
    missing = wording.plural(sum(one.counts.missing for one in lacking), "contact")
    return f"{told}; {missing} of {wording.plural(len(lacking), 'day')} missing: trunkline reconcile --heal"


def gone(records: Iterable[PeriodRecord]) -> int:
    """Contacts that were certified and are held no more."""
    return sum(one.gone for one in records)
