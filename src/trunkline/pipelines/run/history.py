"""The record of a run while it goes on: begun under the object's lock, a step at a time, ended one way or another.

Each change is written to the lake and then to the warehouse, so that a run that cannot reach the warehouse leaves its
error. The next run of the object brings the warehouse up to date, and marks runs that never ended as interrupted.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from trunkline import clock
from trunkline.errors import TrunklineError
from trunkline.lake import layout
from trunkline.ledger import runs
from trunkline.ledger.runs import RunRecord, RunState, StepRecord, decode_run, encode_run
from trunkline.limits import RUN_LOCK_S
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home, LakeHome
from trunkline.pipelines.run.due import DueSpan, due_span, is_collected, schedule_of, span_until
from trunkline.pipelines.run.scrub import describe_error
from trunkline.settings.installation import Settings
from trunkline.version import __version__
from trunkline.warehouse.targets import target_of

_LOST: Final = "the process ended without saying how: it was killed, or the machine stopped; the next run does its work"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Who wants a run and how. `is_forced`: also where nothing is due. `holder` names the process for people.

    `execution` is the state machine's execution, with its count of redrives: the same one again is the same run.
    """

    started_by: str = "command"
    is_forced: bool = False
    holder: str = ""
    execution: str | None = None
    retry_of: str | None = None


@dataclass(slots=True)
class OpenRun:
    """A run that has the object's lock. `record` is what was written last."""

    home: Home
    obj: Object
    owner: str
    holder: str
    record: RunRecord
    _renewed_s: float = field(default_factory=clock.monotonic_s)

    def renew(self, _: int = 0) -> None:
        """Renew the lock where a third of its time has passed. Raises LockedError where another run has taken it.

        The lock of an embedded home is that of its process, which ends with it.
        """
        if target_of(self.home.settings.warehouse).is_embedded:
            return
        if clock.monotonic_s() - self._renewed_s >= RUN_LOCK_S / 3:
            runs.lock(self.home.warehouse, self.obj.name, self.owner, self.holder, clock.now_naive())
            self._renewed_s = clock.monotonic_s()

    def add_step(
        self, step: str, seconds: float, rows: int = 0, bytes_read: int = 0, detail: str | None = None
    ) -> None:
        """Add a step that succeeded; written with the next change."""
        started_at = clock.now_naive() - timedelta(seconds=seconds)
        self.record = self.record.with_step(StepRecord(0, step, started_at, seconds, rows, bytes_read, detail))

    def add_counts(self, read: int, changed: int, dead_letter: int, bytes_read: int) -> None:
        """Add to the run's totals."""
        record = self.record
        self.record = replace(
            record,
            rows_read=record.rows_read + read,
            rows_changed=record.rows_changed + changed,
            dead_letter=record.dead_letter + dead_letter,
            bytes_read=record.bytes_read + bytes_read,
        )

    def add_failed_try(self, error: BaseException, step: str) -> None:
        """Write that a step failed, which may be tried again; in the lake alone where the warehouse does not answer."""
        record, name = self.record, runs.failed_step(error) or step
        text = describe_error(error, self.home.settings.secrets)
        tried = record.with_step(StepRecord(0, name, clock.now_naive(), 0.0, error=text))
        self.record = replace(tried, revision=record.revision + 1)
        put_lake_record(self.home.lake, self.record)
        with suppress(TrunklineError):
            runs.put_run(self.home.warehouse, self.record)

    def write(self) -> None:
        """Write the record as it is now."""
        self.record = replace(self.record, revision=self.record.revision + 1)
        write_record(self.home, self.record)

    def end(self, state: RunState) -> RunRecord:
        """Write the end, and free the lock."""
        self.record = _ended(self.record, state)
        self.write()
        runs.unlock(self.home.warehouse, self.obj.name, self.owner)
        return self.record

    def fail(self, error: BaseException, step: str | None = None) -> RunRecord:
        """Record the error and its step, and free the lock; in the lake alone where the warehouse cannot be reached."""
        self.record = failed(self.record, error, step, self.home.settings.secrets)
        put_lake_record(self.home.lake, self.record)
        with suppress(TrunklineError):  # the next run brings the warehouse up to date
            runs.put_run(self.home.warehouse, self.record)
            runs.unlock(self.home.warehouse, self.obj.name, self.owner)
        return self.record


def failed(
    record: RunRecord, error: BaseException, step: str | None = None, secrets: Collection[str] = ()
) -> RunRecord:
    """The record of a run that an error ended; without `secrets`, and without what looks like one."""
    name = runs.failed_step(error) or step or "begin"
    text = describe_error(error, secrets)
    ended = record.with_step(StepRecord(0, name, clock.now_naive(), 0.0, error=text))
    state: RunState = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    return replace(_ended(ended, state), revision=record.revision + 1)


def begin_run(home: Home, obj: Object, request: RunRequest) -> OpenRun | None:
    """Take the object's lock and write down that a run has begun; None where nothing is due.

    Called again for the same execution it gives the run that has begun. What is collected from the API is always due:
    its windows are read again for contacts that complete late. Raises LockedError where another run has the lock.
    """
    owner = request.execution or uuid4().hex
    _take_lock(home, obj, owner, request.holder)
    begun = begun_run(home, obj, request.execution) if request.execution is not None else None
    record = begun or _due_record(home, obj, request)
    if record is None:
        runs.unlock(home.warehouse, obj.name, owner)
        return None
    opened = OpenRun(home, obj, owner, request.holder, record)
    if not record.revision:
        settle_runs(home, obj, record.run_id)
        opened.write()
    return opened


def _due_record(home: Home, obj: Object, request: RunRequest) -> RunRecord | None:
    """The record of a new run; None where nothing is due."""
    now = clock.now()
    done = runs.watermark(home.warehouse, obj.name)
    watermark = done.replace(tzinfo=UTC) if done is not None else None
    schedule = schedule_of(home.settings, obj)
    span = due_span(schedule, watermark, now)
    if span is None and (request.is_forced or is_collected(home.settings, obj)):
        span = span_until(schedule, watermark, now)
    return _new_record(home, obj, request, span, now) if span is not None else None


def reopen_run(home: Home, obj: Object, run_id: str, owner: str) -> OpenRun:
    """A run that another process began, with its lock renewed. Raises UsageError where there is none of this id.

    Raises LockedError where another run has taken the lock meanwhile.
    """
    record = runs.find_run(home.warehouse, run_id)
    data = home.store.get_bytes(layout.run_key(obj.name, run_id, record.started_at))
    in_lake = decode_run(data) if data is not None else record
    runs.lock(home.warehouse, obj.name, owner, owner, clock.now_naive())
    return OpenRun(home, obj, owner, owner, max(record, in_lake, key=lambda run: run.revision))


def begun_run(home: Home, obj: Object, execution: str) -> RunRecord | None:
    """The run that an execution has begun and not ended; None where it has none."""
    rows = home.warehouse.query(
        "SELECT run_id FROM ledger.run WHERE object = $1 AND execution = $2 AND state = $3 ORDER BY started_at DESC",
        [obj.name, execution, "running"],
    )
    return runs.find_run(home.warehouse, rows[0][0]) if rows else None


def _new_record(home: Home, obj: Object, request: RunRequest, span: DueSpan, now: datetime) -> RunRecord:
    start, end = (at.astimezone(UTC).replace(tzinfo=None) for at in (span.window.start, span.window.end))
    number = runs.tries(home.warehouse, obj.name, end) + 1
    return RunRecord(
        run_id=f"{obj.name}-{end:%Y%m%dT%H%M%S}Z-{number}",
        object=obj.name,
        started_by=request.started_by,
        state="running",
        window_start=start,
        window_end=end,
        windows=span.windows,
        started_at=now.astimezone(UTC).replace(tzinfo=None),
        code_version=__version__,
        execution=request.execution,
        retry_of=request.retry_of,
        revision=0,
    )


def _take_lock(home: Home, obj: Object, owner: str, holder: str) -> None:
    if target_of(home.settings.warehouse).is_embedded:
        # This process owns the home, so that whoever had the lock is no longer there.
        home.warehouse.run("DELETE FROM ledger.run_lock WHERE object = $1", [obj.name])
    runs.lock(home.warehouse, obj.name, owner, holder, clock.now_naive())


def unbegun_record(settings: Settings, obj: Object, execution: str, started_by: str) -> RunRecord:
    """The record of a run that failed before it could begin, as of the schedule's last window."""
    now = clock.now()
    schedule = schedule_of(settings, obj)
    span = due_span(schedule, None, now) or span_until(schedule, None, now)
    start, end = (at.replace(tzinfo=None) for at in (span.window.start, span.window.end))
    return RunRecord(
        run_id=f"{obj.name}-{execution.rpartition(':')[2]}-{now:%H%M%S}",
        object=obj.name,
        started_by=started_by,
        state="running",
        window_start=start,
        window_end=end,
        windows=span.windows,
        started_at=now.replace(tzinfo=None),
        code_version=__version__,
        execution=execution,
    )


def settle_runs(home: Home, obj: Object, own: str) -> None:
    """Bring the warehouse's history up to date from the lake, and end runs whose process did not.

    To be called by the run `own`, which has the lock.
    """
    now = clock.now_naive()
    months = {now.date().replace(day=1), (now.date().replace(day=1) - timedelta(days=1)).replace(day=1)}
    known = {run.run_id: run for run in runs.runs(home.warehouse, obj.name)}
    for month in sorted(months):
        for key in list(home.store.list(layout.run_prefix(obj.name, month))):
            run_id = layout.id_of(key)
            if run_id != own and (run_id not in known or not known[run_id].is_over):
                run = decode_run(home.store.require_bytes(key))
                runs.put_run(home.warehouse, run)
                known[run_id] = run
    for run in known.values():
        if run.run_id != own and not run.is_over:
            whole = runs.find_run(home.warehouse, run.run_id)
            write_record(
                home, replace(whole, state="interrupted", error=_LOST, ended_at=now, revision=run.revision + 1)
            )


def write_record(home: Home, record: RunRecord) -> None:
    """Write a run's record, to the lake first."""
    put_lake_record(home.lake, record)
    runs.put_run(home.warehouse, record)


def put_lake_record(lake: LakeHome, record: RunRecord) -> None:
    """Write a run's record to the lake alone."""
    lake.store.put_bytes(encode_run(record), layout.run_key(record.object, record.run_id, record.started_at))


def _ended(record: RunRecord, state: RunState) -> RunRecord:
    now = clock.now_naive()
    seconds = max(0.0, (now - record.started_at).total_seconds())
    ended = replace(record, state=state, ended_at=now, seconds=seconds)
    # Of a run that succeeded, a step that failed and was tried again is among its steps.
    return replace(ended, failed_step=None, error=None) if state == "succeeded" else ended
