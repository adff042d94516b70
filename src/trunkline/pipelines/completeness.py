"""What the ledger knows of periods, read from the lake; and the same as tables of the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from trunkline.completeness import certificate, findings, period_record
from trunkline.completeness.findings import Finding
from trunkline.completeness.period_record import PeriodRecord
from trunkline.engines.model import quote_qualified
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.ledger import AMENDMENT, PERIOD, SIGHTING
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home

T = TypeVar("T")
_ROWS = 1_000


def records(store: Store, object_name: str, source: str = "") -> list[PeriodRecord]:
    """The states of an object's periods, oldest first; of one source or of all."""
    found = []
    for key in store.list(layout.period_prefix(object_name, source)):
        data = store.get_bytes(key)
        assert data is not None, f"{key} is listed and not there"
        found.append(period_record.decode(data))
    return sorted(found, key=lambda one: (one.source, one.start))


def open_findings(store: Store, record: PeriodRecord, folder: Path) -> Iterator[Finding]:
    """What is missing of a period, or seen in the stream alone, in order of id."""
    if record.why:
        path = store.fetch(layout.finding_key(record.object, record.source, record.name), folder)
        for chunk in findings.read(path):
            yield from chunk


def index_records(home: Home, obj: Object, source: str, changed: Sequence[PeriodRecord], scratch: Path) -> None:
    """Write the tables `ledger.period`, `ledger.sighting` and `ledger.amendment` anew for these periods.

    Where the warehouse lacks other periods (it is new, or was rebuilt) they are written too.
    """
    rows = home.warehouse.query(
        "SELECT period_start FROM ledger.period WHERE object = $1 AND source = $2", [obj.name, source]
    )
    there = {start for (start,) in rows}
    named = {one.name for one in changed}
    for record in records(home.store, obj.name, source):
        if record.name in named or record.start.replace(tzinfo=None) not in there:
            _index(home, record, scratch)


def _index(home: Home, record: PeriodRecord, scratch: Path) -> None:
    """The period's own row goes first and comes last: while it is not there, the next run does this again."""
    key: dict[str, Any] = {
        "object": record.object, "source": record.source, "period_start": record.start.replace(tzinfo=None),
    }  # fmt: skip
    for table in (PERIOD, SIGHTING, AMENDMENT):
        home.warehouse.run(
            f"DELETE FROM {quote_qualified(home.warehouse.engine, table.name)} "
            "WHERE object = $1 AND source = $2 AND period_start = $3",
            list(key.values()),
        )
    _index_findings(home, record, key, scratch)
    for rows in batched((key | row for row in _amendment_rows(home.store, record)), _ROWS):
        home.warehouse.put(AMENDMENT, rows)
    home.warehouse.put(PERIOD, [key | _period_row(record)])


def _period_row(record: PeriodRecord) -> dict[str, Any]:
    counts = record.counts
    return {
        "period_end": record.end.replace(tzinfo=None),
        "state": record.state,
        "stream": counts.stream,
        "listed": counts.listed,
        "lake": counts.lake,
        "warehouse": counts.warehouse,
        "missing": counts.missing,
        "dropped": counts.dropped,
        "only_in_stream": counts.only_in_stream,
        "moved": counts.moved,
        "at_api_fidelity": counts.at_api_fidelity,
        "differing": counts.differing,
        "gone": record.gone,
        "listed_as_of": _naive(record.listed_as_of),
        "examined_at": _naive(record.examined_at),
        "closed_at": _naive(record.closed_at),
        "pairs": record.pairs,
        "sha256": record.sha256,
        "amendments": record.amendments,
    }


def _index_findings(home: Home, record: PeriodRecord, key: Mapping[str, Any], scratch: Path) -> None:
    place = layout.finding_key(record.object, record.source, record.name)
    if home.store.get_bytes(place) is None:
        return
    folder = scratch / "indexed"
    found = (one for chunk in findings.read(home.store.fetch(place, folder), is_open=False) for one in chunk)
    for some in batched(found, _ROWS):
        home.warehouse.put(
            SIGHTING, [{**key, **{name: getattr(one, name) for name in Finding.__slots__}} for one in some]
        )
    for path in folder.glob("*") if folder.exists() else ():
        path.unlink()


def _amendment_rows(store: Store, record: PeriodRecord) -> Iterator[dict[str, Any]]:
    if not record.amendments:
        return
    prefix = layout.certificate_prefix(record.object, record.source, record.name)
    documents = [store.get_bytes(one) or b"" for one in store.list(prefix) if one.endswith(".json")]
    for amendment in certificate.decode_chain(documents).amendments:
        for entry in amendment.entries:
            yield {
                "number": amendment.number, "id": entry.id, "change": entry.change,
                "ended_before": _naive(entry.before), "ended_after": _naive(entry.after),
                "appended_at": _naive(amendment.appended_at),
            }  # fmt: skip


def _naive(at: Any) -> Any:
    return at.replace(tzinfo=None) if at is not None else None


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size`, in order."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some
