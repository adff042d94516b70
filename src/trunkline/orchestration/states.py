"""Amazon States Language as values: the few kinds of states that our machines have, and which errors are retried how.

Names such as `${BeginFunctionArn}` stand for ARNs, as CloudFormation's DefinitionSubstitutions and Terraform's
templatefile fill them in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

State = dict[str, Any]

# Step Functions developer guide, "Best practices": errors of the Lambda service itself, which are worth another try.
LAMBDA_ERRORS: Final = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
KILLED_ERRORS: Final = ("Lambda.Unknown", "Sandbox.Timedout", "States.Timeout")
"""A function that ran out of time or memory: it may again, so it is tried only twice more."""
EXECUTION: Final = {"execution.$": "$$.Execution.Id"}
RUN: Final = {"object.$": "$.object", "run_id.$": "$.run.run_id", **EXECUTION}
"""What names the run in a stage's event."""


def retries(locked: bool = False) -> list[dict[str, Any]]:
    """Which errors are tried again, with jitter so that many executions do not come back at once.

    `locked`: also where another run has the object's lock, for up to twenty minutes; with the jitter it is half of that
    on average, and what then is left is done by the next firing.
    """
    rules = [
        retry(LAMBDA_ERRORS, seconds=2, attempts=6, max_delay_s=60),
        retry(("TransientError",), seconds=10, attempts=5, max_delay_s=300),
        retry(KILLED_ERRORS, seconds=30, attempts=2, max_delay_s=300),
    ]
    return [*rules, retry(("LockedError",), seconds=60, attempts=6, max_delay_s=300)] if locked else rules


def retry(errors: Sequence[str], seconds: int, attempts: int, max_delay_s: int) -> dict[str, Any]:
    """Try again after `seconds`, then after twice as long, with full jitter."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": max_delay_s,
        "JitterStrategy": "FULL",
    }


def catch(errors: Sequence[str], then: str, path: str = "$.failure") -> dict[str, Any]:
    """Where an error leads that no retry has cured, with its name and cause at `path`."""
    return {"ErrorEquals": list(errors), "ResultPath": path, "Next": then}


def function(
    name: str,
    payload: Mapping[str, Any],
    gives: Sequence[str],
    result: str,
    then: str,
    comment: str,
    *,
    timeout_s: int = 900,
    locked: bool = False,
    catches: Sequence[Mapping[str, Any]] = (),
) -> State:
    """A task that calls a Lambda function of ours; `gives` are the keys of its answer that go to `result`."""
    state: State = {
        "Type": "Task",
        "Comment": comment,
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"${{{name}FunctionArn}}", "Payload": dict(payload)},
        "ResultSelector": {f"{key}.$": f"$.Payload.{key}" for key in gives},
        "ResultPath": result,
        "TimeoutSeconds": timeout_s,
        "Retry": retries(locked),
    }
    if catches:
        state["Catch"] = [dict(rule) for rule in catches]
    return {**state, "Next": then}


def nested_execution(comment: str, result: str, then: str, catches: Sequence[Mapping[str, Any]] = ()) -> State:
    """A task that runs the state machine at `$.state_machine` to its end. Without a name: a redrive starts it again."""
    state: State = {
        "Type": "Task",
        "Comment": comment,
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {
            "StateMachineArn.$": "$.state_machine",
            "Input": {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"},
        },
        "ResultSelector": {"status.$": "$.Status"},
        "ResultPath": result,
        "Retry": [
            retry(("StepFunctions.ThrottlingException", "StepFunctions.SdkClientException"), 5, 6, max_delay_s=60)
        ],
    }
    if catches:
        state["Catch"] = [dict(rule) for rule in catches]
    return {**state, "Next": then}


def pass_on(values: Mapping[str, Any], result: str, then: str, comment: str) -> State:
    """A state that adds values to the input."""
    return {"Type": "Pass", "Comment": comment, "Parameters": dict(values), "ResultPath": result, "Next": then}


def choice(comment: str, default: str, *rules: Mapping[str, Any]) -> State:
    """A state that goes on by the first rule that holds."""
    return {"Type": "Choice", "Comment": comment, "Choices": [dict(rule) for rule in rules], "Default": default}


def succeed(comment: str) -> State:
    """The end of an execution."""
    return {"Type": "Succeed", "Comment": comment}
