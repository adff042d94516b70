"""The generated state machines, and the schedules or rules that start them.

Definitions are made by `trunkline.orchestration`, as the files in state_machines/ are; their ARNs are substituted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as step_functions
from data_pipeline import DataPipelineStack
from firings import Firing, keep_failed_events, rule, schedule, schedule_role
from parts import Deployed, TrunklineStack
from run_functions import RunFunctions

from trunkline.deploy.policies import LOGS_OF_MACHINES, TRACES_OF_MACHINES
from trunkline.deploy.stages import MACHINE_STAGES
from trunkline.limits import FIRING_RETRIES, FIRING_RETRY_S
from trunkline.orchestration.all_objects import ALL_OBJECTS_NAME, all_objects_machine, arn_variable
from trunkline.orchestration.backfill import BACKFILL_NAME, backfill_machine
from trunkline.orchestration.firings import rules, schedules
from trunkline.orchestration.machine import machine_name, object_machine
from warehouse import WarehouseStack

Statement = dict[str, Any]


class StateMachines:
    """A state machine for each chosen object, one for all of them and one of backfills, and what starts them."""

    def __init__(self, stack: TrunklineStack, lake: DataPipelineStack, warehouse: WarehouseStack) -> None:
        self._stack, self._lake = stack, lake
        self._functions = RunFunctions(stack, lake, warehouse)
        self._objects = self._functions.objects
        stages = {f"{name}FunctionArn": self._functions.stage(module) for name, module in MACHINE_STAGES.items()}
        self._arns = {name: made.function.attr_arn for name, made in stages.items()}
        calls = _invokes(list(self._arns.values()))
        self._machines = {
            arn_variable(obj): self._machine(machine_name(obj), object_machine(obj), self._arns, [calls])
            for obj in self._objects
        }
        self._parent = self._all_objects()
        if stack.config.orchestration.backfill:
            self._backfill()
        self._start()

    def _all_objects(self) -> str:
        """The machine that runs those of the objects, and waits for them by events of EventBridge."""
        made = self._functions.summarize()
        arns = self._machines | {"SummarizeFunctionArn": made.function.attr_arn}
        allowed = [_invokes([made.function.attr_arn]), *self._runs_machines()]
        return self._machine(ALL_OBJECTS_NAME, all_objects_machine(self._objects), arns, allowed)

    def _backfill(self) -> None:
        """The machine with a Distributed Map, whose child executions are executions of itself."""
        stack, name = self._stack, self._stack.config.named(BACKFILL_NAME)
        made = self._functions.backfill_files()
        results = f"{self._lake.bucket_arn}/backfill/*"
        lists = [
            stack.arn("s3", f"{url.removeprefix('s3://')}*", region="", account="")
            for url in stack.config.orchestration.backfill
        ]
        keys = [key for key in (self._lake.key_arn, stack.config.orchestration.key_arn) if key]
        uses = _allow(("kms:Decrypt", "kms:GenerateDataKey"), keys)
        uses["Condition"] = {"StringEquals": {"kms:ViaService": f"s3.{stack.region}.amazonaws.com"}}
        allowed = [
            _invokes([made.function.attr_arn]),
            *self._runs_machines(),
            _allow(("states:StartExecution",), [stack.arn("states", f"stateMachine:{name}")]),
            _allow(
                ("states:DescribeExecution", "states:StopExecution"), [stack.arn("states", f"execution:{name}/*:*")]
            ),
            _allow(("s3:GetObject",), lists),
            _allow(
                ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"), [results]
            ),
            *([uses] if keys else []),
        ]
        arns = {"BackfillFilesFunctionArn": made.function.attr_arn, "ResultsBucket": stack.config.bucket}
        self._machine(BACKFILL_NAME, backfill_machine(), arns, allowed)

    def _runs_machines(self) -> list[Statement]:
        """To start an execution of an object's machine and wait for its end: `startExecution.sync`."""
        stack = self._stack
        names = [stack.config.named(machine_name(obj)) for obj in self._objects]
        return [
            _allow(("states:StartExecution",), list(self._machines.values())),
            _allow(
                ("states:DescribeExecution", "states:StopExecution"),
                [stack.arn("states", f"execution:{name}:*") for name in names],
            ),
            _allow(
                ("events:DescribeRule", "events:PutRule", "events:PutTargets"),
                [stack.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")],
            ),
        ]

    def _machine(
        self, name: str, definition: Mapping[str, Any], arns: Mapping[str, str], allowed: Sequence[Statement]
    ) -> str:
        """The ARN of one machine with its log, its role, and the alarms of its failed executions."""
        stack, place = self._stack, self._stack.config.installation
        title = f"{_camel(name)}StateMachine"
        name = stack.config.named(name)
        log = logs.CfnLogGroup(
            stack,
            f"{title}Log",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention_in_days=place.log_retention_days,
        )
        traces = [_allow(TRACES_OF_MACHINES, ["*"])] if place.xray else []
        policies = {"calls": allowed, "log": [_allow(LOGS_OF_MACHINES, ["*"])], "traces": traces}
        machine = step_functions.CfnStateMachine(
            stack,
            title,
            state_machine_name=name,
            definition_string=json.dumps(definition, separators=(",", ":")),
            definition_substitutions=dict(arns),
            role_arn=stack.role(title, "states", policies).attr_arn,
            logging_configuration=_logging(log.attr_arn),
            tracing_configuration=step_functions.CfnStateMachine.TracingConfigurationProperty(enabled=place.xray),
        )
        dimensions = {"StateMachineArn": stack.arn("states", f"stateMachine:{name}")}
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
            stack.alarm(f"{title}{metric}", "AWS/States", metric, dimensions, 0, "failed-executions")
        return machine.attr_arn

    def _start(self) -> None:
        """Schedules in a zone, or rules in UTC, that start an execution by the name of its window."""
        stack, chosen = self._stack, self._stack.config.orchestration
        is_rules = chosen.trigger == "rules"
        declared = {each["Rule"]["Name"]: each for each in rules(self._objects)}
        sources = [stack.arn("events", f"rule/{stack.config.named(name)}") for name in declared] if is_rules else []
        dead_arn = stack.dead_letters("Firings", "events", sources).attr_arn
        made = self._functions.start_run([*self._machines.values(), self._parent], dead_arn)
        keep_failed_events(stack, "StartRun", made, dead_arn)
        arns = {**self._machines, "AllObjectsStateMachineArn": self._parent}
        if is_rules:
            for name, each in declared.items():
                firing = _firing(name, chosen.schedule, "UTC", each["Rule"]["Description"])
                transformer = _filled(each["Target"]["InputTransformer"], arns)
                rule(stack, f"{_camel(name)}Rule", firing, made, dead_arn, transformer)
        else:
            self._schedules(made, dead_arn, arns)

    def _schedules(self, made: Deployed, dead_arn: str, arns: Mapping[str, str]) -> None:
        """One for each object as configured, and one at night for all in the order of their dependencies."""
        stack, chosen = self._stack, self._stack.config.orchestration
        role_arn = schedule_role(stack, "Firings", made, dead_arn)
        for each in schedules(self._objects):
            name, when = each["Name"], (chosen.schedule, chosen.zone)
            if name == ALL_OBJECTS_NAME:
                when = (each["ScheduleExpression"], each["ScheduleExpressionTimezone"])
            firing, given = _firing(name, *when, each["Description"]), _filled(each["Target"]["Input"], arns)
            schedule(stack, f"{_camel(name)}Schedule", firing, made, role_arn, dead_arn, given)


def _firing(name: str, expression: str, zone: str, description: str) -> Firing:
    return Firing(name, expression, zone, description, FIRING_RETRIES, FIRING_RETRY_S)


def _logging(log_arn: str) -> step_functions.CfnStateMachine.LoggingConfigurationProperty:
    """Every event, without inputs and outputs: the execution's history has them."""
    group = step_functions.CfnStateMachine.CloudWatchLogsLogGroupProperty(log_group_arn=log_arn)
    destination = step_functions.CfnStateMachine.LogDestinationProperty(cloud_watch_logs_log_group=group)
    return step_functions.CfnStateMachine.LoggingConfigurationProperty(
        level="ALL", include_execution_data=False, destinations=[destination]
    )


def _allow(actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _invokes(arns: Sequence[str]) -> Statement:
    return _allow(("lambda:InvokeFunction",), arns)


def _camel(name: str) -> str:
    """`ContactRecord` for `trunkline-contact-record`."""
    return "".join(part.capitalize() for part in name.removeprefix("trunkline-").split("-"))


def _filled(value: Any, arns: Mapping[str, str]) -> Any:
    """The value with names such as `${ContactRecordStateMachineArn}` replaced."""
    if isinstance(value, dict):
        return {key: _filled(item, arns) for key, item in value.items()}
    if isinstance(value, str):
        for name, arn in arns.items():
            value = value.replace(f"${{{name}}}", arn)
    return value
