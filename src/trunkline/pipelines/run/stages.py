"""The stages of a run as functions that state machines call one after another, each in a process of its own.

What goes from one to the next is small: everything else is in the lake and the ledger. Each of them can be repeated at
any point: by a retry, by a redrive, or by the next run of the object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Literal

from trunkline import clock
from trunkline.accounting import total
from trunkline.errors import LockedError, TrunklineError
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord
from trunkline.ledger.runs import in_step
from trunkline.limits import EXTRACT_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import Home
from trunkline.pipelines.merging import grouped, unmerged
from trunkline.pipelines.run.history import OpenRun, RunRequest, begin_run, reopen_run
from trunkline.pipelines.run.inputs import InputOptions, check_input, open_input, read_input
from trunkline.pipelines.run.job import check_accounts
from trunkline.pipelines.run.notify import Publish, notify_of_run
from trunkline.pipelines.runner import Runner
from trunkline.records import Framed
from trunkline.sources.model import Source
from trunkline.warehouse.redshift.request import INSERT_ROWS_MAX

LoadMethod = Literal["copy", "insert", "none"]
Payload = dict[str, Any]
IsOver = Callable[[], bool]
"""Whether the stage should hand over: its function's time is nearly over."""


def begin(home: Home, obj: Object, execution: str, started_by: str) -> Payload:
    """Take the lock and begin the run: `is_due`, and of a run that is `run_id`, `window_start` and `window_end`.

    Raises LockedError while another run works on the object, UsageError where it has nowhere to read from.
    """
    check_input(home.settings, obj, InputOptions())
    opened = begin_run(home, obj, RunRequest(started_by, holder=execution, execution=execution))
    if opened is None:
        return {"is_due": False, "run_id": "", "window_start": "", "window_end": ""}
    run = opened.record
    return {
        "is_due": True,
        "run_id": run.run_id,
        "window_start": f"{run.window_start.isoformat()}Z",
        "window_end": f"{run.window_end.isoformat()}Z",
    }


def extract(home: Home, obj: Object, run: Mapping[str, str], is_over: IsOver) -> Payload:
    """Put what is new into the lake: `is_done` (nothing is left to read), `batches` and `rows_read`.

    Batches that wait for their merge are handed over first. What an API gives is merged here, as its windows are read.
    """
    with _step(home, obj, run, "extract") as opened:
        runner = Runner(home, obj)
        runner.finish_plans()
        if waiting := unmerged(home, obj):
            return {"is_done": False, "batches": len(waiting), "rows_read": 0}
        started_s = clock.monotonic_s()
        source = open_input(home.settings, runner.context, obj)
        if source is None:
            given = read_input(home, obj, InputOptions(progress=opened.renew))
            counts, size, number = given.counts, given.bytes_read, sum(result.batches for result in given.results)
            changed, is_done = counts.inserted + counts.updated + counts.deleted, given.is_done
            opened.add_counts(counts.read, changed, counts.dead_letter, size)
            opened.add_step("extract", clock.monotonic_s() - started_s, counts.read, size)
            if given.errors:
                raise given.errors[0]
            return {"is_done": is_done, "batches": number, "rows_read": counts.read}
        records, is_done = _put_new(home, obj, source, is_over, opened.renew)
        read, size = sum(record.read for record in records), sum(record.bytes_read for record in records)
        opened.add_counts(read, 0, sum(record.dead_letter for record in records), size)
        opened.add_step("extract", clock.monotonic_s() - started_s, read, size)
        return {"is_done": is_done, "batches": len(records), "rows_read": read}


def _put_new(
    home: Home, obj: Object, source: Source, is_over: IsOver, renew: Callable[[], None]
) -> tuple[list[BatchRecord], bool]:
    """Put what a source gives into the lake, up to a limit and to where it wants a merge; whether that was all."""
    is_done = False

    def planned() -> Iterator[Framed]:
        nonlocal is_done
        size = 0
        for framed in source.read(index.positions(home.warehouse, obj.name)):
            if (framed is None and size) or size >= EXTRACT_BYTES_MAX or is_over():
                return
            if framed is not None:
                batches.record_plan(home.store, framed.plan)
                size += max(1, framed.bytes_read)
                renew()
                yield framed
        is_done = True

    records = [record for record in FlattenPool(home.lake, obj).put_all(planned()) if record is not None]
    return records, is_done


def stage(home: Home, obj: Object, run: Mapping[str, str]) -> Payload:
    """Count what waits in the lake, and say how it is loaded: `method`, `batches` and `rows`.

    Few rows are sent as values of an INSERT, more are copied from files; both into a staging table of the run's own.
    """
    with _step(home, obj, run, "stage") as opened:
        started_s = clock.monotonic_s()
        waiting = unmerged(home, obj)
        rows = max((sum(record.accepted for record in group) for group in grouped(home, waiting)), default=0)
        method: LoadMethod = "none" if not waiting else "insert" if rows <= INSERT_ROWS_MAX else "copy"
        opened.add_step("stage", clock.monotonic_s() - started_s, sum(record.accepted for record in waiting))
        return {"method": method, "batches": len(waiting), "rows": rows}


def load(home: Home, obj: Object, run: Mapping[str, str], method: str, is_over: IsOver) -> Payload:
    """Load and merge what waits in the lake, each group in one transaction with its accounting.

    Gives `is_done` and `rows_changed`.
    """
    with _step(home, obj, run, "merge") as opened:
        runner, started_s = Runner(home, obj), clock.monotonic_s()
        counts = []
        groups = grouped(home, unmerged(home, obj))
        for number, group in enumerate(groups):
            if number and is_over():
                break
            counts += runner.merge(group)
            opened.renew()
        merged = total(counts)
        changed = merged.inserted + merged.updated + merged.deleted
        opened.add_counts(0, changed, 0, 0)
        opened.add_step("merge", clock.monotonic_s() - started_s, changed, detail=method)
        return {"is_done": not unmerged(home, obj), "rows_changed": changed}


def verify(home: Home, obj: Object, run: Mapping[str, str]) -> Payload:
    """Compare the table with the accounting: `rows` of the table.

    Raises TransientError where a batch waits, TerminalError where rows are missing or too many.
    """
    with _step(home, obj, run, "verify") as opened:
        started_s = clock.monotonic_s()
        rows = check_accounts(home, obj)
        opened.add_step("verify", clock.monotonic_s() - started_s, rows)
        return {"rows": rows}


def finish(home: Home, obj: Object, run: Mapping[str, str], publish: Publish | None = None) -> Payload:
    """End the run as succeeded, free the lock, and send a message where one is due: the run in short."""
    with _step(home, obj, run, "notify", is_written=False) as opened:
        if not opened.record.is_over:
            opened.add_step("notify", 0.0)
            opened.end("succeeded")
        record = opened.record
        notify_of_run(home, record, publish)
        shown = ("run_id", "object", "state", "rows_read", "rows_changed", "dead_letter", "bytes_read")
        return {name: value for name, value in asdict(record).items() if name in shown}


@contextmanager
def _step(home: Home, obj: Object, run: Mapping[str, str], step: str, is_written: bool = True) -> Iterator[OpenRun]:
    """The open run, for one step; what the step adds, or its error, is written at the end."""
    opened = reopen_run(home, obj, run["run_id"], run["execution"])
    try:
        with in_step(step):
            yield opened
    except LockedError:
        raise  # the run is another's now
    except TrunklineError as error:
        opened.add_failed_try(error, step)
        raise
    if is_written:
        opened.write()
