"""The state machine of one object: begin, extract, stage, COPY or direct insert, verify, notify.

COPY, merge and accounting are one transaction of the warehouse, so they are one state. Where an error is not cured by
retries, `RecordFailure` ends the run's record and raises, so that the execution ends in a task. A redrive calls that
task again; it sees the higher count of redrives, and the machine begins anew: what was done is not done again. A state
of type Fail would only fail again.
"""

from __future__ import annotations

from typing import Any, Final

from trunkline.objects.model import Object
from trunkline.orchestration.states import (
    EXECUTION,
    RUN,
    State,
    catch,
    choice,
    function,
    pass_on,
    succeed,
)

MACHINE_HOURS_MAX: Final = 12
_STEPS: Final = {
    "Begin": "begin",
    "Extract": "extract",
    "Stage": "stage",
    "CopyAndMerge": "merge",
    "InsertAndMerge": "merge",
    "Verify": "verify",
    "Notify": "notify",
}
"""Each task that a run is made of, with its name in the run's record."""


def machine_name(obj: Object) -> str:
    """The name of an object's state machine."""
    return f"trunkline-{obj.name.replace('_', '-')}"


def object_machine(obj: Object) -> dict[str, Any]:
    """The definition of an object's state machine."""
    return {
        "Comment": f"{obj.name}: what its schedule requires, from its source into {obj.warehouse_table}. Generated.",
        "StartAt": "Start",
        "TimeoutSeconds": MACHINE_HOURS_MAX * 3600,
        "States": {**_beginning(obj), **_loading(), **_ending()},
    }


def _failing(step: str) -> list[dict[str, Any]]:
    return [catch(["States.ALL"], f"{step}Failed")]


def _beginning(obj: Object) -> dict[str, State]:
    start = {
        "object": obj.name,
        "started_by": "state machine",
        "begun_at_redrive.$": "$$.Execution.RedriveCount",
        "run": {"run_id": ""},
    }
    busy = catch(["LockedError"], "Busy")
    return {
        "Start": {"Type": "Pass", "Comment": "What the execution starts with.", "Parameters": start, "Next": "Begin"},
        "Begin": function(
            "Begin",
            {"object.$": "$.object", "started_by.$": "$.started_by", **EXECUTION},
            ("is_due", "run_id", "window_start", "window_end"),
            "$.run",
            "IsDue",
            "Take the object's lock, and begin a run of the windows that are due.",
            locked=True,
            catches=[busy, *_failing("Begin")],
        ),
        "IsDue": choice(
            "A firing that came twice finds nothing due.",
            "NothingDue",
            {"Variable": "$.run.is_due", "BooleanEquals": True, "Next": "Extract"},
        ),
        "NothingDue": succeed("The windows were done by an earlier run."),
        "Busy": succeed("Another run works on the object; the next one covers these windows."),
        "Extract": function(
            "Extract",
            RUN,
            ("is_done", "batches", "rows_read"),
            "$.extract",
            "Stage",
            "Read what is new and put it into the lake, for as long as a function runs.",
            catches=_failing("Extract"),
        ),
    }


def _loading() -> dict[str, State]:
    return {
        "Stage": function(
            "Stage",
            RUN,
            ("method", "batches", "rows"),
            "$.stage",
            "HowToLoad",
            "Count what waits in the lake.",
            catches=_failing("Stage"),
        ),
        "HowToLoad": choice(
            "Many rows are copied from files, few are sent as values.",
            "IsAllRead",
            {"Variable": "$.stage.method", "StringEquals": "copy", "Next": "CopyAndMerge"},
            {"Variable": "$.stage.method", "StringEquals": "insert", "Next": "InsertAndMerge"},
        ),
        "CopyAndMerge": _load("CopyAndMerge", "COPY into the run's staging table, merge and account: one transaction."),
        "InsertAndMerge": _load("InsertAndMerge", "INSERT the rows, merge and account: one transaction."),
        "IsAllLoaded": choice(
            "What a function had no time for is loaded by the next.",
            "Stage",
            {"Variable": "$.load.is_done", "BooleanEquals": True, "Next": "IsAllRead"},
        ),
        "IsAllRead": choice(
            "What a function had no time for is read by the next.",
            "Extract",
            {"Variable": "$.extract.is_done", "BooleanEquals": True, "Next": "Verify"},
        ),
    }


def _load(state: str, comment: str) -> State:
    return function(
        "Load",
        {**RUN, "method.$": "$.stage.method"},
        ("is_done", "rows_changed"),
        "$.load",
        "IsAllLoaded",
        comment,
        catches=_failing(state),
    )


def _ending() -> dict[str, State]:
    states: dict[str, State] = {
        "Verify": function(
            "Verify",
            RUN,
            ("rows",),
            "$.verify",
            "Notify",
            "Compare the table's rows with the accounting.",
            catches=_failing("Verify"),
        ),
        "Notify": function(
            "Notify",
            RUN,
            ("run_id", "object", "state", "rows_read", "rows_changed", "dead_letter", "bytes_read"),
            "$",
            "Done",
            "End the run, free the lock, and send a message where one is due.",
            catches=_failing("Notify"),
        ),
        "Done": succeed("The run in short is the output."),
    }
    for state, step in _STEPS.items():
        states[f"{state}Failed"] = pass_on({"name": step}, "$.step", "RecordFailure", f"{state} failed.")
    failure = {
        "object.$": "$.object",
        "run_id.$": "$.run.run_id",
        **EXECUTION,
        "step.$": "$.step.name",
        "failure.$": "$.failure",
        "begun_at_redrive.$": "$.begun_at_redrive",
        "redrive.$": "$$.Execution.RedriveCount",
    }
    states["RecordFailure"] = function(
        "RecordFailure",
        failure,
        ("is_redriven",),
        "$.recorded",
        "Start",
        "End the run's record as failed and fail; after a redrive begin anew.",
    )
    return states
