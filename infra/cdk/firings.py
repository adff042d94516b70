"""What starts a function at a time: schedules of EventBridge Scheduler in a zone, and rules of EventBridge in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from parts import Deployed, TrunklineStack


@dataclass(frozen=True)
class Firing:
    """When something is started, by which name in AWS, and how often a firing that cannot be delivered is repeated."""

    name: str
    expression: str
    zone: str = "UTC"
    description: str = ""
    retries: int = 5
    retry_s: int = 3_600


def schedule_role(stack: TrunklineStack, ident: str, made: Deployed, dead_arn: str = "") -> str:
    """The ARN of the role by which Scheduler starts a function, and puts what it cannot deliver into a queue."""
    calls = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": made.function.attr_arn}
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead_arn}
    role = stack.role(ident, "scheduler", {"invoke": [calls, *([sends] if dead_arn else [])]})
    return role.attr_arn


def schedule(
    stack: TrunklineStack,
    ident: str,
    firing: Firing,
    made: Deployed,
    role_arn: str,
    dead_arn: str = "",
    given: str = "{}",
) -> None:
    """Start a function with an input by Scheduler, in the firing's zone."""
    dead = scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_arn) if dead_arn else None
    retry = scheduler.CfnSchedule.RetryPolicyProperty(
        maximum_retry_attempts=firing.retries, maximum_event_age_in_seconds=firing.retry_s if firing.retries else None
    )
    scheduler.CfnSchedule(
        stack,
        ident,
        name=stack.config.named(firing.name),
        description=firing.description or None,
        schedule_expression=firing.expression,
        schedule_expression_timezone=firing.zone,
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=made.function.attr_arn, role_arn=role_arn, input=given, dead_letter_config=dead, retry_policy=retry
        ),
    )


def rule(
    stack: TrunklineStack, ident: str, firing: Firing, made: Deployed, dead_arn: str, transformer: Mapping[str, Any]
) -> None:
    """Start a function by a rule, in UTC, with an input made of the rule's event."""
    given = events.CfnRule.InputTransformerProperty(
        input_paths_map=transformer["InputPathsMap"], input_template=transformer["InputTemplate"]
    )
    made_rule = events.CfnRule(
        stack,
        ident,
        name=stack.config.named(firing.name),
        description=firing.description or None,
        schedule_expression=firing.expression,
        targets=[
            events.CfnRule.TargetProperty(
                id="function",
                arn=made.function.attr_arn,
                input_transformer=given,
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead_arn),
                retry_policy=events.CfnRule.RetryPolicyProperty(
                    maximum_retry_attempts=firing.retries, maximum_event_age_in_seconds=firing.retry_s
                ),
            )
        ],
    )
    lambda_.CfnPermission(
        stack,
        f"{ident}Permission",
        action="lambda:InvokeFunction",
        function_name=made.function.ref,
        principal="events.amazonaws.com",
        source_arn=made_rule.attr_arn,
    )


def keep_failed_events(stack: TrunklineStack, ident: str, made: Deployed, dead_arn: str) -> None:
    """Send the events that a function failed three times to a queue; its role must allow that."""
    lambda_.CfnEventInvokeConfig(
        stack,
        f"{ident}FailedEvents",
        function_name=made.function.ref,
        qualifier="$LATEST",
        maximum_retry_attempts=2,
        maximum_event_age_in_seconds=3_600,
        destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=dead_arn)
        ),
    ).node.add_dependency(made.role)
