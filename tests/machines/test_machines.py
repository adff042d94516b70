"""Every state machine in a real interpreter: what each error leads to, at every state, and what a redrive does.

The functions are stand-ins here; `test_real_handlers.py` has the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from states_interpreter import Interpreter, for_interpreter, interpreting

from trunkline.errors import LockedError, TerminalError, TransientError
from trunkline.objects.catalogue import OBJECTS
from trunkline.orchestration.machine import object_machine
from trunkline.pipelines.run import function

ROOT = Path(__file__).parents[2]
FUNCTIONS = ("Begin", "Extract", "Stage", "Load", "Verify", "Notify", "RecordFailure", "StartRun", "Summarize")
NAMES = {f"{name}FunctionArn": name for name in FUNCTIONS}
WAY = ["Start", "Begin", "IsDue", "Extract", "Stage", "HowToLoad", "CopyAndMerge", "IsAllLoaded", "IsAllRead", "Verify",
       "Notify", "Done"]  # fmt: skip
TASKS = {"Begin": "Begin", "Extract": "Extract", "Stage": "Stage", "CopyAndMerge": "Load", "Verify": "Verify",
         "Notify": "Notify"}  # fmt: skip


class Stages:
    """Functions that give what the real ones give."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.answers = answers

    def _next(self, name: str, usual: dict[str, Any]) -> dict[str, Any]:
        left = self.answers.get(name, [])
        return usual | (left.pop(0) if left else {})

    def handlers(self) -> dict[str, Any]:
        usual: dict[str, dict[str, Any]] = {
            "Begin": {"is_due": True, "run_id": "x-20260302T140000Z-1", "window_start": "a", "window_end": "b"},
            "Extract": {"is_done": True, "batches": 1, "rows_read": 500},
            "Stage": {"method": "copy", "batches": 1, "rows": 500},
            "Load": {"is_done": True, "rows_changed": 500},
            "Verify": {"rows": 500},
            "Notify": {"run_id": "x", "object": "x", "state": "succeeded", "rows_read": 500, "rows_changed": 500,
                       "dead_letter": 0, "bytes_read": 9},
        }  # fmt: skip
        made: dict[str, Any] = {
            name: (lambda event, context, name=name: self._next(name, usual[name])) for name in usual
        }
        made["RecordFailure"] = self._record_failure
        made["Summarize"] = lambda event, context: function.summarize(event)
        return made

    @staticmethod
    def _record_failure(event: Any, context: Any) -> dict[str, Any]:
        if event["redrive"] != event["begun_at_redrive"]:
            return {"is_redriven": True}
        raise function.RunFailedError(event["step"])


@pytest.fixture
def interpreter() -> Iterator[Interpreter]:
    with interpreting(Stages().handlers()) as made:
        yield made


def definition(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((ROOT / f"state_machines/{name}.asl.json").read_text())
    return for_interpreter(made, NAMES)


def failing(function_name: str, error: BaseException, times: int) -> Any:
    left = [times]

    def fail(name: str, _: Any) -> BaseException | None:
        if name != function_name or not left[0]:
            return None
        left[0] -= 1
        return error

    return fail


OFTEN = ("contact_record", "call", "queue")
"""The interpreter needs a second or more to parse a definition; the others run under `soak`."""
MOST = [name if name in OFTEN else pytest.param(name, marks=pytest.mark.soak) for name in OBJECTS]


@pytest.mark.parametrize("name", MOST)
def test_each_object_goes_its_way(interpreter: Interpreter, name: str) -> None:
    """Extract, stage, copy, verify, notify; the payload between the states is names and counts."""
    machine = interpreter.create(name, definition(name))
    outcome = interpreter.run(machine)
    assert (outcome.status, outcome.states) == ("SUCCEEDED", WAY)
    assert outcome.output["state"] == "succeeded"
    assert {call.event["object"] for call in interpreter.calls} == {name}
    assert all(len(json.dumps(call.event)) < 500 for call in interpreter.calls)


EVERY = [name if name == "contact_record" else pytest.param(name, marks=pytest.mark.soak) for name in OBJECTS]


@pytest.mark.parametrize("name", EVERY)
def test_an_error_at_every_state(interpreter: Interpreter, name: str) -> None:
    """One that passes is retried, another is recorded, and a redrive finishes the work."""
    machine = interpreter.create(name, definition(name))
    for state, task in TASKS.items():
        interpreter.fail = failing(task, TransientError("busy"), 2)
        assert interpreter.run(machine).status == "SUCCEEDED", state
        interpreter.fail = failing(task, TerminalError("broken"), 1)
        failed = interpreter.run(machine)
        assert (failed.status, failed.error) == ("FAILED", "RunFailedError"), state
        assert failed.states[-2:] == [f"{state}Failed", "RecordFailure"]
        interpreter.fail = lambda *_: None
        redriven = interpreter.redrive(machine, failed)
        assert redriven.status == "SUCCEEDED", state
        assert redriven.states == ["RecordFailure", *WAY]


def test_the_machines_of_objects_differ_in_names_alone() -> None:
    """So what holds for one at every state holds for all."""
    texts = {
        json.dumps(object_machine(obj)).replace(obj.warehouse_table, "TABLE").replace(f'"{obj.name}', '"OBJECT')
        for obj in OBJECTS.values()
    }
    assert len(texts) == 1


def test_what_one_function_has_no_time_for_is_done_by_the_next(interpreter: Interpreter) -> None:
    """Extract and load go on until nothing is left; few rows are inserted; nothing due and a busy object end at once."""
    stages = Stages(
        Extract=[{"is_done": False}, {"is_done": True}], Load=[{"is_done": False}], Stage=[{}, {"method": "insert"}]
    )
    interpreter.handlers = stages.handlers()
    machine = interpreter.create("call", definition("call"))
    outcome = interpreter.run(machine)
    assert outcome.status == "SUCCEEDED"
    counted = {name: sum(call.function == name for call in interpreter.calls) for name in ("Extract", "Stage", "Load")}
    assert counted == {"Extract": 2, "Stage": 3, "Load": 3}
    assert outcome.states.count("InsertAndMerge") == 1
    interpreter.handlers = Stages(Begin=[{"is_due": False, "run_id": ""}]).handlers()
    assert interpreter.run(machine).states[-1] == "NothingDue"
    interpreter.fail = failing("Begin", LockedError("the object call", "another run"), 99)
    assert interpreter.run(machine).states[-1] == "Busy"
    assert sum(call.error == "LockedError" for call in interpreter.calls) == 7


def test_retries_have_jitter_and_name_what_may_pass() -> None:
    """Every task that calls a function retries Lambda's own errors, ours that pass, and a killed function; never others."""
    machine = object_machine(OBJECTS["call"])
    tasks = {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}
    assert len(tasks) == 8
    for name, state in tasks.items():
        named = [error for rule in state["Retry"] for error in rule["ErrorEquals"]]
        assert {"TransientError", "Lambda.ServiceException", "Lambda.TooManyRequestsException", "Lambda.Unknown"} <= {
            *named
        }
        assert not {"TerminalError", "UsageError", "RunFailedError", "States.ALL"} & {*named}
        assert ("LockedError" in named) == (name == "Begin")
        assert all(rule["JitterStrategy"] == "FULL" and rule["MaxDelaySeconds"] for rule in state["Retry"])
        assert all(rule["ErrorEquals"] in (["States.ALL"], ["LockedError"]) for rule in state.get("Catch", []))
        assert state["TimeoutSeconds"] <= 900
    assert all("Catch" in state for name, state in tasks.items() if name != "RecordFailure")
