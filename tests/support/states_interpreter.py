"""A real interpreter of Amazon States Language (moto's, which is LocalStack's), calling our handlers in this process.

What it lacks of the service, and what stands in its place:
- Calling functions: the handlers, one call at a time, with the error's class and message as Lambda gives them.
- Nested executions (`startExecution.sync:2`): the names of parameters and results are converted by botocore's model.
- `$$.Execution.RedriveCount`, and RedriveExecution: the same definition is started at the state that failed, with that
  state's input and the next count, as the developer guide says of a failed Task.
- `ItemBatcher` is not in its grammar, nor is a manifest among its readers: the definition is rewritten to a list in CSV,
  one file an item.
- Waiting: retries come at once. Intervals, jitter and limits are checked on the definition.
"""

from __future__ import annotations

import copy
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from unittest import mock

import boto3
import botocore.session
from moto import mock_aws

ROLE = "arn:aws:iam::123456789012:role/states"
Handler = Callable[[Any, Any], Any]


def _all_states(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for state in machine["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from _all_states(state["ItemProcessor"])


@dataclass
class Call:
    """One call of a function."""

    function: str
    event: dict[str, Any]
    error: str | None


@dataclass
class Outcome:
    """How an execution ended. `failed_state` is where, with its input."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    states: list[str]
    failed_state: str | None
    failed_input: Any
    history: str


@dataclass
class Context:
    """What Lambda gives a handler."""

    aws_request_id: str = "request"
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    left_ms: int = 300_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@dataclass
class Interpreter:
    """Runs definitions.

    `fail` is asked before each call of a function: an error that it gives is raised instead. `lose` is asked after it:
    the function has done its work, and its answer is lost.
    """

    client: Any
    handlers: Mapping[str, Handler]
    fail: Callable[[str, dict[str, Any]], BaseException | None] = lambda _, __: None
    lose: Callable[[str, dict[str, Any]], BaseException | None] = lambda _, __: None
    calls: list[Call] = field(default_factory=list)
    machines: dict[str, str] = field(default_factory=dict)
    left_ms: int = 300_000
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    def create(self, name: str, definition: dict[str, Any]) -> str:
        """A state machine; its ARN."""
        made = self.client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        self.machines[made["stateMachineArn"]] = json.dumps(definition)
        arn: str = made["stateMachineArn"]
        return arn

    def run(self, machine: str, input_: Any = None, name: str | None = None, redrive: int = 0) -> Outcome:
        """Start an execution and wait for its end."""
        self._count += 1
        with mock.patch.dict(_REDRIVES, {machine: redrive}):
            arn = self.client.start_execution(
                stateMachineArn=machine, name=name or f"execution-{self._count}", input=json.dumps(input_ or {})
            )["executionArn"]
            deadline = time.monotonic() + 300
            while (described := self.client.describe_execution(executionArn=arn))["status"] == "RUNNING":
                assert time.monotonic() < deadline, "the execution does not end"
                time.sleep(0.02)
        events = self.client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        entered = [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]
        is_failed = described["status"] != "SUCCEEDED"
        return Outcome(
            described["status"],
            json.loads(described["output"]) if described.get("output") else None,
            described.get("error"),
            described.get("cause"),
            [state["name"] for state in entered],
            entered[-1]["name"] if is_failed else None,
            json.loads(entered[-1]["input"]) if is_failed else None,
            json.dumps(events, default=str),
        )

    def redrive(self, machine: str, failed: Outcome, number: int = 1, name: str | None = None) -> Outcome:
        """The execution again from the state that failed."""
        definition = json.loads(self.machines[machine]) | {"StartAt": failed.failed_state}
        return self.run(self._again(machine, definition), failed.failed_input, name, number)

    def _again(self, machine: str, definition: dict[str, Any]) -> str:
        self._count += 1
        return self.create(f"{machine.rpartition(':')[2][:60]}-r{self._count}", definition)

    def invoke(self, parameters: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """What Lambda's Invoke gives."""
        name = parameters["FunctionName"]
        event = (
            json.loads(parameters["Payload"])
            if isinstance(parameters["Payload"], str | bytes)
            else parameters["Payload"]
        )
        with self._lock:
            call = Call(name, event, None)
            self.calls.append(call)
            try:
                error = self.fail(name, event)
                if error is not None:
                    raise error
                answer = self.handlers[name](event, Context(left_ms=self.left_ms))
                error = self.lose(name, event)
                if error is not None:
                    raise error
                return {"StatusCode": 200, "Payload": json.loads(json.dumps(answer))}
            except Exception as error:  # noqa: BLE001 - as Lambda reports it
                kind = getattr(error, "lambda_name", type(error).__name__)
                call.error = kind
                trace = traceback.format_tb(error.__traceback__)
                body = {"errorMessage": str(error), "errorType": kind, "requestId": "r", "stackTrace": trace}
                return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": body}


class KilledFunctionError(Exception):
    """A function ran out of time or memory: Lambda gives no class of ours."""

    lambda_name = "Lambda.Unknown"


_REDRIVES: dict[str, int] = {}


@contextmanager
def interpreting(handlers: Mapping[str, Handler]) -> Iterator[Interpreter]:
    """The interpreter, with its stand-ins, while AWS is moto's."""
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
        StateTaskService,
    )
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.backend import execution_worker

    class Never:
        @staticmethod
        def sleep(_: float) -> None:
            time.sleep(0.005)

    real_data = execution_worker.ExecutionData

    def data(**fields: Any) -> Any:
        machine = fields["Id"].replace(":execution:", ":stateMachine:").rpartition(":")[0]
        return real_data(**fields, RedriveCount=_REDRIVES.get(machine, 0))

    with ExitStack() as stack:
        stack.enter_context(
            mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "core": {"mock_credentials": False}})
        )
        client = boto3.client("stepfunctions", region_name="us-east-1")
        interpreter = Interpreter(client, handlers)
        for target, name, value in (
            (lambda_eval_utils, "_invoke_lambda_function", interpreter.invoke),
            (retrier_decl, "time", Never),
            (state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", 0.02),
            (execution_worker, "ExecutionData", data),
            (AmazonStateLanguageParser, "parse", staticmethod(_Parsed(AmazonStateLanguageParser.parse))),
            (StateTaskService, "_normalise_parameters", _normalise_parameters),
            (StateTaskService, "_normalise_response", _normalise_response),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        names = StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES
        stack.enter_context(mock.patch.dict(names, sfn="stepfunctions", states="stepfunctions"))
        try:
            yield interpreter
        finally:
            client.close()


class _Parsed:
    """The parser, which takes a second for a definition, once for each; an execution has a copy of its own."""

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self._parse = parse

    def __call__(self, text: str) -> Any:
        definition = json.loads(text)
        start = definition.pop("StartAt")
        whole = json.dumps({"StartAt": next(iter(definition["States"])), **definition})
        if whole not in _PARSED:
            _PARSED[whole] = self._parse(whole)[0]
        program = copy.deepcopy(_PARSED[whole])
        program.start_at.start_at_name = start
        return program, None


_PARSED: dict[str, Any] = {}


@cache
def _model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def _operation(task: Any, service: str | None, action: str | None) -> Any:
    from botocore import xform_name

    wanted, name = task._get_boto_service_action(action), task._get_boto_service_name(service)
    if name == "lambda":  # which Lambda's own call replaces
        return None
    model = _model(name)
    return next((model.operation_model(name) for name in model.operation_names if xform_name(name) == wanted), None)


def _normalise_parameters(self: Any, parameters: dict[str, Any], boto_service_name: str | None = None,
                          service_action_name: str | None = None) -> None:  # fmt: skip
    operation = _operation(self, boto_service_name, service_action_name)
    if operation is not None and operation.input_shape is not None:
        self._to_boto_request(parameters, operation.input_shape)


def _normalise_response(self: Any, response: Any, boto_service_name: str | None = None,
                        service_action_name: str | None = None) -> None:  # fmt: skip
    operation = _operation(self, boto_service_name, service_action_name)
    if operation is not None and operation.output_shape is not None:
        self._from_boto_response(response, operation.output_shape)
    if isinstance(response, dict):
        for key in list(response):
            response[key] = _clean(response[key])


def _clean(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def for_interpreter(definition: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """A definition with its names filled in, and without what the interpreter cannot parse."""
    text = json.dumps(definition)
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text, text[text.index("${") :][:60]
    filled: dict[str, Any] = json.loads(text)
    for state in _all_states(filled):
        if state.get("Resource", "").startswith("arn:aws:states:::states:startExecution"):
            # It calls every execution without a name "None".
            state["Parameters"]["Name.$"] = "States.UUID()"
        if state.pop("ItemBatcher", None) is not None:
            state["ItemReader"]["ReaderConfig"] = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
            state["ItemSelector"] = {
                "BatchInput": {"object.$": "$.object"},
                "Items.$": "States.Array($$.Map.Item.Value)",
            }
    return filled
