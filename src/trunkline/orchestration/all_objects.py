"""The state machine of all objects: dimensions, then facts, each object in an execution of its own machine.

One object's failure stops no other. The execution fails at its end, naming the objects that did; a redrive, or the
next firing, runs all of them again, and those that have nothing due end at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from trunkline.objects.model import Object
from trunkline.orchestration.machine import MACHINE_HOURS_MAX
from trunkline.orchestration.states import State, catch, choice, function, nested_execution, succeed
from trunkline.pipelines.run.due import in_dependency_order, is_dimension

ALL_OBJECTS_NAME: Final = "trunkline-all-objects"
AT_ONCE: Final = 4
"""Objects that run at once: each holds a statement of the warehouse, of which a cluster runs few at full speed."""


def arn_variable(obj: Object) -> str:
    """The name that stands for the ARN of an object's state machine."""
    return "".join(part.capitalize() for part in obj.name.split("_")) + "StateMachineArn"


def all_objects_machine(objects: Iterable[Object]) -> dict[str, Any]:
    """The definition of the state machine that runs these objects in the order of their dependencies."""
    ordered = in_dependency_order(objects)
    groups = {
        "dimensions": [obj for obj in ordered if is_dimension(obj)],
        "facts": [obj for obj in ordered if not is_dimension(obj)],
    }
    plan: dict[str, Any] = {name: [_item(obj) for obj in group] for name, group in groups.items()}
    plan["begun_at_redrive.$"] = "$$.Execution.RedriveCount"
    return {
        "Comment": "All objects: dimensions before facts, each in its own execution. Generated.",
        "StartAt": "Start",
        "TimeoutSeconds": 2 * MACHINE_HOURS_MAX * 3600,
        "States": {
            "Start": {
                "Type": "Pass",
                "Comment": "Which objects, in which order.",
                "Parameters": plan,
                "Next": "Dimensions",
            },
            "Dimensions": _each("dimensions", "Facts"),
            "Facts": _each("facts", "Summarize"),
            "Summarize": function(
                "Summarize",
                {
                    "results.$": "States.Array($.done.dimensions, $.done.facts)",
                    "begun_at_redrive.$": "$.begun_at_redrive",
                    "redrive.$": "$$.Execution.RedriveCount",
                },
                ("is_redriven",),
                "$.summary",
                "IsRedriven",
                "Fail where an object failed; after a redrive begin anew.",
            ),
            "IsRedriven": choice(
                "A redrive runs what failed again.",
                "Done",
                {"Variable": "$.summary.is_redriven", "BooleanEquals": True, "Next": "Start"},
            ),
            "Done": succeed("All objects succeeded."),
        },
    }


def _item(obj: Object) -> dict[str, str]:
    return {"object": obj.name, "state_machine": f"${{{arn_variable(obj)}}}"}


def _each(group: str, then: str) -> State:
    first = group == "dimensions"
    return {
        "Type": "Map",
        "Comment": f"The {group}, up to {AT_ONCE} at once.",
        "ItemsPath": f"$.{group}",
        "MaxConcurrency": AT_ONCE,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": f"Run{group.capitalize()}",
            "States": _iteration(group.capitalize()),
        },
        "ResultPath": "$.done" if first else "$.done.facts",
        **({"ResultSelector": {"dimensions.$": "$"}} if first else {}),
        "Next": then,
    }


def _iteration(group: str) -> dict[str, State]:
    comment = "The object's own machine. Without a name: a redrive starts it again."
    catches = [catch(["States.ALL"], f"{group}ObjectFailed")]
    run = nested_execution(comment, "$.result", f"{group}ObjectDone", catches)
    return {
        f"Run{group}": run,
        f"{group}ObjectDone": _result(False),
        f"{group}ObjectFailed": _result(True),
    }


def _result(is_failed: bool) -> State:
    values: dict[str, Any] = {"object.$": "$.object", "is_failed": is_failed}
    if is_failed:
        values["error.$"] = "$.failure.Error"
    comment = "The others go on." if is_failed else "What the summary needs."
    return {"Type": "Pass", "Comment": comment, "Parameters": values, "End": True}
