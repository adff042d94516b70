"""`ledger verify`: every certificate of an object against its own documents, the lake and the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from trunkline.completeness.periods import period_of
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.model import Object
from trunkline.pipelines import certifying, completeness
from trunkline.pipelines.certifying import Verdict
from trunkline.pipelines.counting import open_desk
from trunkline.pipelines.home import Home


def certified(store: Store, object_name: str) -> list[tuple[str, str]]:
    """(source, period) of all that is certified or says it is closed, in order: what one of both lacks is a fault."""
    found = {layout.certified_period(key) for key in store.list(layout.certificates_prefix(object_name))}
    found |= {(one.source, one.name) for one in completeness.records(store, object_name) if one.state == "closed"}
    return sorted(found)


def verify_all(
    home: Home, obj: Object, period: str | None = None, advance: Callable[[int], None] = lambda _: None
) -> Iterator[Verdict]:
    """Verify the certificates of a period (`2026-03-03`), or all. Raises UsageError for a period that has none."""
    chosen = [one for one in certified(home.store, obj.name) if period in (None, one[1])]
    if period is not None and not chosen:
        raise UsageError(f"{obj.name} has no certificate of {period!r}; trunkline ledger show lists the closed periods")
    for source, name in chosen:
        yield _verify(home, obj, source, name)
        advance(1)


def _verify(home: Home, obj: Object, source: str, name: str) -> Verdict:
    window = period_of(date.fromisoformat(name))
    chain = certifying.chain_of(home, obj, source, window)
    if chain is None:
        return Verdict(source, name, 0, "", 0, ("the period is closed and its certificate is gone from the lake",), 0)
    with open_desk(home, obj, source, chain.certificate.scope) as desk:
        return certifying.verify(desk, window, chain)
