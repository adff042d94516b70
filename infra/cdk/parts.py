"""What every stack is made of: functions with a role of their own, queues with dead letters, alarms.

Resources are CloudFormation's own (L1), so that a template has exactly what is written here, under readable names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import RemovalPolicy, Stack, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import Event
from trunkline.deploy.policies import Resources, statements
from trunkline.deploy.stages import ALL_FUNCTIONS

RUNBOOK = "https://github.com/trunkline/trunkline/blob/main/docs/how-to/act-on-an-alarm.md"
QUEUE_SECONDS = 1_209_600
"""14 days, the most that SQS keeps a message."""
VISIBILITY_OF_TIMEOUT = 6
"""AWS's advice for queues that Lambda reads: six times the function's timeout."""

_NAMES_ACCOUNT = ("scheduler", "grafana")
"""Services that say for which account they assume a role (their guides, "confused deputy")."""


@dataclass(frozen=True)
class Deployed:
    """A function with its role, to refer to."""

    function: lambda_.CfnFunction
    role: iam.CfnRole
    name: str


class TrunklineStack(Stack):
    """A stack of one deployment: its configuration, its topic of alarms, and how its parts are made."""

    def __init__(
        self, scope: Construct, name: str, config: DeployConfig, *, region: str | None = None, topic_arn: str = ""
    ) -> None:
        place = config.installation
        super().__init__(
            scope,
            config.named(name),
            env={"account": place.account, "region": region or place.region},
            description=f"Trunkline: {type(self).__doc__}",
            termination_protection=True,
        )
        self.config = config
        self.alarms: list[cloudwatch.CfnAlarm] = []
        # Each role with the resources of its statements, so that wildcards among them can be argued.
        self.roles: list[tuple[iam.CfnRole, list[str]]] = []
        self.topic_arn = topic_arn
        Tags.of(self).add("application", "trunkline")

    def arn(self, service: str, resource: str, region: str | None = None, account: str | None = None) -> str:
        """An ARN of this account, as text: a name that is made elsewhere needs no export of a stack."""
        region = self.region if region is None else region
        owner = self.account if account is None else account
        return f"arn:{self.config.installation.partition}:{service}:{region}:{owner}:{resource}"

    def role(self, name: str, service: str, policies: Mapping[str, Sequence[dict[str, Any]]]) -> iam.CfnRole:
        """A role that one service assumes, with inline policies."""
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        if service in _NAMES_ACCOUNT:
            trust["Condition"] = {"StringEquals": {"aws:SourceAccount": self.account}}
        role = iam.CfnRole(
            self,
            f"{name}Role",
            assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
            permissions_boundary=self.config.installation.permissions_boundary or None,
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name=title, policy_document={"Version": "2012-10-17", "Statement": list(statement)}
                )
                for title, statement in policies.items()
                if statement
            ],
        )
        self.roles.append(
            (role, [target for given in policies.values() for each in given for target in _targets(each)])
        )
        return role

    def function(
        self,
        module: str,
        resources: Resources,
        events_in: Sequence[Event],
        variables: Mapping[str, str],
        has_error_alarm: bool = True,
    ) -> Deployed:
        """A function of the package with its log, its role of exactly what it calls, and its alarms."""
        declared, place = ALL_FUNCTIONS[module], self.config.installation
        name = self.config.named(declared.name)
        ident = "".join(part.capitalize() for part in module.rpartition(".")[2].split("_"))
        log = logs.CfnLogGroup(
            self, f"{ident}Log", log_group_name=f"/aws/lambda/{name}", retention_in_days=place.log_retention_days
        )
        writes = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": log.attr_arn}
        traces = {
            "Effect": "Allow",
            "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            "Resource": "*",
        }
        calls = statements(declared, resources, events_in)
        role = self.role(ident, "lambda", {"log": [writes], "calls": calls, "traces": [traces] if place.xray else []})
        code = self._code(declared.package)
        function = lambda_.CfnFunction(
            self,
            f"{ident}Function",
            function_name=name,
            description=declared.purpose,
            handler=declared.handler,
            runtime=f"python{place.python}",
            architectures=[place.architecture],
            role=role.attr_arn,
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            memory_size=declared.memory_mb,
            timeout=declared.timeout_s,
            reserved_concurrent_executions=1 if declared.is_single else None,
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active") if place.xray else None,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(variables)) if variables else None,
        )
        function.node.add_dependency(log)
        dimensions = {"FunctionName": name}
        if has_error_alarm:
            self.alarm(f"{ident}Errors", "AWS/Lambda", "Errors", dimensions, 0, "errors")
        self.alarm(f"{ident}Throttles", "AWS/Lambda", "Throttles", dimensions, 0, "throttles")
        return Deployed(function, role, name)

    def _code(self, package: str) -> assets.Asset:
        """The group's zip, once a stack."""
        existing = self.node.try_find_child(f"{package}Package")
        if isinstance(existing, assets.Asset):
            return existing
        return assets.Asset(self, f"{package}Package", path=str(self.package_path(package)))

    def package_path(self, package: str) -> Path:
        """The group's zip on this machine. Raises SystemExit where there is none."""
        place = self.config.installation
        path = Path(place.packages) / f"{package}-{place.architecture}-py{place.python.replace('.', '')}.zip"
        if not path.exists():
            raise SystemExit(f"{path} does not exist: run `make packages`, or correct installation.packages.")
        return path

    def alarm(
        self,
        name: str,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, str],
        above: float,
        page: str,
        statistic: str = "Sum",
    ) -> None:
        """An alarm when a metric is above a number in five minutes; its text links what to do."""
        self.alarms.append(
            cloudwatch.CfnAlarm(
                self,
                f"{name}Alarm",
                alarm_name=self.config.named(f"trunkline-{name}"),
                alarm_description=f"What to do: {RUNBOOK}#{page}",
                namespace=namespace,
                metric_name=metric,
                dimensions=[
                    cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value) for key, value in dimensions.items()
                ],
                statistic=statistic,
                period=300,
                evaluation_periods=1,
                threshold=above,
                comparison_operator="GreaterThanThreshold",
                treat_missing_data="notBreaching",
                alarm_actions=[self.topic_arn] if self.topic_arn else None,
            )
        )

    def queue(
        self, name: str, timeout_s: int, sender: str = "", source_arn: str = ""
    ) -> tuple[sqs.CfnQueue, sqs.CfnQueue]:
        """A queue and its dead letters, encrypted by SQS. `sender` is the service that may send, for one source."""
        dead = self.dead_letters(name, sender, [source_arn] if sender else [])
        queue = sqs.CfnQueue(
            self,
            f"{name}Queue",
            sqs_managed_sse_enabled=True,
            message_retention_period=QUEUE_SECONDS,
            visibility_timeout=VISIBILITY_OF_TIMEOUT * timeout_s,
            redrive_policy={"deadLetterTargetArn": dead.attr_arn, "maxReceiveCount": 5},
        )
        self._queue_policy(queue, [self._sends(sender, queue, [source_arn])] if sender else [])
        return queue, dead

    def dead_letters(self, name: str, sender: str = "", source_arns: Sequence[str] = ()) -> sqs.CfnQueue:
        """A queue for what failed for good, with an alarm as soon as it has one.

        `sender` is a service that may send by the queue's own policy, for some sources; others have a role.
        """
        dead = sqs.CfnQueue(
            self, f"{name}DeadLetters", sqs_managed_sse_enabled=True, message_retention_period=QUEUE_SECONDS
        )
        self._queue_policy(dead, [self._sends(sender, dead, source_arns)] if source_arns else [])
        dimensions = {"QueueName": dead.attr_queue_name}
        metric = "ApproximateNumberOfMessagesVisible"
        self.alarm(f"{name}DeadLetters", "AWS/SQS", metric, dimensions, 0, "dead-letters", "Maximum")
        return dead

    def _queue_policy(self, queue: sqs.CfnQueue, allowed: Sequence[dict[str, Any]]) -> None:
        document = {"Version": "2012-10-17", "Statement": [only_tls(queue.attr_arn, "sqs"), *allowed]}
        sqs.CfnQueuePolicy(self, f"{queue.node.id}Policy", queues=[queue.ref], policy_document=document)

    def _sends(self, sender: str, queue: sqs.CfnQueue, source_arns: Sequence[str]) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"Service": f"{sender}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue.attr_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": list(source_arns)}},
        }

    def rule_to_queue(self, name: str, pattern: dict[str, Any], timeout_s: int) -> sqs.CfnQueue:
        """An EventBridge rule whose events wait in a queue, so that none is lost while a function fails."""
        rule_name = self.config.named(f"trunkline-{name}")
        queue, dead = self.queue(name, timeout_s, "events", self.arn("events", f"rule/{rule_name}"))
        events.CfnRule(
            self,
            f"{name}Rule",
            name=rule_name,
            event_pattern=pattern,
            targets=[
                events.CfnRule.TargetProperty(
                    id="queue", arn=queue.attr_arn,
                    retry_policy=events.CfnRule.RetryPolicyProperty(maximum_event_age_in_seconds=86_400),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead.attr_arn),
                )
            ],
        )  # fmt: skip
        return queue

    def read_stream(self, name: str, made: Deployed, arn: str, failures_arn: str, service: str) -> None:
        """A mapping of a stream's shards to a function that a bad record cannot hold up, and an alarm of its age."""
        lambda_.CfnEventSourceMapping(
            self,
            f"{name}Mapping",
            function_name=made.function.ref,
            event_source_arn=arn,
            starting_position="TRIM_HORIZON",
            batch_size=500,
            maximum_batching_window_in_seconds=5,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            # Before the stream drops them: DynamoDB keeps changes for 24 hours.
            maximum_record_age_in_seconds=82_800 if service == "dynamodb" else 518_400,
            maximum_retry_attempts=-1,
            parallelization_factor=1,
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=failures_arn)
            ),
        ).node.add_dependency(made.role)
        age_ms = 60_000 * self.config.watch.iterator_age_minutes
        self.alarm(
            f"{name}Age", "AWS/Lambda", "IteratorAge", {"FunctionName": made.name}, age_ms, "iterator-age", "Maximum"
        )

    def read_queue(self, name: str, made: Deployed, queue: sqs.CfnQueue) -> None:
        """A mapping of a queue's messages to a function."""
        lambda_.CfnEventSourceMapping(
            self,
            f"{name}QueueMapping",
            function_name=made.function.ref,
            event_source_arn=queue.attr_arn,
            batch_size=100,
            maximum_batching_window_in_seconds=5,
            function_response_types=["ReportBatchItemFailures"],
        ).node.add_dependency(made.role)

    def key(self, name: str, purpose: str, services: Sequence[str]) -> kms.CfnKey:
        """A key that stays when the stack goes, rotated each year, for this account and some services."""
        root = {
            "Effect": "Allow",
            "Principal": {"AWS": self.arn("iam", "root", region="")},
            "Action": "kms:*",
            "Resource": "*",
        }
        uses = {
            "Effect": "Allow",
            "Principal": {"Service": [f"{service}.amazonaws.com" for service in services]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.account}},
        }
        document = {"Version": "2012-10-17", "Statement": [root, *([uses] if services else [])]}
        key = kms.CfnKey(self, name, description=purpose, enable_key_rotation=True, key_policy=document)
        return keep(key)


def _targets(statement: dict[str, Any]) -> list[str]:
    resources = statement["Resource"]
    return [resources] if isinstance(resources, str) else list(resources)


def keep(resource: Any) -> Any:
    """The resource stays when its stack is deleted or replaces it."""
    resource.apply_removal_policy(RemovalPolicy.RETAIN)
    return resource


def only_tls(arn: str, service: str) -> dict[str, Any]:
    """Refuses every call without TLS."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
