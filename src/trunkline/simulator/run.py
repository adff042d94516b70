"""Run a simulation: from a spec to files as AWS delivers them, the expected counts, and the oracle's contacts."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from trunkline.errors import UsageError
from trunkline.simulator.centre.play import Played, play
from trunkline.simulator.events.day import EventKind, SimulatedDay, arrivals, day_of
from trunkline.simulator.export import evaluations, instance_data
from trunkline.simulator.export.delivery import DeliveredRecord, Firehose, add_drift, break_record, pick_fault, schedule
from trunkline.simulator.export.record import Record, export
from trunkline.simulator.oracle.terms import TrueContact
from trunkline.simulator.salesforce import FOLDER, SimulatedOrg, write_org
from trunkline.simulator.spec import Spec

EVENT_FOLDERS = {"agent_event": "agent-events", "contact_event": "contact-events"}
FOLDERS = EVENT_FOLDERS | {"contact_evaluation": evaluations.FOLDER} | instance_data.FOLDERS
"""Folders beside the contact records, by object."""
_EVENT_ID = {"agent_event": "EventId", "contact_event": "id"}
EXPECTED_NAME = "_expected.json"
_PROGRESS_EVERY = 500


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """Records of one object: `read` in `files`, of which `distinct` are rows; the others are copies, or older."""

    read: int
    distinct: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SalesforceCounts:
    """Records of one Salesforce object: `read` versions, of which a table ends with `rows` and `deleted` ones."""

    read: int
    rows: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Expected:
    """The counts that a loader must find, in source records.

    `read` = `deliveries` + `broken`; `deliveries` = `contacts` + `late_versions` + `exact_duplicates`. A table ends
    with `contacts` rows. `late_versions` are versions after the first of their contact: whether a loader calls one
    updated or superseded depends on its batches and on the order of arrival. `broken_by_kind` counts broken spans,
    each one dead letter; `drift_by_kind` counts deliveries with unknown fields, or with keys that differ only in case.
    `others` are the counts of the records beside contact records by object, `salesforce` those of Salesforce's objects;
    empty where no files of them were written.
    """

    contacts: int
    deliveries: int
    late_versions: int
    exact_duplicates: int
    broken: int
    read: int
    files: int
    bytes: int
    broken_by_kind: dict[str, int]
    drift_by_kind: dict[str, int]
    others: dict[str, RecordCounts]
    salesforce: dict[str, SalesforceCounts]


@dataclass(frozen=True, slots=True)
class Result:
    """`contacts` is one TrueContact per ContactId (the winning version), for the oracle, in order of delivery.

    `occupancy` is 0 to 100 over all agents (None without agents). It comes from the agents' times, not from records.
    """

    folder: Path
    files: list[Path]
    contacts: list[TrueContact]
    expected: Expected
    occupancy: float | None


def simulate(
    spec: Spec,
    out: Path,
    progress: Callable[[int, int], None] | None = None,
    others: Collection[str] = tuple(FOLDERS),
) -> Result:
    """Write `out/<prefix>/YYYY/MM/DD/HH/...` and `out/_expected.json`.

    With `spec.events` also `out/agent-events/` and `out/contact-events/`, laid out alike; `out/evaluations/`; and what
    the API describes in `out/users/`, `out/routing-profiles/` and `out/agent-hierarchy-groups/`: the objects in
    `others`, by default all of them. With `spec.salesforce` also `out/salesforce/<object>/`, in its API's answers.

    `progress(done, total)` is called in deliveries. Raises UsageError when the data folder is not empty.
    """
    folder = out / spec.prefix
    beside = [*(FOLDERS.values() if spec.events is not None else ()), *([FOLDER] if spec.salesforce else [])]
    for data in (folder, *(out / name for name in beside)):
        if data.exists() and any(data.iterdir()):
            raise UsageError(f"{data} is not empty; name another folder or empty it first")
    folder.mkdir(parents=True, exist_ok=True)
    with _without_gc():
        played = play(spec)
        deliveries = schedule(played.contacts, spec)
        firehose = Firehose(folder, spec)
        org = SimulatedOrg(spec.seed)
        contacts, evaluated, counts = _write(deliveries, spec, firehose, progress, org)
        written = _write_others(spec, played, evaluated, out, others) if spec.events is not None else {}
    copies = sum(delivery.is_copy for delivery in deliveries)
    broken = {kind: counts.get(kind, 0) for kind in spec.faults.broken}
    expected = Expected(
        contacts=len(played.contacts),
        deliveries=len(deliveries),
        late_versions=len(deliveries) - copies - len(played.contacts),
        exact_duplicates=copies,
        broken=sum(broken.values()),
        read=len(deliveries) + sum(broken.values()),
        files=len(firehose.files),
        bytes=firehose.bytes_out,
        broken_by_kind=broken,
        drift_by_kind={kind: counts.get(kind, 0) for kind in ("unknown_fields", "case_clash")},
        others=written,
        salesforce=_write_salesforce(org, out) if spec.salesforce else {},
    )
    text = msgspec.json.format(msgspec.json.encode({"spec": _plain(spec), "expected": asdict(expected)}), indent=2)
    (out / EXPECTED_NAME).write_bytes(text + b"\n")
    return Result(folder, firehose.files, contacts, expected, _occupancy(played))


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable the cyclic garbage collector: contacts live to the end and records have no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _write(
    deliveries: list[DeliveredRecord],
    spec: Spec,
    firehose: Firehose,
    progress: Callable[[int, int], None] | None,
    org: SimulatedOrg,
) -> tuple[list[TrueContact], list[Record], dict[str, int]]:
    """Write every delivery and the broken pieces, and add the contacts to the organization if it is written too.

    Returns the oracle's contacts, the records of those that were evaluated, and counts by kind of fault.
    """
    rng = random.Random(f"faults {spec.seed}")
    has_drift = spec.faults.unknown_fields > 0 or spec.faults.case_clash > 0
    has_broken = any(spec.faults.broken.values())
    contacts: list[TrueContact] = []
    evaluated: list[Record] = []
    counts: dict[str, int] = {}
    for done, delivery in enumerate(deliveries):
        contact, version = delivery.contact, delivery.version
        record = export(contact, version, spec.seed)
        if delivery.is_winner:
            contacts.append(TrueContact.from_record(record, contact.pre_disconnect_state))
            if spec.salesforce:
                org.add(record)
            if record["ContactEvaluations"]:
                evaluated.append({name: record[name] for name in ("ContactId", "ContactEvaluations", "Agent")})
        if has_drift:
            version_rng = random.Random(f"{spec.seed} {contact.number} {version.level}")
            for kind in add_drift(record, spec.faults, version_rng):
                counts[kind] = counts.get(kind, 0) + 1
        firehose.put(delivery.arrives_at, msgspec.json.encode(record))
        broken = pick_fault(spec.faults, rng) if has_broken and not delivery.is_copy else None
        if broken is not None:
            # Only after a good record: two adjacent broken pieces would be one span.
            counts[broken] = counts.get(broken, 0) + 1
            firehose.put(delivery.arrives_at, break_record(broken, record, rng))
        if progress is not None and done % _PROGRESS_EVERY == 0:
            progress(done, len(deliveries))
    firehose.close()
    if progress is not None:
        progress(len(deliveries), len(deliveries))
    return contacts, evaluated, counts


def _write_others(
    spec: Spec, played: Played, evaluated: list[Record], out: Path, names: Collection[str]
) -> dict[str, RecordCounts]:
    """Write these objects beside the contact records, each into a folder of its own. Returns counts by object."""
    counts = _write_events(day_of(spec, played), out, [name for name in EVENT_FOLDERS if name in names])
    submitted = list(evaluations.evaluations(evaluated, played.agents))
    files, size = evaluations.write_evaluations(submitted, out / evaluations.FOLDER)
    distinct = len({evaluation.document["evaluationId"] for evaluation in submitted})
    counts["contact_evaluation"] = RecordCounts(files, distinct, files, size)
    for name, (files, size) in instance_data.write_instance_data(spec, played.agents, out).items():
        counts[name] = RecordCounts(files, files, files, size)
    return {name: count for name, count in counts.items() if name in names}


def _write_salesforce(org: SimulatedOrg, out: Path) -> dict[str, SalesforceCounts]:
    """Write the records of Salesforce. Returns counts by object."""
    return {
        name: SalesforceCounts(len(records.versions), len(records.rows), len(records.deleted))
        for name, records in write_org(org, out / FOLDER).items()
    }


def _write_events(day: SimulatedDay, out: Path, names: Iterable[str]) -> dict[str, RecordCounts]:
    """Write the events of the day, each kind into a folder of its own as Firehose would. Returns counts by object."""
    counts: dict[str, RecordCounts] = {}
    for kind in names:
        folder = EVENT_FOLDERS[kind]
        firehose = Firehose(out / folder, replace(day.spec, stream=f"connect-{folder}"))
        ids: set[str] = set()
        read = 0
        for arrival in arrivals(day, day.spec.events, frozenset((EventKind(kind),))):
            ids.add(arrival.event[_EVENT_ID[kind]])
            read += 1
            firehose.put(int(arrival.at_s), msgspec.json.encode(arrival.event))
        firehose.close()
        counts[kind] = RecordCounts(read, len(ids), len(firehose.files), firehose.bytes_out)
    return counts


def _plain(spec: Spec) -> dict[str, Any]:
    return {**asdict(spec), "date": spec.date.isoformat()}


def _occupancy(played: Played) -> float | None:
    on_contact = sum(agent.on_contact_s for agent in played.agents)
    idle = sum(agent.idle_s for agent in played.agents)
    return on_contact * 100 / (on_contact + idle) if on_contact + idle else None
