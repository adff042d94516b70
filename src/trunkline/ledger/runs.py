"""The history of runs, and the lock of an object: rows of the ledger, in SQL that every engine reads.

A run's record is also a small object of the lake, written before the warehouse's row: a run that cannot reach the
warehouse still leaves its error there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from trunkline.errors import LockedError, TerminalError, UsageError
from trunkline.limits import RUN_LOCK_S
from trunkline.objects.ledger import RUN, RUN_LOCK, RUN_STEP
from trunkline.sql.session import Session

RunState = Literal["running", "succeeded", "failed", "interrupted"]
STEPS: Final = ("begin", "extract", "stage", "merge", "verify", "notify")
_FREE: Final = datetime(1970, 1, 1)
_NOTE: Final = "step of the run: "


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run, or one try of it. Times are naive UTC; `error` is NULL for a step that succeeded."""

    step_number: int
    step: str
    started_at: datetime
    seconds: float
    step_rows: int = 0
    step_bytes: int = 0
    detail: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as `ledger.run` has it, with its steps. Times are naive UTC."""

    run_id: str
    object: str
    started_by: str
    state: RunState
    window_start: datetime
    window_end: datetime
    windows: int
    started_at: datetime
    code_version: str
    ended_at: datetime | None = None
    seconds: float | None = None
    rows_read: int = 0
    rows_changed: int = 0
    dead_letter: int = 0
    bytes_read: int = 0
    failed_step: str | None = None
    error: str | None = None
    execution: str | None = None
    retry_of: str | None = None
    revision: int = 1
    steps: tuple[StepRecord, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state != "running"

    def with_step(self, step: StepRecord) -> RunRecord:
        """The record with one more step; a failed one is the run's failed step as well."""
        steps = (*self.steps, replace(step, step_number=len(self.steps) + 1))
        if step.error is None:
            return replace(self, steps=steps)
        return replace(self, steps=steps, failed_step=step.step, error=step.error)


_RUN_COLUMNS: Final = tuple(column.name for column in RUN.columns)
_STEP_COLUMNS: Final = tuple(column.name for column in RUN_STEP.columns)


def encode_run(run: RunRecord) -> bytes:
    """JSON text that people can read."""
    return msgspec.json.format(msgspec.json.encode(run), indent=1)


def decode_run(data: bytes) -> RunRecord:
    """A run's record. Raises TerminalError for a damaged one."""
    try:
        return msgspec.json.decode(data, type=RunRecord)
    except msgspec.DecodeError as error:
        raise TerminalError(
            f"the record of a run in the lake cannot be read ({error}): look below _ledger/run/ for what was changed, "
            "and put it back from a backup, or remove it; no row depends on it"
        ) from error


def put_run(db: Session, run: RunRecord) -> None:
    """Write a run and its steps. A later revision replaces an earlier one, never the other way round."""
    db.put(RUN, [{name: getattr(run, name) for name in _RUN_COLUMNS}], better=("revision",))
    rows = [
        {"run_id": run.run_id} | {name: getattr(step, name) for name in _STEP_COLUMNS if name != "run_id"}
        for step in run.steps
    ]
    db.put(RUN_STEP, rows)


def runs(
    db: Session, object_name: str | None = None, state: str | None = None, limit: int | None = None
) -> list[RunRecord]:
    """Runs without their steps, newest first."""
    conditions = {name: value for name, value in (("object", object_name), ("state", state)) if value is not None}
    where = " AND ".join(f"{name} = ${number}" for number, name in enumerate(conditions, 1)) or "1 = 1"
    last = f" LIMIT {int(limit)}" if limit is not None else ""
    rows = db.query(
        f"SELECT {', '.join(_RUN_COLUMNS)} FROM ledger.run WHERE {where} ORDER BY started_at DESC, run_id DESC{last}",
        list(conditions.values()),
    )
    return [RunRecord(**dict(zip(_RUN_COLUMNS, row, strict=True))) for row in rows]


def find_run(db: Session, run_id: str) -> RunRecord:
    """A run with its steps. Raises UsageError where there is none of this id."""
    rows = db.query(f"SELECT {', '.join(_RUN_COLUMNS)} FROM ledger.run WHERE run_id = $1", [run_id])
    if not rows:
        latest = ", ".join(run.run_id for run in runs(db, limit=3)) or "none yet"
        raise UsageError(f"there is no run {run_id!r}; the latest are: {latest}. List them: trunkline runs list")
    run = RunRecord(**dict(zip(_RUN_COLUMNS, rows[0], strict=True)))
    names = [field.name for field in fields(StepRecord)]
    steps = db.query(f"SELECT {', '.join(names)} FROM ledger.run_step WHERE run_id = $1 ORDER BY step_number", [run_id])
    return replace(run, steps=tuple(StepRecord(*row) for row in steps))


def watermark(db: Session, object_name: str) -> datetime | None:
    """The end of what successful runs have covered, naive UTC; None before the first run.

    Where none has succeeded yet it is the start of the first: its windows stay due.
    """
    rows = db.query(
        "SELECT max(CASE WHEN state = $1 THEN window_end END), min(window_start) FROM ledger.run WHERE object = $2",
        ["succeeded", object_name],
    )
    end, start = rows[0]
    first: datetime | None = end or start
    return first


def tries(db: Session, object_name: str, window_end: datetime) -> int:
    """How many runs there were of the windows that end then."""
    rows = db.query(
        "SELECT count(*) FROM ledger.run WHERE object = $1 AND window_end = CAST($2 AS TIMESTAMP)",
        [object_name, window_end],
    )
    return int(rows[0][0])


def lock(db: Session, object_name: str, owner: str, holder: str, now: datetime) -> None:
    """Let this owner alone work on the object, for `RUN_LOCK_S` seconds; the same owner renews its lock by this.

    `now` is naive UTC, `holder` the owner for people. Raises LockedError where another owner has the lock and has
    renewed it in time.
    """
    db.put(RUN_LOCK, [{"object": object_name, "owner": "", "holder": "", "expires_at": _FREE}])
    db.run(
        "UPDATE ledger.run_lock SET owner = $1, holder = $2, expires_at = CAST($3 AS TIMESTAMP) "
        "WHERE object = $4 AND (owner = $1 OR expires_at <= CAST($5 AS TIMESTAMP))",
        [owner, holder[:512], now + timedelta(seconds=RUN_LOCK_S), object_name, now],
    )
    rows = db.query("SELECT owner, holder, expires_at FROM ledger.run_lock WHERE object = $1", [object_name])
    others = [row for row in rows if row[0] != owner]
    if others:
        # Where no key is enforced two processes may have made a row each: neither may keep half of the lock.
        unlock(db, object_name, owner)
        _, other, expires_at = others[0]
        raise LockedError(
            f"the object {object_name}", f"a run of {other}, whose lock expires at {expires_at:%F %T} UTC"
        )


def unlock(db: Session, object_name: str, owner: str) -> None:
    """Free the lock of an owner; nothing where it has none."""
    db.run(
        "UPDATE ledger.run_lock SET expires_at = CAST($1 AS TIMESTAMP) WHERE object = $2 AND owner = $3",
        [_FREE, object_name, owner],
    )


@contextmanager
def in_step(step: str) -> Iterator[None]:
    """Note on an error in which step of the run it came up; the innermost step counts."""
    try:
        yield
    except BaseException as error:
        if failed_step(error) is None:
            error.add_note(_NOTE + step)
        raise


def failed_step(error: BaseException) -> str | None:
    """The step that an error came up in; None where it is not noted."""
    notes: Sequence[str] = getattr(error, "__notes__", ())
    return next((note.removeprefix(_NOTE) for note in notes if note.startswith(_NOTE)), None)
