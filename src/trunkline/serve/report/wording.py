"""Numbers as text: durations, percentages, counts and changes, the completeness of a period, the source of its rows.

NULL is shown as a dash, never as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from trunkline.completeness.period_records import PeriodRecord
from trunkline.engines.model import quote_qualified
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import FIDELITY_API, FIDELITY_STREAM
from trunkline.sql.session import Session

Value = int | float | None

NOTHING: Final = "\u2013"
_MINUS: Final = "\u2212"


def count(value: Value) -> str:
    """`12,431`; a dash for None."""
    return NOTHING if value is None else f"{round(value):,}"


def short_count(value: int) -> str:
    """`999`, `1.3k`, `12k`: where there is no room for more."""
    if value < 1000:
        return str(value)
    return f"{value / 1000:.1f}k" if value < 9_950 else f"{round(value / 1000)}k"


def percentage(value: Value) -> str:
    """A number from 0 to 100 as `88.3%`; a dash for None. Rounding alone never makes it 0.0% or 100.0%."""
    if value is None:
        return NOTHING
    if 0 < value < 0.05:
        return "<0.1%"
    if 99.95 <= value < 100:
        return ">99.9%"
    return f"{value:.1f}%"


def duration(seconds: Value) -> str:
    """Seconds in words: `8.4 s`, `42 s`, `6 min 12 s`, `2 h 05 min`, `3 d 4 h`; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return _MINUS + duration(-seconds)
    if seconds < 9.95:
        return f"{seconds:.0f} s" if seconds == round(seconds) else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def spelled(seconds: float) -> str:
    """A length in whole units, for sentences: `20 seconds`, `1 minute 30 seconds`, `4 hours`, `2 days`."""
    left, parts = round(seconds), []
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count, left = divmod(left, size)
        parts += [plural(count, unit)] if count else []
    return " ".join(parts) or "0 seconds"


def clock(seconds: Value) -> str:
    """Seconds in a table: `0:08`, `6:12`, `1:02:05`; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return _MINUS + clock(-seconds)
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def count_change(now: Value, before: Value) -> str:
    """`+341 (+5.3%)`, `unchanged`, or empty without a comparison."""
    if now is None or before is None:
        return ""
    difference = round(now) - round(before)
    if difference == 0:
        return "unchanged"
    share = f" ({_signed(difference * 100 / before, '.1f')}%)" if before else ""
    return f"{_signed(difference, ',.0f')}{share}"


def percentage_change(now: Value, before: Value) -> str:
    """`+2.3 points`, `unchanged`, or empty."""
    if now is None or before is None:
        return ""
    difference = round(now - before, 1)
    if difference == 0:
        return "unchanged"
    return f"{_signed(difference, '.1f')} point{'' if abs(difference) == 1 else 's'}"


def duration_change(now: Value, before: Value) -> str:
    """`+12 s`, `−1 min 03 s`, `unchanged`, or empty."""
    if now is None or before is None:
        return ""
    shown = duration(abs(now - before))
    if shown in ("0 s", "0.0 s"):
        return "unchanged"
    return f"{'+' if now > before else _MINUS}{shown}"


_CHANNELS: Final = {"VOICE": "Voice", "CHAT": "Chat", "TASK": "Task", "EMAIL": "E-mail"}


def channel(name: str | None) -> str:
    """Amazon's name of a channel as people write it: `E-mail`; `unknown channel` for None."""
    return "unknown channel" if name is None else _CHANNELS.get(name, name)


def plural(number: int, singular: str, plural_form: str = "") -> str:
    """`1 contact`, `2,000 contacts`."""
    return f"{number:,} {singular if number == 1 else plural_form or singular + 's'}"


def _signed(value: float, form: str) -> str:
    return f"{'+' if value > 0 else _MINUS}{format(abs(value), form)}"


_HASH_SHOWN = 16


def certificate_sentence(record: PeriodRecord) -> str:
    """What is certified of a period, or what is missing or still open, as a sentence for the report."""
    day = f"{record.name} (UTC)"
    if record.gone:
        return f"{day}: {plural(record.gone, 'certified contact')} can no longer be found"
    if record.state != "closed" or record.sha256 is None or record.closed_at is None:
        if record.counts.missing:
            return f"{day}: not certified; {plural(record.counts.missing, 'contact')} missing that Connect lists"
        return f"{day}: nothing is missing so far; late contacts may still arrive"
    amended = f", {plural(record.amendments, 'amendment')} since" if record.amendments else ""
    rebuilt = (
        f", {record.counts.at_api_fidelity:,} of them rebuilt from the API" if record.counts.at_api_fidelity else ""
    )
    return (
        f"{day}: certified on {record.closed_at:%Y-%m-%d}: everything that Connect lists is present, "
        f"{plural(record.pairs or 0, 'contact')}{rebuilt}{amended}; SHA-256 {record.sha256[:_HASH_SHOWN]}\u2026"
    )


def completeness_summary(records: Sequence[PeriodRecord]) -> str:
    """All periods in one line: the number in each state, and what is missing."""
    states = {state: sum(record.state == state for record in records) for state in ("closed", "settling", "open")}
    state_counts = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
    lacking = [record for record in records if record.counts.missing]
    if not lacking:
        return f"{state_counts}; nothing is missing"
    missing = plural(sum(record.counts.missing for record in lacking), "contact")
    return f"{state_counts}; {missing} of {plural(len(lacking), 'day')} missing: trunkline reconcile --heal"


def lost_count(records: Iterable[PeriodRecord]) -> int:
    """Contacts that were certified and can no longer be found."""
    return sum(record.gone for record in records)


def contacts_by_fidelity(db: Session, since: datetime | None, until: datetime | None) -> dict[str, int]:
    """Contacts that ended in [since, until) (UTC; None: unbounded), by fidelity of their row."""
    bounds = [(sign, at.replace(tzinfo=None)) for sign, at in ((">=", since), ("<", until)) if at is not None]
    where = "".join(f" AND disconnect_timestamp {sign} ${n}" for n, (sign, _) in enumerate(bounds, 1))
    rows = db.query(
        f"SELECT record_fidelity, count(*) FROM {quote_qualified(db.engine, CONTACT_RECORD.warehouse_table)} "
        f"WHERE disconnect_timestamp IS NOT NULL{where} GROUP BY record_fidelity",
        [at for _, at in bounds],
    )
    return {FIDELITY_STREAM: 0, FIDELITY_API: 0} | {str(fidelity): int(count) for fidelity, count in rows}


def fidelity_note(counts: Mapping[str, int]) -> str:
    """The source of the rows, as part of a sentence; empty where all rows are exported records."""
    if not counts.get(FIDELITY_API):
        return ""
    return (
        f"based on {counts.get(FIDELITY_STREAM, 0):,} exported records and {counts[FIDELITY_API]:,} rows from the API, "
        "which lack talk, hold and queue times"
    )
