"""`trunkline run` in one process: begin, read into lake and warehouse, verify, notify; every error in the run's record.

State machines do the same in functions of their own, see `stages.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from trunkline import clock
from trunkline.errors import TerminalError, TransientError, TrunklineError, UsageError
from trunkline.ledger import index, runs
from trunkline.ledger.runs import RunRecord, in_step
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.merging import unmerged
from trunkline.pipelines.run.history import OpenRun, RunRequest, begin_run
from trunkline.pipelines.run.inputs import InputOptions, InputRead, check_input, read_input
from trunkline.pipelines.run.notify import Publish, notify_of_run

Read = Callable[[Home, Object, InputOptions], InputRead]


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A run's record, and what was read; `read` is None where it failed before. `error` is what ended it."""

    record: RunRecord
    read: InputRead | None = None
    error: TrunklineError | None = None


def run_object(
    home: Home,
    obj: Object,
    request: RunRequest,
    options: InputOptions,
    publish: Publish | None = None,
    read: Read = read_input,
) -> RunOutcome | None:
    """Do what the object's schedule requires now; None where nothing is due. Idempotent.

    An error that we raise on purpose is recorded and is in the outcome; any other is recorded and raised. `publish`
    sends messages to the topic of the settings. Raises UsageError where the object has nowhere to read from, and
    LockedError where another run works on it.
    """
    check_input(home.settings, obj, options)
    opened = begin_run(home, obj, request)
    if opened is None:
        return None
    given: InputRead | None = None
    try:
        given = _read(home, obj, options, opened, read)
        verify(home, obj, opened)
        if given.errors:
            raise given.errors[0]
    except UsageError as error:
        opened.fail(error, "extract")
        raise
    except TrunklineError as error:
        record = opened.fail(error, "extract")
        notify_of_run(home, record, publish)
        return RunOutcome(record, given, error)
    except BaseException as error:
        opened.fail(error, "extract")
        raise
    record = opened.end("succeeded")
    notify_of_run(home, record, publish)
    return RunOutcome(record, given)


def _read(home: Home, obj: Object, options: InputOptions, opened: OpenRun, read: Read) -> InputRead:
    def advance(steps: int) -> None:
        opened.renew()
        options.progress(steps)

    given = read(home, obj, replace(options, progress=advance))
    counts = given.counts
    changed = counts.inserted + counts.updated + counts.deleted
    opened.add_counts(counts.read, changed, counts.dead_letter, given.bytes_read)
    opened.add_step("extract", given.seconds("extract"), counts.read, given.bytes_read)
    opened.add_step("stage", given.seconds("stage"), counts.accepted)
    opened.add_step("merge", given.seconds("merge"), changed)
    return given


def verify(home: Home, obj: Object, opened: OpenRun) -> int:
    """Compare the table with the accounting, and look for batches that wait; the table's rows.

    Raises TransientError where a batch waits, TerminalError where rows are missing or too many.
    """
    started_s = clock.monotonic_s()
    with in_step("verify"):
        rows = check_accounts(home, obj)
    opened.add_step("verify", clock.monotonic_s() - started_s, rows)
    return rows


def check_accounts(home: Home, obj: Object) -> int:
    """The table's rows, which are those that the ledger counts.

    Raises TransientError where a batch waits, TerminalError where rows are missing or too many.
    """
    waiting = len(unmerged(home, obj))
    if waiting:
        raise TransientError(
            f"{waiting:,} batches of {obj.name} are in the lake and not in the warehouse; run the object again"
        )
    counted = index.totals(home.warehouse, obj.name)
    expected, rows = counted.inserted - counted.deleted, home.warehouse.count(obj)
    if rows != expected:
        raise TerminalError(
            f"{obj.warehouse_table} has {rows:,} rows and the ledger counts {expected:,}: another program changed the "
            f"table. Fill it again from the lake: trunkline warehouse rebuild --home {home.settings.home}"
        )
    return rows


def retry_run(
    home: Home, run_id: str, request: RunRequest, options: InputOptions, publish: Publish | None = None
) -> RunOutcome | None:
    """Run the object of a failed run again; None where a later run has done its work.

    What the failed run left begun is finished, and what it had done is not done again. Raises UsageError for a run
    that did not fail, and what `run_object` raises.
    """
    failed = runs.find_run(home.warehouse, run_id)
    if failed.state in ("running", "succeeded"):
        raise UsageError(f"the run {run_id} is {failed.state}; those that failed or were interrupted can be retried")
    done = runs.watermark(home.warehouse, failed.object)
    if done is not None and done >= failed.window_end:
        return None
    obj = home.objects[failed.object]
    return run_object(
        home, obj, replace(request, started_by="retry", is_forced=True, retry_of=run_id), options, publish
    )
