"""The state of each period: a small JSON object in the lake, and rows of `ledger.*` tables in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from trunkline.completeness import certificates, findings
from trunkline.completeness.census import CensusCounts
from trunkline.completeness.findings import ContactFinding
from trunkline.completeness.periods import PeriodState, period_name
from trunkline.engines.model import quote_qualified
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.ledger import AMENDMENT, CERTIFICATE, PERIOD, SIGHTING
from trunkline.objects.model import Object
from trunkline.schedules.windows import Window
from trunkline.warehouse.model import Warehouse

T = TypeVar("T")
_ROWS: Final = 1_000


class PeriodRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One period of one object and source. Times are aware UTC.

    `why` counts open findings by their reason. `pairs`, `sha256` and `closed_at` are those in force, None while the
    period is not closed. `gone` counts certified contacts that were lost without an explanation.
    """

    object: str
    source: str
    start: datetime
    end: datetime
    state: PeriodState
    counts: CensusCounts
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
        """The period's name: its UTC date."""
        return period_name(self.period)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing certified was lost."""
        return self.counts.is_complete and not self.gone


def store_record(store: Store, record: PeriodRecord) -> None:
    """Write a period's state to the lake, as JSON that people can read."""
    data = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    store.put_bytes(data, layout.period_key(record.object, record.source, record.name))


def load_records(store: Store, object_name: str, source: str = "") -> list[PeriodRecord]:
    """The states of an object's periods, oldest first; of one source or of all. Raises TerminalError for damage."""
    records = []
    for key in store.list(layout.period_prefix(object_name, source)):
        try:
            records.append(msgspec.json.decode(store.require_bytes(key), type=PeriodRecord))
        except msgspec.DecodeError as error:
            raise TerminalError(
                f"{key} in the lake cannot be read ({error}): it was changed or truncated. Remove it: the next "
                "trunkline reconcile writes it again"
            ) from error
    return sorted(records, key=lambda record: (record.source, record.start))


def open_findings(store: Store, record: PeriodRecord, folder: Path) -> Iterator[ContactFinding]:
    """The open findings of a period, in order of id."""
    if record.why:
        path = store.fetch(layout.finding_key(record.object, record.source, record.name), folder)
        for chunk in findings.read(path):
            yield from chunk


def index_records(
    store: Store, warehouse: Warehouse, obj: Object, source: str, changed: Sequence[PeriodRecord], scratch: Path
) -> None:
    """Replace the rows of these periods in `ledger.period`, `ledger.sighting`, `ledger.amendment` and
    `ledger.certificate`.

    Where the warehouse lacks other periods (it is new, or was rebuilt), their rows are written too.
    """
    rows = warehouse.query(
        "SELECT period_start FROM ledger.period WHERE object = $1 AND source = $2", [obj.name, source]
    )
    present = {start for (start,) in rows}
    heads = warehouse.query(
        "SELECT period_start FROM ledger.certificate WHERE object = $1 AND source = $2", [obj.name, source]
    )
    with_head = {start for (start,) in heads}
    names = {record.name for record in changed}
    for record in load_records(store, obj.name, source):
        start = record.start.replace(tzinfo=None)
        if record.name in names or start not in present or (record.state == "closed" and start not in with_head):
            _index(store, warehouse, record, scratch)


def certificate_head(warehouse: Warehouse, object_name: str, source: str, start: datetime) -> str | None:
    """The hash of a period's last document that the warehouse's ledger knows; None without one."""
    rows = warehouse.query(
        "SELECT head FROM ledger.certificate WHERE object = $1 AND source = $2 AND period_start = $3",
        [object_name, source, start.replace(tzinfo=None)],
    )
    return rows[0][0] if rows else None


def _index(store: Store, warehouse: Warehouse, record: PeriodRecord, scratch: Path) -> None:
    """The period's own row is removed first and written last: while it is missing, the next run does this again."""
    key = {"object": record.object, "source": record.source, "period_start": record.start.replace(tzinfo=None)}
    for table in (PERIOD, SIGHTING, AMENDMENT, CERTIFICATE):
        warehouse.run(
            f"DELETE FROM {quote_qualified(warehouse.engine, table.name)} "
            "WHERE object = $1 AND source = $2 AND period_start = $3",
            list(key.values()),
        )
    _index_findings(store, warehouse, record, key, scratch)
    chain = _chain(store, record)
    if chain is not None:
        for rows in batched((key | row for row in _amendment_rows(chain)), _ROWS):
            warehouse.put(AMENDMENT, rows)
        warehouse.put(CERTIFICATE, [key | {"documents": len(chain.documents), "head": chain.documents[-1]}])
    warehouse.put(PERIOD, [key | _period_row(record)])


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


def _index_findings(
    store: Store, warehouse: Warehouse, record: PeriodRecord, key: Mapping[str, Any], scratch: Path
) -> None:
    file = layout.finding_key(record.object, record.source, record.name)
    if store.get_bytes(file) is None:
        return
    folder = scratch / "indexed"
    contacts = (finding for chunk in findings.read(store.fetch(file, folder), is_open=False) for finding in chunk)
    for chunk in batched(contacts, _ROWS):
        rows = [{**key, **{name: getattr(finding, name) for name in ContactFinding.__slots__}} for finding in chunk]
        warehouse.put(SIGHTING, rows)
    for path in folder.glob("*") if folder.exists() else ():
        path.unlink()


def _chain(store: Store, record: PeriodRecord) -> certificates.Chain | None:
    if record.state != "closed":
        return None
    prefix = layout.certificate_prefix(record.object, record.source, record.name)
    return certificates.decode_chain(
        {key: store.require_bytes(key) for key in store.list(prefix) if key.endswith(".json")}
    )


def _amendment_rows(chain: certificates.Chain) -> Iterator[dict[str, Any]]:
    for amendment in chain.amendments:
        for entry in amendment.entries:
            yield {
                "number": amendment.number,
                "id": entry.id,
                "change": entry.change,
                "ended_before": _naive(entry.before),
                "ended_after": _naive(entry.after),
                "appended_at": _naive(amendment.appended_at),
            }


def _naive(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=None) if at is not None else None


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` rows, in order."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch
