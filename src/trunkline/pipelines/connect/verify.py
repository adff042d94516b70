"""`ledger verify`: check every certificate of an object against its documents, the lake and the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from trunkline.completeness import certifying
from trunkline.completeness.certifying import Verdict
from trunkline.completeness.period_records import load_records
from trunkline.completeness.periods import period_of
from trunkline.errors import TerminalError, UsageError
from trunkline.lake import layout
from trunkline.objects.model import Object
from trunkline.pipelines.connect.reconcile import workspace
from trunkline.pipelines.home import Home


def certified_periods(home: Home, object_name: str) -> list[tuple[str, str]]:
    """(source, period) of every period that has a certificate according to the lake or the warehouse, in order."""
    store = home.store
    certified = {layout.certified_period(key) for key in store.list(layout.certificates_prefix(object_name))}
    closed = {(record.source, record.name) for record in load_records(store, object_name) if record.state == "closed"}
    rows = home.warehouse.query("SELECT source, period_start FROM ledger.certificate WHERE object = $1", [object_name])
    return sorted(certified | closed | {(source, start.date().isoformat()) for source, start in rows})


def verify_all(
    home: Home, obj: Object, period: str | None = None, advance: Callable[[int], None] = lambda _: None
) -> Iterator[Verdict]:
    """Verify the certificates of a period (`2026-03-03`), or all. Raises UsageError for a period without one."""
    chosen = [(source, name) for source, name in certified_periods(home, obj.name) if period in (None, name)]
    if period is not None and not chosen:
        raise UsageError(f"{obj.name} has no certificate of {period!r}; trunkline ledger show lists the closed periods")
    for source, name in chosen:
        yield _verify(home, obj, source, name)
        advance(1)


def _verify(home: Home, obj: Object, source: str, name: str) -> Verdict:
    window = period_of(date.fromisoformat(name))
    try:
        chain = certifying.chain_of(home.store, obj, source, window)
    except TerminalError as error:
        return Verdict(source, name, 0, "", 0, (str(error),), 0)
    if chain is None:
        faults = ("the period is closed and its certificate is missing from the lake",)
        return Verdict(source, name, 0, "", 0, faults, 0)
    with workspace(home, obj, source, chain.certificate.scope) as space:
        return certifying.verify(space, window, chain)
